/**
 * Questions to a program of ours that is running, and its answers: one line of JSON each, over a unix socket in its
 * state directory, where nobody but its user can come.
 */
import { chmodSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { CbError, messageOf, systemCode } from "../core/errors.ts";
import { attempt, systemReason } from "../core/files.ts";
import { printable } from "../core/text.ts";

/** For a question, and for its answer where nothing else is said, in milliseconds. */
const ANSWER_MS = 5_000;
/** Who may ask at the same time. */
const MAX_ASKING = 16;
const MAX_QUESTION_BYTES = 64 * 1024;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * Answers whoever asks, until it is closed. The caller holds the lock of the state directory, so that a socket
 * that is there is nobody's.
 *
 * @param answer what it gives is sent as JSON; where it throws, whoever asked hears nothing
 * @param patience milliseconds for an answer
 * @throws {CbError} `file`, such as for a path longer than a socket's may be, 107 bytes
 */
export async function serveAnswers(
  path: string,
  answer: (question: unknown) => Promise<unknown>,
  patience = ANSWER_MS,
): Promise<Server> {
  attempt("remove", path, () => rmSync(path, { force: true }));
  const server = createServer((socket) => {
    socket.on("error", () => {}); // whoever asked has gone
    // Nor may whoever asked and does not listen keep us from ending.
    socket.unref();
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    readLine(socket, MAX_QUESTION_BYTES)
      .then((line) => {
        // Whoever has asked may wait; whoever says nothing must not keep others from asking.
        socket.setTimeout(patience);
        return answer(JSON.parse(line));
      })
      .then((value) => socket.end(`${JSON.stringify(value)}\n`))
      .catch(() => socket.destroy());
  });
  server.maxConnections = MAX_ASKING;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    // The directory keeps others out already; this is for one that was made before us.
    chmodSync(path, 0o600);
  } catch (error) {
    throw new CbError("file", `Cannot listen on "${printable(path)}": ${messageOf(error)}`);
  }
  return server;
}

/**
 * Asks who listens on a socket.
 *
 * @param who as in `Cannot ask the agent at …`
 * @param patience milliseconds for the answer
 * @throws {CbError} `file` where nobody answers, or not as one should
 */
export async function askAt(
  path: string,
  who: string,
  question: unknown,
  patience = ANSWER_MS,
): Promise<unknown> {
  const refuse = (why: string) =>
    new CbError("file", `Cannot ask the ${who} at "${printable(path)}": ${why}`);
  const socket = createConnection(path);
  const late = setTimeout(() => {
    socket.destroy(new Error(`no answer within ${patience / 1000} s`));
  }, patience);
  let line: string;
  try {
    socket.write(`${JSON.stringify(question)}\n`);
    line = await readLine(socket, MAX_ANSWER_BYTES);
  } catch (error) {
    const code = systemCode(error);
    throw refuse(code === "ENOENT" || code === "ECONNREFUSED" ? `no ${who} is running` : systemReason(error));
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
  try {
    return JSON.parse(line);
  } catch {
    throw refuse(`it does not answer as the ${who} does`);
  }
}

async function readLine(socket: Socket, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Not `for await`: leaving it early would destroy a socket that is still to be answered on.
  return new Promise((resolve, reject) => {
    const text = () => Buffer.concat(chunks).toString();
    socket.on("data", (chunk: Uint8Array) => {
      chunks.push(chunk);
      length += chunk.length;
      if (chunk.includes(0x0a)) resolve(text().split("\n", 1)[0] ?? "");
      else if (length > limit) reject(new Error("its line is too long"));
    });
    socket.on("end", () => resolve(text()));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("it hung up")));
  });
}

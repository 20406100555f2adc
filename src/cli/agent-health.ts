/**
 * Asks a running agent how it is, and answers: one line of JSON over a socket in the agent's state directory,
 * where nobody but its user can come.
 */
import { rmSync } from "node:fs";
import { createConnection, createServer, type Server } from "node:net";
import { join } from "node:path";
import { CbError, messageOf, systemCode } from "../core/errors.ts";
import type { Channel, Identity } from "../core/names.ts";
import { printable } from "../core/text.ts";

export type Health = {
  /** Whether requests reach the agent, and Redis answers it. */
  readonly isHealthy: boolean;
  /** `channel default at redis://…, 0 running`, or what is wrong. */
  readonly status: string;
};

/** For the answer, in milliseconds: the agent asks Redis first. */
const ANSWER_MS = 5_000;
const MAX_ANSWER_BYTES = 4_096;
/** Who may ask at the same time. */
const MAX_ASKING = 16;

export function healthSocket(stateDirectory: string, channel: Channel, identity: Identity): string {
  return join(stateDirectory, channel, identity, "health.sock");
}

/**
 * Answers whoever asks, until it is closed. The caller holds the lock of the state directory, so that a socket
 * that is there is nobody's.
 *
 * @throws {CbError} `file`, such as for a path longer than a socket's may be, 107 bytes
 */
export async function serveHealth(path: string, ask: () => Promise<Health>): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.on("error", () => {}); // whoever asked has gone
    // Nor may whoever asked and does not listen keep us from ending.
    socket.unref();
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    ask().then(
      (health) => socket.end(`${JSON.stringify(health)}\n`),
      () => socket.destroy(),
    );
  });
  server.maxConnections = MAX_ASKING;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
  } catch (error) {
    throw new CbError("file", `Cannot listen on "${printable(path)}": ${messageOf(error)}`);
  }
  return server;
}

/** @throws {CbError} `file` where no agent answers */
export async function askHealth(path: string): Promise<Health> {
  const refuse = (why: string) => new CbError("file", `Cannot ask the agent at "${printable(path)}": ${why}`);
  const socket = createConnection(path);
  const late = setTimeout(() => {
    socket.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`));
  }, ANSWER_MS);
  let answer = "";
  try {
    for await (const chunk of socket) {
      answer += String(chunk);
      if (answer.length > MAX_ANSWER_BYTES) break;
    }
  } catch (error) {
    const code = systemCode(error);
    throw refuse(code === "ENOENT" || code === "ECONNREFUSED" ? "no agent is running" : messageOf(error));
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
  const health = parseHealth(answer);
  if (health === undefined) throw refuse("it does not answer as an agent does");
  return health;
}

function parseHealth(text: string): Health | undefined {
  try {
    const { isHealthy, status } = JSON.parse(text) as Partial<Health>;
    return typeof isHealthy === "boolean" && typeof status === "string" ? { isHealthy, status } : undefined;
  } catch {
    return undefined;
  }
}

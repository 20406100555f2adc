/**
 * Writing to our own standard output and standard error.
 *
 * The runtimes agree on one thing only: the callback of `write()`. Bun keeps `writableLength` at 0 whatever
 * waits, Deno throws at once where the others emit `error`. Whoever awaits `write` loses no output, holds
 * no more than one piece of it in memory, and learns what went wrong.
 *
 * Under Deno not even that is enough: a stream there holds the whole process up until the reader has taken what
 * is written, so that no signal is heard and no sign of life is given. Hence Deno's own files.
 */
import { writeSync } from "node:fs";
import { CbError, ExitStatus, systemCode } from "../core/errors.ts";
import { systemReason } from "../core/files.ts";

export type Stream = NodeJS.WriteStream;

/** One of our own streams, made when it is first asked for: it takes Bun as long as all the rest of a start. */
export function standardStream(name: "stdout" | "stderr"): Stream {
  const stream: Stream = process[name];
  // Whoever writes learns of a failure by `write`; the event that comes as well would be an uncaught exception.
  return stream.listeners("error").includes(ignore) ? stream : stream.on("error", ignore);
}

function ignore(): void {}

/**
 * Writes all that there is to write to standard output, and makes no stream unless its reader stands still.
 *
 * @throws {CbError} as `write`
 */
export async function writeOnly(line: string): Promise<void> {
  const bytes = new TextEncoder().encode(line);
  const written = attemptWrite(bytes);
  if (written < bytes.length) await write(standardStream("stdout"), bytes.subarray(written));
}

/** @returns how many bytes the system took */
function attemptWrite(bytes: Uint8Array): number {
  try {
    return writeSync(1, bytes);
  } catch (cause) {
    if (systemCode(cause) === "EAGAIN") return 0;
    throw outputError(cause);
  }
}

/**
 * Writes, and resolves when the system has taken all of it.
 *
 * @throws {CbError} `reader-gone` (exit status 141, nothing to be printed) or `output` (1, such as a full disk)
 */
export function write(stream: Stream, data: string | Uint8Array): Promise<void> {
  return writeAll(stream, data).catch((cause) => {
    throw outputError(cause);
  });
}

async function writeAll(stream: Stream, data: string | Uint8Array): Promise<void> {
  const file = denoFile(stream);
  if (file === undefined) {
    return new Promise((resolve, reject) => {
      stream.write(data, (error) => (error ? reject(error) : resolve()));
    });
  }
  let rest = typeof data === "string" ? new TextEncoder().encode(data) : data;
  while (rest.length > 0) rest = rest.subarray(await file.write(rest));
}

type DenoFile = { readonly write: (bytes: Uint8Array) => Promise<number> };
type DenoFiles = { readonly stdout: DenoFile; readonly stderr: DenoFile };

function denoFile(stream: Stream): DenoFile | undefined {
  const { Deno } = globalThis as { readonly Deno?: DenoFiles };
  return stream === process.stdout ? Deno?.stdout : stream === process.stderr ? Deno?.stderr : undefined;
}

function outputError(cause: unknown): CbError {
  const code = systemCode(cause);
  if (code === "EPIPE") {
    return new CbError("reader-gone", "Cannot write output: its reader is gone", {
      exitStatus: ExitStatus.readerGone,
      cause,
    });
  }
  // Deno's error has no number to look up.
  const reason = code === "ENOSPC" ? "no space left on device" : systemReason(cause);
  return new CbError("output", `Cannot write output: ${reason}`, { cause });
}

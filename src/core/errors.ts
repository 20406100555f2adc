/**
 * The one error that is meant for people, and the exit status of every program.
 *
 * Only `cli/main` prints and sets the exit status. A `CbError` becomes `cb: error:` and `cb: hint:`;
 * any other error is a bug: its stack is shown and the status is 255. What an agent or the network does
 * wrong is not an exception but an `Admission` or an `Outcome`.
 */

/** Process exit status; the runtime bits add up, the others stand alone (PROTOCOL.md, Exit status). */
export const ExitStatus = {
  ok: 0,
  setup: 1,
  missingAgents: 2,
  commandFailed: 4,
  replyWaitExpired: 8,
  agentError: 16,
  integrity: 32,
  notAllRun: 64,
  temporary: 75,
  interrupted: 130,
  readerGone: 141,
  bug: 255,
} as const;

/** Stable words for scripts, logs and tests; the message is for people and may change. */
export type ErrorCode =
  | "usage" // a word, option or operand of the command line
  | "setting" // a value from the command line, environment or a file
  | "key" // key material: missing, damaged, of the wrong kind, readable by others
  | "file" // any other file
  | "locked" // another process holds the state directory
  | "hub" // Redis: unreachable, refused, went away
  | "server" // Faraday's server: unreachable, refused, no such server
  | "scanner" // a program that an executor of ours runs: not there, failed, its report damaged
  | "output" // our own standard output
  | "reader-gone" // whoever read our standard output has left
  | "message-malformed"; // bytes that no encoder of ours produces

type CbErrorOptions = {
  readonly exitStatus?: number;
  /** What to do next, printed as `cb: hint: …`. */
  readonly hint?: string;
  readonly cause?: unknown;
};

/** A failure with a stable `code`, one line for people, and the exit status that it causes. */
export class CbError extends Error {
  override readonly name = "CbError";
  readonly code: ErrorCode;
  readonly exitStatus: number;
  readonly hint: string | undefined;

  /** @param message `Cannot <verb> <value>: <why, what is expected>`, without a full stop, never with a key */
  constructor(code: ErrorCode, message: string, options: CbErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.exitStatus = options.exitStatus ?? ExitStatus.setup;
    this.hint = options.hint;
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's name of an error, such as `ENOENT`, where it has one (errno(3)). */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

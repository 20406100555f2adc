/**
 * What went wrong between us and Redis, in words for people and as a kind that code can branch on.
 *
 * An error of ioredis goes no further than this file: it carries the command with its arguments, and those of
 * AUTH are the password.
 */
import { CbError, messageOf, systemCode } from "../core/errors.ts";
import { printable } from "../core/text.ts";
import { type Connection, describeConnection } from "./connection-string.ts";

/**
 * - `connection`: there is none, or it is of no use any more; another one may be better.
 * - `passing`: Redis refused for now; the same words may be accepted later.
 * - `denied`: its ACL does not grant this command, key or channel.
 * - `refused`: Redis refused for another reason, and will again.
 */
type FailureKind = "connection" | "passing" | "denied" | "refused";

/** The reason alone, such as `connection refused`; who says it to people puts `Cannot …` before. */
export class HubFailure extends Error {
  override readonly name = "HubFailure";
  readonly kind: FailureKind;

  constructor(kind: FailureKind, reason: string) {
    super(reason);
    this.kind = kind;
  }
}

/** A failure for people: `Cannot <action> "redis://…": <reason>`. */
export function hubError(action: string, connection: Connection, failure: unknown): CbError {
  const cause = failureOf(failure);
  return new CbError("hub", `Cannot ${action} "${describeConnection(connection)}": ${cause.message}`, {
    cause,
  });
}

/** Any error of a socket, a stream or ioredis, without the command that it may carry. */
export function failureOf(error: unknown): HubFailure {
  if (error instanceof HubFailure) return error;
  const code = systemCode(error);
  const words = code === undefined ? undefined : SYSTEM_REASONS[code];
  return new HubFailure("connection", words ?? shorten(messageOf(error)));
}

const SYSTEM_REASONS: { readonly [code: string]: string } = {
  EACCES: "permission denied",
  EAI_AGAIN: "the name cannot be looked up now",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ENOENT: "no such socket file",
  ENOTFOUND: "no such host",
  EPIPE: "connection closed by Redis",
  ETIMEDOUT: "connection timed out",
};

/** First words of an error of Redis that stands for a state, which ends by itself or by an operator's hand. */
const PASSING = new Set([
  "BUSY", // a script is running
  "CLUSTERDOWN",
  "LOADING",
  "MASTERDOWN",
  "MISCONF", // its disk is full
  "NOREPLICAS",
  "OOM",
  "READONLY", // became a replica
  "TRYAGAIN",
]);

/** @param text an error as Redis words it: a code in capitals, then an explanation */
export function failureOfReply(text: string): HubFailure {
  const [code = "", ...rest] = text.split(" ");
  const explanation = shorten(rest.join(" "));
  if (PASSING.has(code)) return new HubFailure("passing", `Redis refuses for now: ${shorten(text)}`);
  switch (code) {
    case "NOAUTH":
      return new HubFailure("connection", "a password is required");
    case "WRONGPASS":
      return new HubFailure("connection", "wrong user name or password");
    case "NOPERM":
      return new HubFailure("denied", `access denied: ${explanation}`);
    case "DENIED":
      return new HubFailure("connection", "Redis is in protected mode, which serves its own machine alone");
  }
  if (/^ERR invalid password/.test(text)) return new HubFailure("connection", "wrong password"); // Redis < 6
  if (/^ERR (DB index is out of range|invalid DB index)/.test(text)) {
    return new HubFailure("connection", "this Redis has no such database");
  }
  if (/^ERR max number of clients/.test(text)) {
    return new HubFailure("connection", "Redis serves as many clients as it may");
  }
  if (/^ERR unknown command/.test(text)) {
    return new HubFailure("refused", `Redis 6.2 or newer is needed: ${shorten(text)}`);
  }
  return new HubFailure("refused", `Redis refused: ${shorten(text)}`);
}

/** One harmless line of what somebody else wrote. */
function shorten(text: string): string {
  const line = printable(text);
  return line.length <= 200 ? line : `${line.slice(0, 200)}…`;
}

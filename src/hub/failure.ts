/**
 * What went wrong between us and Redis, in words for people and as a kind that code can branch on.
 *
 * An error of ioredis goes no further than this file: it carries the command with its arguments, and those of
 * AUTH are the password.
 */
import { CONNECTION_RESET, connectionReason, type TlsOptionNames } from "../core/connection-failure.ts";
import { CbError, messageOf, systemCode } from "../core/errors.ts";
import { shortened } from "../core/text.ts";
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
  return new HubFailure("connection", reasonOf(error) ?? shortened(messageOf(error)));
}

/** Also where no error says so. */
export const CLOSED = "connection closed by Redis";

const TLS_OPTIONS: TlsOptionNames = {
  authorities: "--tls-ca",
  certificate: "--tls-cert",
  serverName: "--tls-server-name",
};

function reasonOf(error: unknown): string | undefined {
  switch (systemCode(error)) {
    case "ENOENT":
      return "no such socket file";
    case "EPIPE":
      return CLOSED;
    default:
      return connectionReason(error, TLS_OPTIONS);
  }
}

/**
 * A failure of a new connection, with its likely cause where Redis just hung up.
 *
 * It does so on a handshake that it does not understand. And a TLS handshake is over for a client before the
 * server has looked at the client's certificate, so that what it says of it may be lost with the connection.
 */
export function withLikelyCause(failure: HubFailure, { address, tls }: Connection): HubFailure {
  const isCut = failure.message === CONNECTION_RESET || failure.message === CLOSED;
  if (address.kind === "unix" || !isCut || tls?.identity !== undefined) return failure;
  const cause = tls === undefined ? "it may speak TLS (rediss://)" : "it may want a certificate (--tls-cert)";
  return new HubFailure(failure.kind, `${failure.message}, ${cause}`);
}

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
  const explanation = shortened(rest.join(" "));
  if (PASSING.has(code)) return new HubFailure("passing", `Redis refuses for now: ${shortened(text)}`);
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
    return new HubFailure("refused", `Redis 6.2 or newer is needed: ${shortened(text)}`);
  }
  return new HubFailure("refused", `Redis refused: ${shortened(text)}`);
}

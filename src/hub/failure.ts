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
  const words = code === undefined ? undefined : (SYSTEM_REASONS[code] ?? tlsReason(code, error));
  return new HubFailure("connection", words ?? shorten(messageOf(error)));
}

/** Also where no error says so. */
export const CLOSED = "connection closed by Redis";

const SYSTEM_REASONS: { readonly [code: string]: string } = {
  EACCES: "permission denied",
  EAI_AGAIN: "the name cannot be looked up now",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ENOENT: "no such socket file",
  ENOTFOUND: "no such host",
  EPIPE: CLOSED,
  ETIMEDOUT: "connection timed out",
};

const UNKNOWN_AUTHORITY = "its certificate is not from an authority that we trust (--tls-ca)";

/** By the codes that Node has from OpenSSL; Bun and Deno give the same. */
const CERTIFICATE_REASONS: { readonly [code: string]: string } = {
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  CERT_SIGNATURE_FAILURE: "its certificate is damaged",
  INVALID_CA: UNKNOWN_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
};

/** What is wrong with TLS; undefined where the code is none of TLS. */
function tlsReason(code: string, error: unknown): string | undefined {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `its certificate is for another name (--tls-server-name): ${namesInCertificate(error)}`;
  }
  const words = /^ERR_SSL_(?:(?:SSLV3|TLSV1|TLSV13)_)?(.+)$/.exec(code)?.[1];
  switch (words) {
    case undefined:
      return CERTIFICATE_REASONS[code];
    case "WRONG_VERSION_NUMBER":
      return "it does not speak TLS";
    case "ALERT_CERTIFICATE_REQUIRED":
      return "it wants a certificate of ours (--tls-cert)";
    case "ALERT_UNKNOWN_CA":
    case "ALERT_BAD_CERTIFICATE":
    case "ALERT_CERTIFICATE_EXPIRED":
    case "ALERT_CERTIFICATE_REVOKED":
    case "ALERT_CERTIFICATE_UNKNOWN":
    case "ALERT_UNSUPPORTED_CERTIFICATE":
      return `it does not accept our certificate: ${inWords(words)}`;
    default:
      return `TLS failed: ${inWords(words)}`;
  }
}

/** `ALERT_UNKNOWN_CA` → `alert unknown ca`; the messages have numbers and paths of OpenSSL in them. */
function inWords(code: string): string {
  return shorten(code.toLowerCase().replaceAll("_", " "));
}

/** As in `DNS:hub.example, IP Address:192.0.2.1`. */
function namesInCertificate(error: unknown): string {
  const certificate = error instanceof Error && "cert" in error ? error.cert : undefined;
  const isObject = typeof certificate === "object" && certificate !== null;
  const names = isObject && "subjectaltname" in certificate ? certificate.subjectaltname : undefined;
  return typeof names === "string" ? shorten(names) : "it has none";
}

/**
 * A failure of a new connection, with its likely cause where Redis just hung up.
 *
 * It does so on a handshake that it does not understand. And a TLS handshake is over for a client before the
 * server has looked at the client's certificate, so that what it says of it may be lost with the connection.
 */
export function withLikelyCause(failure: HubFailure, { address, tls }: Connection): HubFailure {
  const isCut = failure.message === SYSTEM_REASONS["ECONNRESET"] || failure.message === CLOSED;
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

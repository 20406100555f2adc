/**
 * What went wrong between us and Faraday's server, in words for people and as a kind that code can branch on.
 *
 * An error of undici goes no further than `http-client.ts`: its message may hold the proxy's password.
 */
import { CONNECTION_RESET, connectionReason, type TlsOptionNames } from "../core/connection-failure.ts";
import { CbError, messageOf, systemCode } from "../core/errors.ts";
import { printable, shortened } from "../core/text.ts";

/**
 * - `connection`: no HTTP answer came: network, TLS, proxy or time.
 * - `answer`: there was one, and it is not what was asked for.
 */
type FailureKind = "connection" | "answer";

/** The reason alone, such as `connection refused`; who says it to people puts `Cannot …` before. */
export class ServerFailure extends Error {
  override readonly name = "ServerFailure";
  readonly kind: FailureKind;
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(kind: FailureKind, reason: string, hint?: string) {
    super(reason);
    this.kind = kind;
    this.hint = hint;
  }
}

/** A failure for people: `Cannot <action> "https://faraday.example": <reason>`. */
export function serverError(action: string, server: URL, failure: ServerFailure): CbError {
  return new CbError("server", `Cannot ${action} "${describeServer(server)}": ${failure.message}`, {
    cause: failure,
    ...(failure.hint !== undefined && { hint: failure.hint }),
  });
}

/** A URL without the name and password that it may hold. */
export function describeServer({ protocol, host, pathname }: URL): string {
  return printable(`${protocol}//${host}${pathname === "/" ? "" : pathname}`);
}

const TLS_OPTIONS: TlsOptionNames = {
  authorities: "--tls-ca",
  certificate: "--tls-cert",
  serverName: undefined,
};

const CLOSED = "connection closed by the server";

/** Any error of a request to `url`, without what undici has put into it. */
export function failureOf(error: unknown, url: URL, hasCertificate: boolean): ServerFailure {
  if (error instanceof ServerFailure) return error;
  const reason = connectionReason(error, TLS_OPTIONS) ?? reasonOfUndici(error);
  if (reason === undefined) return new ServerFailure("connection", shortened(messageOf(error)));
  return new ServerFailure("connection", `${reason}${likelyCause(reason, url, hasCertificate)}`);
}

function reasonOfUndici(error: unknown): string | undefined {
  if (error instanceof Error && error.name === "HTTPParserError") return NO_HTTP;
  switch (systemCode(error)) {
    case "UND_ERR_CONNECT_TIMEOUT":
      return "connection timed out";
    case "EPIPE":
    case "UND_ERR_SOCKET":
      return CLOSED;
    case "UND_ERR_HEADERS_TIMEOUT":
      return "no answer in time";
    case "UND_ERR_HEADERS_OVERFLOW":
      return "the headers of its answer are too long";
    // undici knows no other way to say what the proxy said; the number is all there is.
    case "UND_ERR_ABORTED": {
      const status = /^Proxy response \((\d{3})\)/.exec(messageOf(error))?.[1];
      if (status === "407") return "the proxy wants a name and a password in its URL, or other ones";
      return status === undefined ? undefined : `the proxy does not connect to it: it answers ${status}`;
    }
    default:
      return undefined;
  }
}

const NO_HTTP = "it does not speak HTTP";

/** A server without TLS takes a handshake for rubbish and hangs up, as does one with TLS on a plain request. */
function likelyCause(reason: string, { protocol }: URL, hasCertificate: boolean): string {
  const isCut = reason === CONNECTION_RESET || reason === CLOSED || reason === NO_HTTP;
  if (reason === "it does not speak TLS") return ", its URL may begin with http://";
  if (!isCut) return "";
  if (protocol === "http:") return ", it may speak TLS (https://)";
  return hasCertificate ? "" : ", it may want a certificate (--tls-cert)";
}

/**
 * What went wrong with a TCP or TLS connection, in words for people.
 *
 * By the codes of errors alone: the messages have numbers and paths of OpenSSL in them, and differ between Node,
 * Bun and Deno.
 */
import { systemCode } from "./errors.ts";
import { shortened } from "./text.ts";

/** What the options are called that a reason may point to. */
export type TlsOptionNames = {
  readonly authorities: string;
  readonly certificate: string;
  /** Undefined where the name that is expected cannot be chosen. */
  readonly serverName: string | undefined;
};

/** What TCP says where the other side is gone without a word. */
export const CONNECTION_RESET = "connection reset";

const SYSTEM_REASONS: { readonly [code: string]: string } = {
  EACCES: "permission denied",
  EAI_AGAIN: "the name cannot be looked up now",
  ECONNREFUSED: "connection refused",
  ECONNRESET: CONNECTION_RESET,
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ENOTFOUND: "no such host",
  ETIMEDOUT: "connection timed out",
};

/** By the codes that Node has from OpenSSL; Bun and Deno give the same. */
const CERTIFICATE_REASONS: { readonly [code: string]: string } = {
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  CERT_SIGNATURE_FAILURE: "its certificate is damaged",
};

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  "INVALID_CA",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** The reason that an error's code gives; undefined where it has none that is known. */
export function connectionReason(error: unknown, names: TlsOptionNames): string | undefined {
  const code = systemCode(error);
  return code === undefined ? undefined : (SYSTEM_REASONS[code] ?? tlsReason(code, error, names));
}

function tlsReason(code: string, error: unknown, names: TlsOptionNames): string | undefined {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const option = names.serverName === undefined ? "" : ` (${names.serverName})`;
    return `its certificate is for another name${option}: ${namesInCertificate(error)}`;
  }
  if (UNKNOWN_AUTHORITY.has(code)) {
    return `its certificate is not from an authority that we trust (${names.authorities})`;
  }
  const words = /^ERR_SSL_(?:(?:SSLV3|TLSV1|TLSV13)_)?(.+)$/.exec(code)?.[1];
  switch (words) {
    case undefined:
      return CERTIFICATE_REASONS[code];
    case "WRONG_VERSION_NUMBER":
      return "it does not speak TLS";
    case "ALERT_CERTIFICATE_REQUIRED":
      return `it wants a certificate of ours (${names.certificate})`;
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

/** `ALERT_UNKNOWN_CA` → `alert unknown ca`. */
function inWords(code: string): string {
  return shortened(code.toLowerCase().replaceAll("_", " "));
}

/** As in `DNS:hub.example, IP Address:192.0.2.1`. */
function namesInCertificate(error: unknown): string {
  const certificate = error instanceof Error && "cert" in error ? error.cert : undefined;
  const isObject = typeof certificate === "object" && certificate !== null;
  const names = isObject && "subjectaltname" in certificate ? certificate.subjectaltname : undefined;
  return typeof names === "string" ? shortened(names) : "it has none";
}

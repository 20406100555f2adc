/**
 * The certificates that a server shows, before anybody trusts it: nothing is said to it but the handshake.
 *
 * Which of them to trust so that it is verified from then on is tried, not reckoned: what a chain may end at differs
 * between runtimes (`TlsOptions.partial`), and a wrong name or a date that has passed is mended by none of them.
 */
import { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { printable } from "../core/text.ts";
import { HttpClient, type HttpOptions, type TlsOptions } from "./http-client.ts";
import { ServerFailure } from "./server-failure.ts";

/** All texts are harmless to a terminal. */
export type ShownCertificate = {
  readonly subject: string;
  readonly issuer: string;
  /** Whether it has signed itself. */
  readonly isSelfSigned: boolean;
  /** For which hosts; empty where it says nothing of them. */
  readonly names: string;
  /** Days, such as `2026-11-22`. */
  readonly from: string;
  readonly to: string;
  /** SHA-256, pairs of digits between colons. */
  readonly fingerprint: string;
  readonly pem: string;
};

/** More than any chain has; a server may send what it likes. */
const MAX_CERTIFICATES = 10;

/**
 * @returns the server's own first, then those that vouch for it
 * @throws {ServerFailure} where there is no TLS to be had
 * @throws the reason of `signal`
 */
export async function shownCertificates(
  options: HttpOptions,
  signal: AbortSignal,
): Promise<readonly ShownCertificate[]> {
  return handshake({ ...options, tls: { ...options.tls, verify: false } }, signal);
}

/** What makes a client trust whoever has this certificate, or one that is signed with it. */
export function trusting(pem: string): Pick<TlsOptions, "ca" | "partial" | "verify"> {
  return { ca: Buffer.from(pem), partial: true, verify: true };
}

/** Those of the certificates that make the server trusted, each on its own. */
export async function trustworthy(
  shown: readonly ShownCertificate[],
  options: HttpOptions,
  signal: AbortSignal,
): Promise<readonly ShownCertificate[]> {
  const found: ShownCertificate[] = [];
  for (const certificate of shown) {
    const tls = { ...options.tls, ...trusting(certificate.pem) };
    if (await isTrusted({ ...options, tls }, signal)) found.push(certificate);
  }
  return found;
}

/** Whether the server is trusted as things are; nothing is said to it. @throws the reason of `signal` */
export async function isTrusted(options: HttpOptions, signal: AbortSignal): Promise<boolean> {
  try {
    await handshake(options, signal);
    return true;
  } catch (error) {
    if (error instanceof ServerFailure) return false;
    throw error;
  }
}

async function handshake(options: HttpOptions, signal: AbortSignal): Promise<readonly ShownCertificate[]> {
  const enough = new ServerFailure("connection", "the handshake is over");
  let shown: readonly ShownCertificate[] = [];
  const judge = (socket: Socket) => {
    shown = certificatesOf(socket);
    return enough;
  };
  const http = new HttpClient({ ...options, judge });
  try {
    await http.request({ method: "GET", url: http.at("/"), signal });
  } catch (error) {
    if (error !== enough) throw error;
  } finally {
    await http.close();
  }
  return shown;
}

function certificatesOf(socket: Socket): readonly ShownCertificate[] {
  if (!(socket instanceof TLSSocket)) return [];
  const found: ShownCertificate[] = [];
  // Not X509Certificate's own `issuerCertificate`: under Deno it leaves out the root.
  let next: ReturnType<TLSSocket["getPeerCertificate"]> | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && found.length < MAX_CERTIFICATES) {
    found.push(certificateOf(next.raw));
    const { issuerCertificate: issuer } = next as { issuerCertificate?: typeof next };
    // What has signed itself is its own issuer.
    next = issuer?.fingerprint256 === next.fingerprint256 ? undefined : issuer;
  }
  return found;
}

function certificateOf(raw: Uint8Array): ShownCertificate {
  const { subject, issuer, subjectAltName, validFrom, validTo, fingerprint256 } = new X509Certificate(raw);
  const base64 = Buffer.from(raw)
    .toString("base64")
    .replaceAll(/.{1,64}/g, "$&\n");
  return {
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    isSelfSigned: subject === issuer,
    names: printable(subjectAltName ?? ""),
    from: dayOf(validFrom),
    to: dayOf(validTo),
    fingerprint: fingerprint256,
    pem: `-----BEGIN CERTIFICATE-----\n${base64}-----END CERTIFICATE-----\n`,
  };
}

/** One line of what has a line for each part. */
function nameOf(text: string | undefined): string {
  return printable((text ?? "").replaceAll("\n", ", ")) || "no name";
}

function dayOf(text: string): string {
  const time = Date.parse(text);
  return Number.isNaN(time) ? printable(text) : new Date(time).toISOString().slice(0, 10);
}

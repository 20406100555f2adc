/**
 * Certificates and keys in files: those of the authorities of this system, and our own.
 *
 * Everything is judged here, since Node, Bun and Deno agree on a bad certificate of the server but not on one of
 * ours: some pass over it in silence, others throw words of OpenSSL.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { CbError } from "../core/errors.ts";
import { readSmallFile, readSmallFileAndMode, refuseIfReadableByOthers } from "../core/files.ts";
import type { Environment } from "../core/settings.ts";
import { printable } from "../core/text.ts";

/** What we show a server that wants a certificate, both in PEM. */
export type TlsIdentity = { readonly certificate: string; readonly key: string };

/** Bytes. The system's authorities have a quarter of a million. */
const MAX_PEM_BYTES = 4 * 1024 * 1024;

/** Where systems have their authorities: Debian, Arch and Alpine; Fedora; RHEL; SUSE (Go, crypto/x509). */
const SYSTEM_AUTHORITIES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** The same ones under all runtimes, which have lists of their own, and where OpenSSL's variable says. */
export function systemAuthorities({ SSL_CERT_FILE: named }: Environment): string {
  const path = named || SYSTEM_AUTHORITIES.find((candidate) => existsSync(candidate));
  if (path !== undefined) return readText(path);
  const looked = SYSTEM_AUTHORITIES.map((candidate) => `"${candidate}"`).join(", ");
  throw new CbError("file", `Cannot find the authorities of this system: looked for ${looked}`, {
    hint: "Install ca-certificates, or name a file with --tls-ca",
  });
}

/** @throws {CbError} `setting` where one of the two is missing, `file` and `key` for what is wrong with them */
export function loadIdentity(
  certificatePath: string | undefined,
  keyPath: string | undefined,
  environment: Environment,
): TlsIdentity | undefined {
  if (certificatePath === undefined && keyPath === undefined) return undefined;
  if (certificatePath === undefined) throw new CbError("setting", "Cannot use tls-key without tls-cert");
  if (keyPath === undefined) throw new CbError("setting", "Cannot use tls-cert without tls-key");
  const certificate = readCertificates(certificatePath);
  const key = readSecret(keyPath, MAX_PEM_BYTES, environment);
  const subject = `Cannot use "${printable(keyPath)}"`;
  if (/ENCRYPTED/.test(key)) {
    throw new CbError("key", `${subject}: it is encrypted, expected a key without a passphrase`);
  }
  const privateKey = orUndefined(() => createPrivateKey(key));
  if (privateKey === undefined) throw new CbError("key", `${subject}: expected a private key in PEM`);
  if (!new X509Certificate(certificate).checkPrivateKey(privateKey)) {
    throw new CbError("key", `${subject}: it does not belong to "${printable(certificatePath)}"`);
  }
  return { certificate, key };
}

/** The text of a file in which every certificate is sound; at least one. */
export function readCertificates(path: string): string {
  const text = readText(path);
  const all = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  const subject = `Cannot use "${printable(path)}"`;
  if (all.length === 0) throw new CbError("file", `${subject}: expected certificates in PEM`);
  for (const [index, certificate] of all.entries()) {
    if (orUndefined(() => new X509Certificate(certificate)) !== undefined) continue;
    throw new CbError("file", `${subject}: certificate ${index + 1} is damaged`);
  }
  return text;
}

function readText(path: string): string {
  return new TextDecoder().decode(readSmallFile(path, MAX_PEM_BYTES));
}

/** The text of a file that only its owner can read. */
export function readSecret(path: string, limit: number, environment: Environment): string {
  const { bytes, mode } = readSmallFileAndMode(path, limit, "key");
  refuseIfReadableByOthers(path, mode, environment);
  return new TextDecoder().decode(bytes);
}

function orUndefined<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/**
 * From the settings about Redis to a connection: reads the files that they name, once, at the start.
 *
 * Everything is judged here, since Node, Bun and Deno agree on a bad certificate of the server but not on one of
 * ours: some pass over it in silence, others throw words of OpenSSL.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { CbError } from "../core/errors.ts";
import { readSmallFile, readSmallFileAndMode, refuseIfReadableByOthers } from "../core/files.ts";
import type { Environment, Resolved, Values } from "../core/settings.ts";
import { printable } from "../core/text.ts";
import type { Connection, Tls } from "../hub/connection-string.ts";
import type { hubSettings } from "./settings/common.ts";

type Settings = Values<typeof hubSettings>;

/** Bytes. The system's authorities have a quarter of a million. */
const MAX_PEM_BYTES = 4 * 1024 * 1024;
const MAX_PASSWORD_BYTES = 4 * 1024;

/** Where systems have their authorities: Debian, Arch and Alpine; Fedora; RHEL; SUSE (Go, crypto/x509). */
const SYSTEM_AUTHORITIES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** What a password on the command line is met with. */
export const VISIBLE_PASSWORD =
  "everybody on this machine can see the password in the list of processes, expected --password-file or CB_PASSWORD";

/** Whether `ps` shows the password. */
export function isPasswordVisible({ values, origins }: Resolved<typeof hubSettings>): boolean {
  return origins["connection-string"] === "argument" && values["connection-string"].password !== undefined;
}

/**
 * The connection that the settings describe, with what is in the files.
 *
 * @throws {CbError} `setting` for settings that do not go together, `file` and `key` for what is wrong with a file
 */
export function loadConnection(settings: Settings, environment: Environment): Connection {
  const connection = settings["connection-string"];
  return {
    ...connection,
    password: loadPassword(settings, environment),
    tls: loadTls(settings, environment),
  };
}

/** There is one at most: which of two is meant, only the caller knows. */
function loadPassword(settings: Settings, environment: Environment): string | undefined {
  const { "connection-string": connection, "password-file": path } = settings;
  const { CB_PASSWORD: variable } = environment;
  const given = [
    ...(connection.password === undefined ? [] : ["the connection string"]),
    ...(path === undefined ? [] : [`"${printable(path)}"`]),
    ...(variable === undefined ? [] : ["the environment (CB_PASSWORD)"]),
  ];
  if (given.length > 1) {
    throw new CbError("setting", `Cannot use the passwords from ${given.join(" and ")}: expected one`);
  }
  if (path !== undefined) return readPassword(path, environment);
  if (variable === "")
    throw new CbError("setting", "Cannot use CB_PASSWORD from the environment: it is empty");
  return variable ?? connection.password;
}

function readPassword(path: string, environment: Environment): string {
  const text = readSecret(path, MAX_PASSWORD_BYTES, environment).replace(/\r?\n$/, "");
  if (text !== "" && !/[\r\n\0]/.test(text)) return text;
  const found = text === "" ? "it is empty" : "it has more than one line";
  throw new CbError("key", `Cannot use "${printable(path)}": ${found}, expected a password`);
}

function loadTls(settings: Settings, environment: Environment): Tls | undefined {
  if (settings["connection-string"].tls === undefined) {
    const names = ["tls-ca", "tls-cert", "tls-key", "tls-server-name"] as const;
    const unused = names.find((name) => settings[name] !== undefined);
    if (unused === undefined) return undefined;
    throw new CbError("setting", `Cannot use ${unused}: the connection has no TLS, expected rediss://`);
  }
  const identity = loadIdentity(settings["tls-cert"], settings["tls-key"], environment);
  const { "tls-ca": authorities, "tls-server-name": serverName } = settings;
  return {
    authorities: authorities === undefined ? systemAuthorities(environment) : readCertificates(authorities),
    ...(identity !== undefined && { identity }),
    ...(serverName !== undefined && { serverName }),
  };
}

/** The same ones under all runtimes, which have lists of their own, and where OpenSSL's variable says. */
function systemAuthorities({ SSL_CERT_FILE: named }: Environment): string {
  const path = named || SYSTEM_AUTHORITIES.find((candidate) => existsSync(candidate));
  if (path !== undefined) return readText(path);
  const looked = SYSTEM_AUTHORITIES.map((candidate) => `"${candidate}"`).join(", ");
  throw new CbError("file", `Cannot find the authorities of this system: looked for ${looked}`, {
    hint: "Install ca-certificates, or name a file with --tls-ca",
  });
}

function loadIdentity(
  certificatePath: string | undefined,
  keyPath: string | undefined,
  environment: Environment,
): Tls["identity"] {
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
function readCertificates(path: string): string {
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
function readSecret(path: string, limit: number, environment: Environment): string {
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

/** From the settings about Redis to a connection: reads the files that they name, once, at the start. */
import { CbError } from "../core/errors.ts";
import type { Environment, Resolved, Values } from "../core/settings.ts";
import { printable } from "../core/text.ts";
import type { Connection, Tls } from "../hub/connection-string.ts";
import type { hubSettings } from "./settings/common.ts";
import { loadIdentity, readCertificates, readSecret, systemAuthorities } from "./tls-files.ts";

type Settings = Values<typeof hubSettings>;

/** Bytes. */
const MAX_PASSWORD_BYTES = 4 * 1024;

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

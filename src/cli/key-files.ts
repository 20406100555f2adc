/**
 * From the name of a key file, or none, to keys: where they are looked for, who may read them, what they must be.
 *
 * The first file found is the one that counts: a key that is found but cannot be used is an error there, and
 * never a reason to look on, for the next place may hold another fleet's key.
 */
import { join } from "node:path";
import { configDirectories } from "../core/directories.ts";
import { CbError } from "../core/errors.ts";
import { isMissing, readSmallFileAndMode, refuseIfReadableByOthers } from "../core/files.ts";
import type { Environment } from "../core/settings.ts";
import { printable } from "../core/text.ts";
import type { AuthorisedStation } from "../protocol/authorised-station.ts";
import { wipe } from "../protocol/crypto.ts";
import { isSecretKind, type KeyOf, kindNoun } from "../protocol/key-forms.ts";
import { MAX_KEY_FILE_BYTES, parseKeyFile } from "../protocol/key-text.ts";
import {
  isUsableNetworkKey,
  type KeyKind,
  type NetworkKeyPair,
  type NetworkPublicKey,
  type StationKeyPair,
} from "../protocol/keys.ts";

/** The kinds that `cb-keygen` makes. */
export type FileKeyKind = Exclude<KeyKind, "agent-public" | "agent-secret">;

type KeyFile = {
  readonly name: string;
  readonly mode: number;
  /** Where it belongs. */
  readonly place: string;
  /** The long option that names another file. */
  readonly option: string;
};

/** The files of a fleet by what they hold. */
export const KEY_FILES: { readonly [Kind in FileKeyKind]: KeyFile } = {
  "network-secret": { name: "network.key", mode: 0o600, place: "every agent", option: "network-secret-key" },
  "network-public": {
    name: "network.pub",
    mode: 0o644,
    place: "every base station",
    option: "network-public-key",
  },
  "base-station-secret": {
    name: "base-station.key",
    mode: 0o600,
    place: "this base station alone",
    option: "base-station-secret-key",
  },
  "base-station-public": {
    name: "base-station.pub",
    mode: 0o644,
    place: "every agent",
    option: "base-station-public-key",
  },
};

/**
 * The key pairs whose requests an agent takes; at least one.
 *
 * @param explicitPath the file, or undefined to look for it in the usual places
 * @throws {CbError} `key`
 */
export function loadNetworkSecret(
  explicitPath: string | undefined,
  environment: Environment,
): readonly NetworkKeyPair[] {
  return load("network-secret", explicitPath, environment).keys;
}

/**
 * The key for which a base station seals requests: the first in its file, for `cat new old` rotates keys.
 *
 * @param explicitPath the file, or undefined to look for it in the usual places
 * @throws {CbError} `key`
 */
export function loadNetworkPublic(
  explicitPath: string | undefined,
  environment: Environment,
): NetworkPublicKey {
  const { path, keys } = load("network-public", explicitPath, environment);
  const [key] = keys;
  if (isUsableNetworkKey(key)) return key;
  throw new CbError("key", `Cannot use "${printable(path)}": its key is weak, no secret key belongs to it`);
}

/**
 * The key pair with which a base station signs.
 *
 * @param explicitPath the file, or undefined to look for it in the usual places
 * @throws {CbError} `key`, also for a file with several keys
 */
export function loadStationSecret(
  explicitPath: string | undefined,
  environment: Environment,
): StationKeyPair {
  const { path, keys } = load("base-station-secret", explicitPath, environment);
  if (keys.length > 1) {
    throw new CbError("key", `Cannot use "${printable(path)}": it holds ${keys.length} keys, expected one`);
  }
  return keys[0];
}

/**
 * The base stations that an agent obeys; at least one.
 *
 * @param explicitPath the file, or undefined to look for it in the usual places
 * @throws {CbError} `key`
 */
export function loadStationPublics(
  explicitPath: string | undefined,
  environment: Environment,
): readonly AuthorisedStation[] {
  return load("base-station-public", explicitPath, environment).keys;
}

/** The text of a key file and its mode; the mode is for the caller to judge. */
export function readKeyText(path: string): { readonly text: string; readonly mode: number } {
  const { bytes, mode } = readSmallFileAndMode(path, MAX_KEY_FILE_BYTES, "key");
  const text = new TextDecoder().decode(bytes);
  wipe(bytes);
  return { text, mode };
}

type Loaded<Kind extends FileKeyKind> = {
  readonly path: string;
  readonly keys: readonly [KeyOf[Kind], ...KeyOf[Kind][]];
};

function load<Kind extends FileKeyKind>(
  kind: Kind,
  explicitPath: string | undefined,
  environment: Environment,
): Loaded<Kind> {
  const { path, text, mode } =
    explicitPath === undefined
      ? find(kind, environment)
      : { path: explicitPath, ...readExplicit(kind, explicitPath) };
  const keys = parseKeyFile(text, kind, path);
  if (isSecretKind(kind)) refuseIfReadableByOthers(path, mode, environment);
  // `parseKeyFile` gives at least one.
  return { path, keys: keys as Loaded<Kind>["keys"] };
}

function readExplicit(kind: FileKeyKind, path: string) {
  try {
    return readKeyText(path);
  } catch (error) {
    if (!(error instanceof CbError) || !isMissing(error)) throw error;
    throw new CbError("key", error.message, { hint: howToGet(kind), cause: error.cause });
  }
}

function find(kind: FileKeyKind, environment: Environment) {
  const { name, option } = KEY_FILES[kind];
  const places = configDirectories(environment).map((directory) => join(directory, name));
  for (const path of places) {
    try {
      return { path, ...readKeyText(path) };
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  const looked = places.map((path) => `"${printable(path)}"`).join(", ");
  throw new CbError("key", `Cannot find the ${kindNoun(kind)}: looked for ${looked}`, {
    hint: `${howToGet(kind)}, or name a file with --${option}`,
  });
}

function howToGet(kind: FileKeyKind): string {
  return `Make all keys once with cb-keygen, and copy its ${KEY_FILES[kind].name} here`;
}

/** Settings of `cb-keygen` and its commands. */
import { parseNamePatterns } from "../../core/name-pattern.ts";
import { type Identity, parseName } from "../../core/names.ts";
import { parseChoice, parsePath } from "../../core/parse.ts";
import type { Schema } from "../../core/settings.ts";
import type { FileKeyKind } from "../key-files.ts";
import { outputSettings } from "./common.ts";

/** Where new key files go; also for `import`. */
const directorySettings = {
  directory: {
    value: "<directory>",
    default: ".",
    parse: parsePath,
    help: "where to write the key files; made with mode 0700 where it is not there",
  },
} as const satisfies Schema;

/** The two files of one pair. */
const pairSettings = {
  "public-key": { short: "k", value: "<file>", parse: parsePath, help: "where to write the public key" },
  "secret-key": { short: "K", value: "<file>", parse: parsePath, help: "where to write the secret key" },
} as const satisfies Schema;

/** What the line in `base-station.pub` says besides the key. */
export const stationLineSettings = {
  name: { value: "<name>", parse: parseName<Identity>, help: "what the agents' logs call the base station" },
  commands: {
    value: "<patterns>",
    parse: parseNamePatterns,
    help: "all that the base station may run, such as reload,restart-*",
  },
} as const satisfies Schema;

export const allKeysSettings = { ...outputSettings, ...directorySettings, ...stationLineSettings } as const;
export const networkPairSettings = { ...outputSettings, ...pairSettings, ...directorySettings } as const;
export const stationPairSettings = {
  ...outputSettings,
  ...pairSettings,
  ...stationLineSettings,
  ...directorySettings,
} as const;

/** The key files of cbradio 0.1, whose contents do not tell. */
export const KIND_BY_ORIGINAL_NAME: ReadonlyMap<string, FileKeyKind> = new Map([
  ["cbradio-network.key", "network-secret"],
  ["cbradio-network.pub", "network-public"],
  ["cbradio-base-station.key", "base-station-secret"],
  ["cbradio-base-station.pub", "base-station-public"],
]);

export const importSettings = {
  ...outputSettings,
  kind: {
    value: "<kind>",
    parse: parseChoice(...KIND_BY_ORIGINAL_NAME.values()),
    help: "what the one file holds: network-secret, network-public, base-station-secret or base-station-public",
  },
  ...directorySettings,
} as const satisfies Schema;

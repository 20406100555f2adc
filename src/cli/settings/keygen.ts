/** Settings of `cb-keygen` and its commands. */
import { parseNamePatterns } from "../../core/name-pattern.ts";
import { type Identity, parseName } from "../../core/names.ts";
import { parsePath } from "../../core/parse.ts";
import type { Schema } from "../../core/settings.ts";

/** Where new key files go; also for `import`. */
export const directorySettings = {
  directory: {
    value: "<directory>",
    default: ".",
    parse: parsePath,
    help: "where to write the key files; made with mode 0700 where it is not there",
  },
} as const satisfies Schema;

/** The two files of one pair. */
export const pairSettings = {
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

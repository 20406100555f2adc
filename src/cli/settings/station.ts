/** The settings of `cb station`, and the keys of `station.toml`. */
import { join } from "node:path";
import { cacheDirectory, stateDirectory } from "../../core/directories.ts";
import { parseLimit, parseMinimumWait, parseWait } from "../../core/duration.ts";
import { isParameterName, PARAMETER_NAME_FORM } from "../../core/names.ts";
import { parsePath, parseSwitch } from "../../core/parse.ts";
import type { Schema } from "../../core/settings.ts";
import { abridged } from "../../core/text.ts";
import {
  KEY_ID_BYTES,
  MAX_ALL_PARAMETER_BYTES,
  MAX_PARAMETER_BYTES,
  MAX_PARAMETERS,
} from "../../protocol/limits.ts";
import { commonSettings, parseTagTexts } from "./common.ts";

export const stationSettings = {
  ...commonSettings,
  tags: {
    short: "t",
    value: "<tags>",
    repeatable: true,
    parse: parseTagTexts,
    help: "only agents that have all these tags, separated by commas or repeated",
  },
  "hello-wait": {
    short: "H",
    value: "<seconds>",
    number: true,
    default: "2",
    parse: parseWait,
    help: "wait for the first reply; 0 is without end",
  },
  "reply-wait": {
    short: "R",
    value: "<seconds>",
    number: true,
    default: "120",
    parse: parseWait,
    help: "wait for the next reply while agents are running; 0 is without end",
  },
  "minimum-wait": {
    short: "M",
    value: "<seconds>",
    number: true,
    default: "4",
    parse: parseMinimumWait,
    help: "listen at least that long after the request; 0 is 1",
  },
  timeout: {
    value: "<seconds>",
    number: true,
    parse: parseLimit,
    help: "have agents end a command that runs longer; without it none is ended",
  },
  "fail-missing": {
    short: "m",
    default: "false",
    parse: parseSwitch,
    help: "exit with +2 if an agent that answered before has not",
  },
  "no-discovery": {
    short: "D",
    default: "false",
    parse: parseSwitch,
    help: "neither read nor write the discovery file; agents' keys are checked and kept all the same",
  },
  "discovery-file": {
    short: "d",
    value: "<file>",
    default: {
      help: "~/.cache/cb/discovery.toml",
      text: (environment) => join(cacheDirectory(environment), "discovery.toml"),
    },
    parse: parsePath,
    help: "where the agents that answered are listed",
  },
  "state-directory": {
    value: "<directory>",
    default: { help: "~/.local/state/cb", text: stateDirectory },
    parse: parsePath,
    help: "where the keys of the agents that answered are kept",
  },
} as const satisfies Schema;

/** `cb station run` has one more. */
export const runSettings = {
  ...stationSettings,
  param: {
    value: "<key=value>",
    repeatable: true,
    file: false,
    parse: parseParameters,
    help: "pass a parameter that the command's manifest declares; repeat it for more, never for a secret",
  },
} as const satisfies Schema;

/** `cb station agents accept` has one more. */
export const acceptSettings = {
  ...stationSettings,
  fingerprint: {
    value: "<key>",
    file: false,
    parse: parseFingerprint,
    help: "fingerprint of the key to accept, as the agent logs it when it starts",
  },
} as const satisfies Schema;

/** What of it an agent would refuse whatever its manifest says is an error here, before anybody is asked. */
function parseParameters(texts: readonly string[]): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  const keys = new Set<string>();
  let bytes = 0;
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals < 0) throw new SyntaxError("expected a name, an equals sign and a value");
    const [name, value] = [text.slice(0, equals), text.slice(equals + 1)];
    if (!isParameterName(name)) throw new SyntaxError(`name "${abridged(name)}": ${PARAMETER_NAME_FORM}`);
    // Manifests and environments know upper case only.
    if (keys.has(name.toUpperCase())) throw new SyntaxError(`${name} is given twice, expected once`);
    const size = Buffer.byteLength(value);
    if (size > MAX_PARAMETER_BYTES) {
      throw new SyntaxError(
        `the value of ${name} has ${size} bytes, expected at most ${MAX_PARAMETER_BYTES}`,
      );
    }
    keys.add(name.toUpperCase());
    parameters.set(name, value);
    bytes += name.length + size;
  }
  if (parameters.size > MAX_PARAMETERS) {
    throw new SyntaxError(`${parameters.size} parameters given, expected at most ${MAX_PARAMETERS}`);
  }
  if (bytes > MAX_ALL_PARAMETER_BYTES) {
    throw new SyntaxError(`${bytes} bytes in all, expected at most ${MAX_ALL_PARAMETER_BYTES}`);
  }
  return parameters;
}

function parseFingerprint(text: string): string {
  if (new RegExp(`^[0-9a-f]{${2 * KEY_ID_BYTES}}$`).test(text)) return text;
  throw new SyntaxError(`expected ${2 * KEY_ID_BYTES} hexadecimal digits, such as 0123456789abcdef`);
}

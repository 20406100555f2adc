/** The settings of `cb station`, and the keys of `station.toml`. */
import { join } from "node:path";
import { cacheDirectory, stateDirectory } from "../../core/directories.ts";
import { parseLimit, parseMinimumWait, parseWait } from "../../core/duration.ts";
import { parseChoice, parsePath, parseSwitch } from "../../core/parse.ts";
import type { Schema } from "../../core/settings.ts";
import { KEY_ID_BYTES } from "../../protocol/limits.ts";
import { OUTPUT_FORMS } from "../../station/view.ts";
import { commonSettings, parseTagTexts } from "./common.ts";
import { parseParameters } from "./parameters.ts";
import { rolloutSettings } from "./rollout.ts";

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

/** `cb station run` has more. */
export const runSettings = {
  ...stationSettings,
  param: {
    value: "<key=value>",
    repeatable: true,
    file: false,
    parse: parseParameters,
    help: "pass a parameter that the command's manifest declares; repeat it for more, never for a secret",
  },
  ...rolloutSettings,
  output: {
    value: "<form>",
    parse: parseChoice(...OUTPUT_FORMS),
    help: `how output is shown: ${OUTPUT_FORMS.join(", ")}; by default both on a terminal, else live`,
  },
  "no-progress": {
    default: "false",
    parse: parseSwitch,
    help: "no line at the bottom of the terminal that says how things are",
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

function parseFingerprint(text: string): string {
  if (new RegExp(`^[0-9a-f]{${2 * KEY_ID_BYTES}}$`).test(text)) return text;
  throw new SyntaxError(`expected ${2 * KEY_ID_BYTES} hexadecimal digits, such as 0123456789abcdef`);
}

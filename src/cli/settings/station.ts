/** The settings of `cb station`, and the keys of `station.toml`. */
import { join } from "node:path";
import { cacheDirectory, stateDirectory } from "../../core/directories.ts";
import { parseLimit, parseMinimumWait, parseWait } from "../../core/duration.ts";
import { parseChoice, parseInteger, parsePath, parseSwitch } from "../../core/parse.ts";
import type { Schema } from "../../core/settings.ts";
import { KEY_ID_BYTES } from "../../protocol/limits.ts";
import { OUTPUT_FORMS } from "../../station/view.ts";
import { commonSettings, configSettings } from "./common.ts";
import { parseParameters } from "./parameters.ts";
import { rolloutSettings } from "./rollout.ts";
import { targetSettings } from "./target.ts";

/** Where it is kept who answered. */
const storeSettings = {
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

const helloWait = {
  "hello-wait": {
    short: "H",
    value: "<seconds>",
    number: true,
    default: "2",
    parse: parseWait,
    help: "wait for the first reply; 0 is without end",
  },
} as const satisfies Schema;

/** All that ask agents for something. */
export const stationSettings = {
  ...commonSettings,
  ...targetSettings,
  ...helloWait,
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
  expect: {
    value: "<number>",
    file: false,
    parse: parseInteger(1, 100_000),
    help: "exit with +64 if fewer agents answer",
  },
  ...storeSettings,
} as const satisfies Schema;

/** `cb station run` has more: all keys of `station.toml`, of which each command takes those that it has. */
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
  guard: {
    value: "<number>",
    number: true,
    default: "20",
    parse: parseInteger(0, 100_000),
    help: "ask before more known agents than that are all told to run something, on a terminal; 0 never asks",
  },
  all: {
    default: "false",
    file: false,
    parse: parseSwitch,
    help: "do not ask, however many agents are known",
  },
  plan: {
    default: "false",
    file: false,
    parse: parseSwitch,
    help: "show who would run it, by a ping, and run nothing",
  },
} as const satisfies Schema;

/** Of commands that ask nobody. */
export const forgetSettings = {
  channel: commonSettings.channel,
  ...storeSettings,
  ...configSettings,
} as const satisfies Schema;

export const agentsSettings = {
  ...targetSettings,
  json: { default: "false", file: false, parse: parseSwitch, help: "print JSON in place of a table" },
  ...forgetSettings,
} as const satisfies Schema;

/** Nothing runs, so nothing has to be ended. */
const { timeout: _, ...listedSettings } = stationSettings;

export const commandsSettings = {
  ...listedSettings,
  json: agentsSettings.json,
} as const satisfies Schema;

export const acceptSettings = {
  ...commonSettings,
  ...helloWait,
  ...storeSettings,
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

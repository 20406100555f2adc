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
    group: "Known agents",
    short: "D",
    default: "false",
    parse: parseSwitch,
    help: "neither read nor write the discovery file; agents' keys are checked and kept all the same",
  },
  "discovery-file": {
    group: "Known agents",
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
    group: "Known agents",
    value: "<directory>",
    default: { help: "~/.local/state/cb", text: stateDirectory },
    parse: parsePath,
    help: "where the keys of the agents that answered are kept",
  },
} as const satisfies Schema;

const helloWait = {
  "hello-wait": {
    group: "Waiting",
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
    group: "Waiting",
    short: "R",
    value: "<seconds>",
    number: true,
    default: "120",
    parse: parseWait,
    help: "wait for the next reply while agents are running; 0 is without end",
  },
  "minimum-wait": {
    group: "Waiting",
    short: "M",
    value: "<seconds>",
    number: true,
    default: "4",
    parse: parseMinimumWait,
    help: "listen at least that long after the request; 0 is 1",
  },
  timeout: {
    group: "Command",
    value: "<seconds>",
    number: true,
    parse: parseLimit,
    help: "have agents end a command that runs longer; without it none is ended",
  },
  "fail-missing": {
    group: "Known agents",
    short: "m",
    default: "false",
    parse: parseSwitch,
    help: "exit with +2 if an agent that answered before has not",
  },
  expect: {
    group: "Targets",
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
    group: "Command",
    value: "<key=value>",
    repeatable: true,
    file: false,
    parse: parseParameters,
    help: "pass a parameter that the command's manifest declares; repeat it for more, never for a secret",
  },
  ...rolloutSettings,
  output: {
    group: "Output",
    value: "<form>",
    parse: parseChoice(...OUTPUT_FORMS),
    help: `how output is shown: ${OUTPUT_FORMS.join(", ")}; by default both on a terminal, else live`,
  },
  "no-progress": {
    group: "Output",
    default: "false",
    parse: parseSwitch,
    help: "no line at the bottom of the terminal that says how things are",
  },
  stats: {
    group: "Output",
    default: "false",
    parse: parseSwitch,
    help: "say at the end how long commands ran, as a chart too, and how much they printed",
  },
  "to-directory": {
    group: "Output",
    value: "<directory>",
    file: false,
    parse: parsePath,
    help: "keep stdout, stderr and result.json of each agent in this directory, which is new or empty",
  },
  report: {
    group: "Output",
    value: "<file>",
    file: false,
    parse: parsePath,
    help: "write the run as one page of HTML: figures, timeline, outputs; an earlier report there is replaced",
  },
  guard: {
    group: "Targets",
    value: "<number>",
    number: true,
    default: "20",
    parse: parseInteger(0, 100_000),
    help: "ask before more known agents than that are all told to run something, on a terminal; 0 never asks",
  },
  all: {
    group: "Targets",
    default: "false",
    file: false,
    parse: parseSwitch,
    help: "do not ask, however many agents are known",
  },
  plan: {
    group: "Targets",
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
  json: {
    group: "Output",
    default: "false",
    file: false,
    parse: parseSwitch,
    help: "print JSON in place of a table",
  },
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
    group: "Keys and connection",
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

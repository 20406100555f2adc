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
    help: "neither read nor write the list of agents",
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
    help: "the list of agents that have answered",
  },
  "state-directory": {
    group: "Known agents",
    value: "<directory>",
    default: { help: "~/.local/state/cb", text: stateDirectory },
    parse: parsePath,
    help: "where their keys are kept",
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
    help: "wait for a first reply; 0: no end",
  },
} as const satisfies Schema;

/** What files and lines for agents may have besides: taken, and not used. */
export const agentKeySettings = {
  "base-station-public-key": commonSettings["base-station-public-key"],
  "network-secret-key": commonSettings["network-secret-key"],
} as const satisfies Schema;

const {
  "base-station-public-key": _agentsOwn,
  "network-secret-key": _agentsToo,
  ...connectionSettings
} = commonSettings;

/** All that ask agents for something. */
export const stationSettings = {
  ...targetSettings,
  expect: {
    group: "Targets",
    value: "<number>",
    number: true,
    file: false,
    parse: parseInteger(1, 100_000),
    help: "exit with +64 if fewer agents answer",
  },
  ...helloWait,
  "reply-wait": {
    group: "Waiting",
    short: "R",
    value: "<seconds>",
    number: true,
    default: "120",
    parse: parseWait,
    help: "wait for a next reply; 0: no end",
  },
  "minimum-wait": {
    group: "Waiting",
    short: "M",
    value: "<seconds>",
    number: true,
    default: "4",
    parse: parseMinimumWait,
    help: "listen at least so long; 0 is 1",
  },
  "fail-missing": {
    group: "Known agents",
    short: "m",
    default: "false",
    parse: parseSwitch,
    help: "exit with +2 if a known agent is missing",
  },
  ...storeSettings,
  ...connectionSettings,
} as const satisfies Schema;

export const runSettings = {
  ...targetSettings,
  plan: {
    group: "Targets",
    default: "false",
    file: false,
    parse: parseSwitch,
    help: "show who would run it, and run nothing",
  },
  param: {
    group: "Command",
    value: "<key=value>",
    repeatable: true,
    file: false,
    parse: parseParameters,
    help: "give the command a parameter, never a secret",
  },
  timeout: {
    group: "Command",
    value: "<seconds>",
    number: true,
    parse: parseLimit,
    help: "have agents end a command that runs longer",
  },
  ...rolloutSettings,
  output: {
    group: "Output",
    value: "<form>",
    parse: parseChoice(...OUTPUT_FORMS),
    help: `${OUTPUT_FORMS.slice(0, -1).join(", ")} or ${OUTPUT_FORMS.at(-1)}`,
  },
  "no-progress": {
    group: "Output",
    default: "false",
    parse: parseSwitch,
    help: "no status line at the bottom of the terminal",
  },
  stats: {
    group: "Output",
    default: "false",
    parse: parseSwitch,
    help: "at the end, a chart of run times, and sizes",
  },
  "to-directory": {
    group: "Output",
    value: "<directory>",
    file: false,
    parse: parsePath,
    help: "keep the output of each agent in files there",
  },
  report: {
    group: "Output",
    value: "<file>",
    file: false,
    parse: parsePath,
    help: "write the run as one page of HTML",
  },
  ...stationSettings,
  guard: {
    group: "Targets",
    value: "<number>",
    number: true,
    default: "20",
    parse: parseInteger(0, 100_000),
    help: "ask before all run it, if more are known",
  },
  all: {
    group: "Targets",
    default: "false",
    file: false,
    parse: parseSwitch,
    help: "do not ask, however many agents are known",
  },
} as const satisfies Schema;

/** All keys of `station.toml`, of which each command uses those that it has. */
export const stationFileSettings = { ...runSettings, ...agentKeySettings } as const satisfies Schema;

/** Whoever answers a ping is done with it: there is no next reply to wait for. */
const { "reply-wait": replyWait, ...pingedSettings } = stationSettings;
export const pingSettings = pingedSettings;
/** Of the original's options for all commands of a station: taken, and not used. */
export const pingIdleSettings = { ...agentKeySettings, "reply-wait": replyWait } as const satisfies Schema;

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

export const commandsSettings = {
  ...stationSettings,
  json: agentsSettings.json,
} as const satisfies Schema;

/** It says in one line what came of it, whatever is asked for. */
const {
  verbose: _more,
  "errors-only": _less,
  "force-colors": _colors,
  ...silentSettings
} = connectionSettings;

export const acceptSettings = {
  fingerprint: {
    group: "Keys and connection",
    value: "<key>",
    file: false,
    parse: parseFingerprint,
    help: "the key to accept, as the agent logs it when it starts",
  },
  ...helloWait,
  ...storeSettings,
  ...silentSettings,
} as const satisfies Schema;

function parseFingerprint(text: string): string {
  if (new RegExp(`^[0-9a-f]{${2 * KEY_ID_BYTES}}$`).test(text)) return text;
  throw new SyntaxError(`expected ${2 * KEY_ID_BYTES} hexadecimal digits, such as 0123456789abcdef`);
}

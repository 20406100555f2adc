/** The settings of `cb agent`, and the keys of `agent.toml`. */

import { stateDirectory } from "../../core/directories.ts";
import { parseInteger, parsePath, parseSwitch } from "../../core/parse.ts";
import type { Schema } from "../../core/settings.ts";
import { commonSettings, parseTagTexts } from "./common.ts";
import { executionSettings } from "./execution.ts";

export const agentSettings = {
  ...commonSettings,
  // The letter is the connection string's too: before the word "agent" it means that, after it this.
  "run-directory": {
    short: "r",
    value: "<directory>",
    repeatable: true,
    default: ".",
    parse: (texts: readonly string[]): readonly string[] => texts.map(parsePath),
    help: "where commands are; repeat it for more, the first that has the command wins",
  },
  tags: {
    short: "t",
    value: "<tags>",
    repeatable: true,
    takesWords: true,
    parse: parseTagTexts,
    help: "tags by which stations choose agents, separated by commas or repeated",
  },
  "log-command-output": {
    short: "l",
    default: "false",
    parse: parseSwitch,
    help: "log what commands print",
  },
  jobs: {
    value: "<number>",
    number: true,
    default: "4",
    parse: parseInteger(1, 1024),
    help: "commands that run at once, at most",
  },
  ...executionSettings,
  "state-directory": {
    value: "<directory>",
    environment: ["STATE_DIRECTORY"],
    default: {
      help: "/var/lib/cb as root, else ~/.local/state/cb",
      text: (environment) => (process.getuid?.() === 0 ? "/var/lib/cb" : stateDirectory(environment)),
    },
    parse: parsePath,
    help: "where the agent's key and its journal are kept",
  },
  health: {
    default: "false",
    parse: parseSwitch,
    file: false,
    help: "ask the agent that is running here how it is, and exit with 0 or 1",
  },
} as const satisfies Schema;

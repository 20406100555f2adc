/** The settings of the commands that set a dispatcher up. */
import { parsePath, parseSwitch } from "../../core/parse.ts";
import type { Schema } from "../../core/settings.ts";
import { outputSettings } from "./common.ts";
import { dispatcherCheckSettings } from "./dispatcher.ts";

/** What is written, where, and whether over something else. */
export const setupFileSettings = {
  output: {
    value: "<file>",
    file: false,
    environment: false,
    parse: parsePath,
    help: "the dispatcher.toml to write, with the executors in run.d beside it; without it where cb dispatcher looks",
  },
  replace: {
    default: "false",
    file: false,
    environment: false,
    parse: parseSwitch,
    help: "replace settings and files that say something else",
  },
} as const satisfies Schema;

export const dispatcherImportSettings = {
  ...setupFileSettings,
  plan: {
    default: "false",
    file: false,
    parse: parseSwitch,
    help: "show what would be written, and write nothing",
  },
  python: dispatcherCheckSettings.python,
  "state-directory": dispatcherCheckSettings["state-directory"],
  ...outputSettings,
} as const satisfies Schema;

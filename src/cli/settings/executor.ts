/** Settings of the executors that come with cb; their parameters are in the environment, as those of any executor. */
import { parsePath } from "../../core/parse.ts";
import type { Schema } from "../../core/settings.ts";

export const executorSettings = {
  report: {
    value: "<file>",
    parse: parsePath,
    file: false,
    environment: false,
    help: "scan nothing: take this report of the scanner, in XML, or - for standard input",
  },
} as const satisfies Schema;

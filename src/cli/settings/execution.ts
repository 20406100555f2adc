/** Settings of whatever runs executors for somebody: the agent and the dispatcher. */
import { parseGrace, parseLimit } from "../../core/duration.ts";
import { parseChoice } from "../../core/parse.ts";
import type { Schema } from "../../core/settings.ts";

export const executionSettings = {
  "time-limit": {
    value: "<seconds>",
    number: true,
    parse: parseLimit,
    help: "end a command that runs longer; without it none is ended",
  },
  "stop-wait": {
    value: "<seconds>",
    number: true,
    parse: parseGrace,
    help: "time that running commands may go on when the service is stopped; without it --stop-grace",
  },
  "stop-grace": {
    value: "<seconds>",
    number: true,
    default: "10",
    parse: parseGrace,
    help: "time between asking commands to end and forcing them",
  },
  "drain-grace": {
    value: "<seconds>",
    number: true,
    default: "1",
    parse: parseGrace,
    help: "time for output that a command's children still hold after its end",
  },
  "log-format": {
    value: "<format>",
    default: "auto",
    parse: parseChoice("auto", "text", "json"),
    help: "text, json, or auto: by what standard error is",
  },
} as const satisfies Schema;

/** The log of a service, by its settings and by where standard error goes. */
import { wantsColors } from "../core/colors.ts";
import { createLog, type Log, type LogOptions, suitingFormat } from "../core/log.ts";
import type { Values } from "../core/settings.ts";
import type { Context } from "./command.ts";
import { type outputSettings, verbosityOf } from "./settings/common.ts";
import type { executionSettings } from "./settings/execution.ts";

type Settings = Values<typeof outputSettings> & Pick<Values<typeof executionSettings>, "log-format">;

export function serviceLog(settings: Settings, { environment, stderr }: Context): Log {
  const isTerminal = stderr.isTTY === true;
  const wanted = settings["log-format"];
  return createLog({
    format: wanted === "auto" ? suitingFormat(environment, isTerminal) : wanted,
    level: logLevel(settings),
    colors: wantsColors(environment, isTerminal, settings["force-colors"]),
  });
}

function logLevel(settings: Settings): LogOptions["level"] {
  const verbosity = verbosityOf(settings);
  if (verbosity === "errors") return "error";
  if (verbosity === "normal") return "info";
  return settings.verbose === 1 ? "debug" : "trace";
}

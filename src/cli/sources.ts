/** Brings together all that the values of a command's settings may come from. */
import { findConfigFile, readConfigFile } from "../core/config-file.ts";
import { configDirectories, othersConfigDirectory } from "../core/directories.ts";
import { type Environment, resolve, type Sources, type Texts } from "../core/settings.ts";
import type { Command } from "./command.ts";
import { configSettings } from "./settings/common.ts";

/**
 * The sources of a command: its options, the environment and its file, where it has one.
 *
 * @throws {CbError} for a file that was named and is not there, cannot be read or is not right
 */
export function sourcesOf(command: Command, texts: Texts, environment: Environment): Sources {
  const sources: Sources = { arguments: texts, environment };
  const { configFile, settings, fileSettings = settings } = command;
  if (configFile === undefined) return sources;
  const { config } = resolve(configSettings, sources).values;
  // The packages' dispatcher.toml is for the service alone, and other users can have dispatchers, too.
  const others = configFile === "dispatcher.toml" ? othersConfigDirectory(environment) : undefined;
  const file =
    config === undefined
      ? findConfigFile(configFile, configDirectories(environment), fileSettings, others)
      : readConfigFile(config, fileSettings);
  return file === undefined ? sources : { ...sources, file };
}

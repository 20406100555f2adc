/** What stands in directories, for offers and suggestions: where one cannot be read there is nothing to offer. */
import { readdirSync } from "node:fs";
import { systemCode } from "../core/errors.ts";
import { type CommandName, isName } from "../core/names.ts";

/** What is in a directory, and nothing where there is none. */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return [];
  }
}

/** Each name of an executable or of a manifest in run-directories once, in order; whether one can run is not looked at. */
export function executorNamesIn(directories: readonly string[]): readonly CommandName[] {
  const names = directories.flatMap(namesIn).map((file) => file.replace(/\.toml$/, ""));
  return [...new Set(names)].sort().filter((name) => isName<CommandName>(name));
}

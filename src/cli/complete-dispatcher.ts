/**
 * What completions know of the dispatcher of this machine: what it could run, and what is in its state directory.
 *
 * Only files are read; the dispatcher is not asked, and need not run.
 */
import { join } from "node:path";
import { type CommandName, isName } from "../core/names.ts";
import { type Environment, resolve } from "../core/settings.ts";
import { namesIn } from "../exec/directory-names.ts";
import { readManifest } from "../exec/manifest.ts";
import type { Command } from "./command.ts";
import type { Split } from "./command-line.ts";
import { commandsIn, type KnownName, orElse } from "./complete-files.ts";
import { optionTexts, settingOf } from "./options.ts";
import { dispatcherCheckSettings } from "./settings/dispatcher.ts";
import { sourcesOf } from "./sources.ts";

/** The settings of a dispatcher that say what to look at. */
const { "run-directory": runDirectory, "state-directory": stateDirectory } = dispatcherCheckSettings;
const places = { "run-directory": runDirectory, "state-directory": stateDirectory } as const;

/** As the names of journals and of refused posts are made. */
const ID = /^[A-Za-z0-9_-]+$/;

/**
 * @param commands among which there are those of the dispatcher
 * @param line its options count as they will when it is run
 */
export function knownToDispatcher(commands: readonly Command[], line: Split, environment: Environment) {
  const settings = () => orElse(undefined, () => settingsOf(commands, line, environment));
  const idsIn = (folder: string, suffix: string) => {
    const directory = settings()?.["state-directory"];
    const files = directory === undefined ? [] : namesIn(join(directory, folder));
    const ids = files.filter((file) => file.endsWith(suffix)).map((file) => file.slice(0, -suffix.length));
    return ids
      .filter((id) => ID.test(id))
      .sort()
      .map((name) => ({ name }));
  };
  return {
    executors: () => executorsIn(settings()?.["run-directory"] ?? []),
    runs: () => idsIn("spool", ".ndjson"),
    posts: () => idsIn("quarantine", ".about.json"),
  };
}

function settingsOf(commands: readonly Command[], { uses }: Split, environment: Environment) {
  const command = commands.find(({ words }) => words.join(" ") === "dispatcher check");
  if (command === undefined) throw new Error("a command of the dispatcher is expected");
  const table = { ...places, config: dispatcherCheckSettings.config };
  const own = uses.filter((use) => settingOf(table, use) !== undefined);
  return resolve(places, sourcesOf(command, optionTexts(own, table, ""), environment)).values;
}

/** Commands, and Faraday's own executors, of which there is nothing but a manifest. */
function executorsIn(directories: readonly string[]): readonly KnownName[] {
  const manifests = directories
    .flatMap(namesIn)
    .flatMap((file) => (file.endsWith(".toml") ? [file.slice(0, -".toml".length)] : []));
  const official = [...new Set(manifests)]
    .filter((name) => isName<CommandName>(name))
    .flatMap((name) => {
      const manifest = orElse(undefined, () => readManifest(directories, name));
      return manifest?.official === undefined ? [] : [{ name, about: `${manifest.official} of Faraday` }];
    });
  return [...commandsIn(directories), ...official].sort((one, other) => (one.name < other.name ? -1 : 1));
}

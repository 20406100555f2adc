/** The executors that a wizard can offer: those of the run-directories, and Faraday's own where they are installed. */
import { CbError } from "../core/errors.ts";
import { type CommandName, isName } from "../core/names.ts";
import type { Environment } from "../core/settings.ts";
import { printable } from "../core/text.ts";
import { executorNamesIn } from "../exec/directory-names.ts";
import { resolveExecutor } from "../exec/resolve.ts";
import { ExecutorCatalog, lackOf } from "../faraday/executor-catalog.ts";
import {
  findInstallation,
  type Installation,
  officialNames,
  readOfficialManifest,
} from "../faraday/official-executors.ts";
import { pythonOfOriginal } from "../faraday/original-dispatcher.ts";
import type { FoundExecutor, Inventory } from "../setup/work.ts";

/**
 * @param directories run-directories, strongest first
 * @param named a Python; without it that of an agent in PATH
 */
export async function takeInventory(
  directories: readonly string[],
  named: string | undefined,
  environment: Environment,
): Promise<Inventory> {
  const python = named ?? pythonOfOriginal(environment);
  let installation: Installation | undefined;
  let problem: string | undefined;
  try {
    installation = python === undefined ? undefined : await findInstallation(python);
  } catch (error) {
    if (!(error instanceof CbError)) throw error;
    problem = error.message;
  }
  const there = executorsIn(directories, installation);
  const all = [...there, ...(installation === undefined ? [] : officialOf(installation, there))];
  const isUsable = ({ problem }: FoundExecutor) => problem === undefined;
  return {
    places: directories,
    python: installation && { path: installation.python, version: installation.version },
    problem,
    executors: [...all.filter(isUsable), ...all.filter((one) => !isUsable(one))],
  };
}

function executorsIn(
  directories: readonly string[],
  installation: Installation | undefined,
): readonly FoundExecutor[] {
  return executorNamesIn(directories).flatMap((name): readonly FoundExecutor[] => {
    const resolution = resolveExecutor(directories, name);
    if (!resolution.found && resolution.reason === "masked") return [];
    const found = { name, about: "", official: undefined, wants: undefined };
    try {
      const executor = new ExecutorCatalog([name], directories, installation).find(name);
      const { description = "", official } = executor.manifest;
      return [{ ...found, about: printable(description), official, problem: lackOf(executor) }];
    } catch (error) {
      if (!(error instanceof CbError)) throw error;
      // The name stands before it anyway.
      return [{ ...found, problem: error.message.replace(`Cannot run "${name}": `, "") }];
    }
  });
}

/** Those that nobody has set up; one whose name is taken by something else gets another. */
function officialOf(installation: Installation, there: readonly FoundExecutor[]): readonly FoundExecutor[] {
  const setUp = new Set(there.map(({ official }) => official));
  const taken = new Set<string>(there.map(({ name }) => name));
  return officialNames(installation).flatMap((official): readonly FoundExecutor[] => {
    const name = taken.has(official) ? `faraday-${official}` : official;
    if (setUp.has(official) || taken.has(name) || !isName<CommandName>(name)) return [];
    try {
      const { description, variables } = readOfficialManifest(installation, official);
      const about = `Faraday's own${description === "" ? "" : `: ${printable(description)}`}`;
      return [{ name, about, problem: undefined, official, wants: variables }];
    } catch (error) {
      if (!(error instanceof CbError)) throw error;
      return [{ name, about: "", problem: error.message, official, wants: [] }];
    }
  });
}

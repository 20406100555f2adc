/**
 * The executors that this dispatcher may run, and how the server is told of them.
 *
 * Only what the configuration names is in it, whatever else a run-directory holds. Each is looked up anew for each
 * run, as an agent does: executables and manifests come and go while the dispatcher runs.
 */
import { CbError } from "../core/errors.ts";
import { type CommandName, isParameterName } from "../core/names.ts";
import { didYouMean } from "../core/suggestion.ts";
import { abridged, printable } from "../core/text.ts";
import { executorNamesIn } from "../exec/directory-names.ts";
import { type Manifest, parseManifest, readManifest } from "../exec/manifest.ts";
import {
  baseOf,
  isParameterType,
  PARAMETER_BASES,
  PARAMETER_TYPES,
  type ParameterType,
} from "../exec/parameter-types.ts";
import type { Parameter } from "../exec/parameters.ts";
import { resolveExecutor } from "../exec/resolve.ts";
import type { Announcement } from "./command-channel.ts";
import {
  type Installation,
  type OfficialManifest,
  officialCommand,
  readOfficialManifest,
} from "./official-executors.ts";

export type Executor = {
  readonly name: CommandName;
  readonly path: string;
  readonly arguments: readonly string[];
  readonly manifest: Manifest;
  /** Variables that an official executor wants and its manifest here does not set. */
  readonly missingVariables: readonly string[];
};

/** An executor without one takes no parameters. */
const NO_MANIFEST = parseManifest(new Uint8Array(0), "");

export class ExecutorCatalog {
  readonly names: readonly CommandName[];
  readonly #directories: readonly string[];
  readonly #installation: Installation | undefined;

  /**
   * @param names those that the server may run
   * @param directories run-directories, strongest first
   * @param installation where Faraday's own are, for manifests that name one
   */
  constructor(
    names: readonly CommandName[],
    directories: readonly string[],
    installation: Installation | undefined,
  ) {
    this.names = names;
    this.#directories = directories;
    this.#installation = installation;
  }

  /** @throws {CbError} for one that is not named, not there, or not as it must be */
  find(name: string): Executor {
    const known = this.names.find((candidate) => candidate === name);
    if (known === undefined)
      throw new CbError("setting", `Cannot run "${abridged(name)}": it is no executor of this agent`);
    const manifest = readManifest(this.#directories, known) ?? NO_MANIFEST;
    if (manifest.official !== undefined) return this.#official(known, manifest, manifest.official);
    const resolution = resolveExecutor(this.#directories, known);
    if (!resolution.found) {
      const detail = resolution.detail === undefined ? "" : `, ${resolution.detail}`;
      if (resolution.reason === "no-such-command" && detail === "") {
        const places = this.#directories.map((directory) => `"${printable(directory)}"`).join(" and ");
        throw new CbError(
          "file",
          `Cannot run "${known}": no such executor in ${places}${this.#suggestion(known)}`,
        );
      }
      throw new CbError("file", `Cannot run "${known}": ${resolution.reason.replaceAll("-", " ")}${detail}`);
    }
    return { name: known, path: resolution.path, arguments: [], manifest, missingVariables: [] };
  }

  /** One that is masked is there to be forgotten. */
  #suggestion(name: CommandName): string {
    const isMasked = (other: CommandName) => {
      const resolution = resolveExecutor(this.#directories, other);
      return !resolution.found && resolution.reason === "masked";
    };
    return didYouMean(
      name,
      executorNamesIn(this.#directories).filter((other) => !isMasked(other)),
    );
  }

  #official(name: CommandName, manifest: Manifest, official: string): Executor {
    if (this.#installation === undefined) {
      throw new CbError(
        "setting",
        `Cannot run "${name}": its manifest names an executor of Faraday, and no python is set`,
        {
          hint: "Set python to the Python in which faraday-agent-dispatcher is installed",
        },
      );
    }
    if (manifest.parameters.size > 0) {
      const why = "an official executor has the parameters of Faraday's manifest, and no others";
      throw new CbError("setting", `Cannot use parameters from "${printable(manifest.path)}": ${why}`);
    }
    const theirs = readOfficialManifest(this.#installation, official);
    const [path, ...args] = officialCommand(this.#installation, theirs);
    const missingVariables = theirs.variables.filter((variable) => !manifest.environment.has(variable));
    return { name, path, arguments: args, manifest: merged(manifest, theirs), missingVariables };
  }
}

/** Why an official executor would not start; undefined where it would. */
export function lackOf({ missingVariables }: Executor): string | undefined {
  if (missingVariables.length === 0) return undefined;
  return `its manifest does not set ${missingVariables.join(", ")}`;
}

/**
 * What is told of an executor.
 *
 * `type` and `base` are always there: without them a later request to run it fails inside the server.
 */
export function announcementOf({ name, manifest }: Executor): Announcement {
  const args = [...manifest.parameters.values()].map(
    (parameter) => [parameter.name, announcedParameter(parameter)] as const,
  );
  return {
    executor_name: name,
    category: manifest.category === undefined ? [] : [manifest.category],
    tool: (manifest.tool ?? manifest.official ?? "").slice(0, MAX_TOOL),
    args: Object.fromEntries(args),
  };
}

/** Characters of `tool` that the server stores. */
const MAX_TOOL = 50;

function announcedParameter({ types, base, mandatory, description, displayName }: Parameter) {
  return {
    mandatory,
    type: types.length === 1 ? types[0] : [...types],
    base,
    ...(displayName === undefined ? {} : { display_name: displayName }),
    ...(description === undefined ? {} : { description }),
  };
}

/** What is written here counts; parameters and checks come from Faraday's manifest, which goes with the program. */
function merged(ours: Manifest, theirs: OfficialManifest): Manifest {
  return {
    ...ours,
    description: ours.description ?? theirs.description,
    category: ours.category ?? theirs.category,
    checks: [...theirs.checks, ...ours.checks],
    parameters: new Map(
      Object.entries(theirs.parameters).map(([name, value]) => [
        name.toUpperCase(),
        officialParameter(name, value),
      ]),
    ),
  };
}

function officialParameter(name: string, value: unknown): Parameter {
  const { mandatory, type, base, description, display_name: displayName } = value as Record<string, unknown>;
  const [first, ...others] = [type]
    .flat()
    .filter((one) => typeof one === "string")
    .filter(isParameterType);
  if (first === undefined || !isParameterName(name)) {
    throw new CbError(
      "setting",
      `Cannot use parameter "${name}" of Faraday's manifest: expected a type of ${PARAMETER_TYPES.join(", ")}`,
    );
  }
  const types: readonly [ParameterType, ...ParameterType[]] = [first, ...others];
  return {
    name,
    types,
    base: PARAMETER_BASES.find((known) => known === base) ?? baseOf(first),
    mandatory: mandatory === true,
    secret: types.includes("password"),
    description: typeof description === "string" ? description : undefined,
    displayName: typeof displayName === "string" ? displayName : undefined,
  };
}

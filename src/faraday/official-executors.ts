/**
 * Faraday's own executors, where its packages are installed: which program runs one, and what it declares.
 *
 * They stay where they are, as they are: the Python of that installation is asked where its packages lie, and their
 * manifests are read as JSON. A name has several manifests; the newest that this installation may use counts.
 * Source: faraday_agent_parameters_types/static/manifests/<name>-<version>.json as installed from PyPI.
 */
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { CbError, messageOf, systemCode } from "../core/errors.ts";
import { attempt, readSmallFile, systemReason } from "../core/files.ts";
import { isJsonObject, parseJson } from "../core/json.ts";
import { printable } from "../core/text.ts";

/** For Python to start and find two packages, in milliseconds. */
const ASK_MS = 20_000;
const MAX_MANIFEST_BYTES = 1024 * 1024;

/** Prints where the two packages lie and which version the dispatcher has. */
const QUESTION = `
import importlib.metadata, importlib.util, json, os, sys
def place(name):
    spec = importlib.util.find_spec(name)
    return os.path.dirname(spec.origin) if spec else sys.exit(name + " is not installed in it")
print(json.dumps({
    "manifests": os.path.join(place("faraday_agent_parameters_types"), "static", "manifests"),
    "executors": os.path.join(place("faraday_agent_dispatcher"), "static", "executors", "official"),
    "version": importlib.metadata.version("faraday_agent_dispatcher"),
}))
`;

export type Installation = {
  readonly python: string;
  /** Directory of the manifests. */
  readonly manifests: string;
  /** Directory of the executors. */
  readonly executors: string;
  /** Of the dispatcher: a manifest that is newer is not for it. */
  readonly version: string;
};

/** One of Faraday's manifests, of which so much is used. */
export type OfficialManifest = {
  readonly name: string;
  readonly description: string;
  readonly category: string;
  readonly file: string;
  /** How it is started; `{EXECUTOR_FILE_PATH}` stands for the file. */
  readonly command: string;
  readonly checks: readonly string[];
  /** Names of variables that must be set for it. */
  readonly variables: readonly string[];
  /** Names of variables that may be set for it. */
  readonly optionalVariables: readonly string[];
  /** As JSON has them: name → mandatory, type, base, display_name, description. */
  readonly parameters: Readonly<Record<string, unknown>>;
};

/** Variables that manifests list like the others and Faraday's server calls optional: the executors have defaults. */
const OPTIONAL_VARIABLES: readonly string[] = ["BURP_API_PULL_INTERVAL", "TENABLE_PULL_INTERVAL"];

/** @throws {CbError} `file` where this is no Python, or has not both packages */
export async function findInstallation(python: string): Promise<Installation> {
  try {
    const { stdout } = await promisify(execFile)(python, ["-I", "-c", QUESTION], { timeout: ASK_MS });
    const answer: unknown = JSON.parse(stdout);
    const { manifests, executors, version } = answer as Record<keyof Installation, unknown>;
    if (typeof manifests === "string" && typeof executors === "string" && typeof version === "string")
      return { python, manifests, executors, version };
    throw new Error("its answer is not understood");
  } catch (error) {
    // What Python said last; where it was not started, what the system says.
    const reason = systemCode(error) === undefined ? messageOf(error) : systemReason(error);
    const why = reason.trim().split("\n").at(-1) ?? "";
    throw new CbError("file", `Cannot use python "${printable(python)}": ${printable(why)}`, {
      hint: "Name the Python of the environment in which faraday-agent-dispatcher is installed",
    });
  }
}

/** The names of all executors that have a manifest there. @throws {CbError} `file` */
export function officialNames({ manifests }: Installation): readonly string[] {
  const files = attempt("read", manifests, () => readdirSync(manifests));
  const names = files.flatMap((file) => /^(.+)-\d+(?:\.\d+)*\.json$/.exec(file)?.[1] ?? []);
  return [...new Set(names)].sort();
}

/**
 * The manifest of one executor.
 *
 * @throws {CbError} `file` where there is none, or it is damaged
 */
export function readOfficialManifest(installation: Installation, name: string): OfficialManifest {
  const { manifests, version } = installation;
  const versions = attempt("read", manifests, () => readdirSync(manifests))
    .flatMap((file) => {
      const [, manifestName, manifestVersion] = /^(.+)-(\d+(?:\.\d+)*)\.json$/.exec(file) ?? [];
      return manifestName === name && manifestVersion !== undefined ? [manifestVersion] : [];
    })
    .filter((candidate) => compareVersions(candidate, version) <= 0)
    .sort(compareVersions);
  const newest = versions.at(-1);
  if (newest === undefined)
    throw new CbError(
      "file",
      `Cannot use official executor "${name}": no manifest in "${printable(manifests)}"`,
    );
  const path = join(manifests, `${name}-${newest}.json`);
  const manifest = parseManifest(readSmallFile(path, MAX_MANIFEST_BYTES));
  if (manifest === undefined)
    throw new CbError("file", `Cannot use "${printable(path)}": it is no manifest of Faraday`);
  return manifest;
}

/** The program of an official executor and its arguments: the file behind an interpreter, or the file alone. */
export function officialCommand(
  { python, executors }: Installation,
  { file, command }: OfficialManifest,
): readonly [path: string, ...args: string[]] {
  const path = join(executors, file);
  const [first = path, ...rest] = command
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => word.replaceAll("{EXECUTOR_FILE_PATH}", path));
  // As the original has it: its own interpreter, in which the executor's packages are.
  return first.endsWith(".py") ? [python, first, ...rest] : [first, ...rest];
}

function parseManifest(bytes: Uint8Array): OfficialManifest | undefined {
  const value = parseJson(new TextDecoder().decode(bytes));
  if (!isJsonObject(value)) return undefined;
  const { name, description, category, repo_executor: file, cmd: command, arguments: parameters } = value;
  const { check_cmds: checks, environment_variables: variables } = value;
  if (typeof name !== "string" || typeof file !== "string" || typeof command !== "string") return undefined;
  if (!isJsonObject(parameters) || !isTexts(checks) || !isTexts(variables)) return undefined;
  return {
    name,
    description: textOf(description),
    category: textOf(category),
    file,
    command,
    checks,
    variables: variables.filter((variable) => !OPTIONAL_VARIABLES.includes(variable)),
    optionalVariables: variables.filter((variable) => OPTIONAL_VARIABLES.includes(variable)),
    parameters,
  };
}

function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => text.split(".").map((part) => Number.parseInt(part, 10) || 0));
  for (let place = 0; place < Math.max(a?.length ?? 0, b?.length ?? 0); place++) {
    const difference = (a?.[place] ?? 0) - (b?.[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

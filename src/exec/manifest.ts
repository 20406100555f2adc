/**
 * The manifest of an executor: a TOML file `NAME.toml` beside the executable `NAME`, which says what may be passed
 * to it and how it is run.
 *
 * It is found where the executable is: the first run-directory that has an entry of either name decides, so that
 * no manifest speaks of another directory's file. It must be as safe from others as the executable itself. What
 * is wrong with it is always an error: an executor whose manifest cannot be understood is not run.
 * Source: README, Manifests.
 */
import { lstatSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseLimit } from "../core/duration.ts";
import { CbError } from "../core/errors.ts";
import { attempt, isMissing, readSmallFile } from "../core/files.ts";
import { type CommandName, isName, isParameterName, PARAMETER_NAME_FORM } from "../core/names.ts";
import { printable } from "../core/text.ts";
import { parseToml } from "../core/toml.ts";
import { type ManifestEnvironment, readEnvironment } from "./manifest-environment.ts";
import { ManifestTable, unknownWord } from "./manifest-table.ts";
import {
  baseOf,
  isParameterType,
  PARAMETER_BASES,
  PARAMETER_TYPES,
  type ParameterType,
} from "./parameter-types.ts";
import type { DeclaredParameters, Parameter } from "./parameters.ts";
import { dangerOf } from "./resolve.ts";

export type Manifest = ManifestEnvironment & {
  readonly description: string | undefined;
  /** These two are shown by Faraday. */
  readonly category: string | undefined;
  readonly tool: string | undefined;
  /** Milliseconds that a run may take. */
  readonly timeout: number | undefined;
  /** Runs at the same time; without it the program that runs it decides. */
  readonly concurrency: number | undefined;
  /** Bytes of one line of output that Faraday gets. */
  readonly longestLine: number;
  /** Whether a blank line ends the output that Faraday gets, or is passed over. */
  readonly blankLine: "ignore" | "end";
  /** For /bin/sh; each must exit 0 before a run for Faraday. */
  readonly checks: readonly string[];
  /** Faraday's own executor of that name runs, and there is no executable. */
  readonly official: string | undefined;
  /** Whether a station may have it run, where there is an agent; Faraday may in any case. */
  readonly station: boolean;
  readonly parameters: DeclaredParameters;
};

const KEYS = [
  "description",
  "category",
  "tool",
  "timeout",
  "concurrency",
  "longest-line",
  "blank-line",
  "checks",
  "official",
  "station",
  "parameters",
  "environment",
] as const;
const PARAMETER_KEYS = ["type", "base", "mandatory", "secret", "description", "display-name"] as const;

const MAX_MANIFEST_BYTES = 1024 * 1024;
const MAX_CONCURRENCY = 1000;
const DEFAULT_LONGEST_LINE = 16 * 1024 * 1024;
export const MAX_LONGEST_LINE = 256 * 1024 * 1024;

/**
 * The manifest of an executor, read anew each time; undefined where it has none.
 *
 * @param directories run-directories, strongest first
 * @throws {CbError} in one line: `file` for a file that cannot be read or that others may change, `setting` for
 *   what is wrong inside, with line or key
 */
export function readManifest(directories: readonly string[], name: CommandName): Manifest | undefined {
  for (const directory of directories.map((path) => resolve(path))) {
    const path = join(directory, `${name}.toml`);
    const executable = join(directory, name);
    const hasExecutable = isThere(executable);
    if (!isThere(path)) {
      if (hasExecutable) return undefined;
      continue;
    }
    const danger = attempt("read", path, () => dangerOf(directory, path));
    if (danger !== undefined) {
      const why = `${danger.reason.replaceAll("-", " ")}, ${danger.detail}`;
      throw new CbError("file", `Cannot use "${printable(path)}": ${why}`);
    }
    const manifest = parseManifest(readSmallFile(path, MAX_MANIFEST_BYTES), path);
    if (hasExecutable === (manifest.official === undefined)) return manifest;
    const conflict = hasExecutable
      ? `it names an official executor, but "${printable(executable)}" is there too`
      : `there is no "${printable(executable)}" beside it`;
    throw new CbError("setting", `Cannot use "${printable(path)}": ${conflict}`);
  }
  return undefined;
}

/**
 * @param path for messages
 * @throws {CbError} `setting`
 */
export function parseManifest(bytes: Uint8Array, path: string): Manifest {
  const table = new ManifestTable(path, "", parseToml(bytes, path, "setting"), KEYS);
  return {
    path,
    description: table.text("description"),
    category: table.text("category"),
    tool: table.text("tool"),
    timeout: timeoutIn(table),
    concurrency: table.integer("concurrency", 1, MAX_CONCURRENCY),
    longestLine: table.integer("longest-line", 1, MAX_LONGEST_LINE) ?? DEFAULT_LONGEST_LINE,
    blankLine: table.choice("blank-line", ["ignore", "end"]) ?? "ignore",
    checks: table.texts("checks") ?? [],
    official: officialIn(table),
    station: table.flag("station") ?? true,
    parameters: parametersIn(table),
    environment: readEnvironment(table.table("environment", undefined), new TextDecoder().decode(bytes)),
  };
}

function isThere(path: string): boolean {
  try {
    attempt("read", path, () => lstatSync(path));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** In seconds, as a number or as a text, like everywhere else. */
function timeoutIn(table: ManifestTable): number | undefined {
  const isNumberOrText = (value: unknown): value is number | string =>
    typeof value === "number" || typeof value === "string";
  const value = table.read("timeout", "seconds", isNumberOrText);
  try {
    return value === undefined ? undefined : parseLimit(String(value));
  } catch (error) {
    if (error instanceof SyntaxError) throw table.problem("timeout", error.message);
    throw error;
  }
}

function officialIn(table: ManifestTable): string | undefined {
  const name = table.text("official");
  if (name === undefined || isName<CommandName>(name)) return name;
  throw table.problem("official", "expected the name of an executor of Faraday, such as nmap");
}

function parametersIn(manifest: ManifestTable): DeclaredParameters {
  const table = manifest.table("parameters", undefined);
  const parameters = new Map<string, Parameter>();
  for (const name of table?.keys ?? []) {
    const entry = table?.table(name, PARAMETER_KEYS);
    if (table === undefined || entry === undefined) continue;
    if (!isParameterName(name)) throw table.problem(name, PARAMETER_NAME_FORM);
    const key = name.toUpperCase();
    const other = parameters.get(key);
    if (other !== undefined) throw table.problem(name, `it differs from ${other.name} in case only`);
    parameters.set(key, parameterIn(entry, name));
  }
  return parameters;
}

function parameterIn(table: ManifestTable, name: string): Parameter {
  const types = typesIn(table);
  return {
    name,
    types,
    base: table.choice("base", PARAMETER_BASES) ?? baseOf(types[0]),
    mandatory: table.flag("mandatory") ?? false,
    secret: types.includes("password") || (table.flag("secret") ?? false),
    description: table.text("description"),
    displayName: table.text("display-name"),
  };
}

/** One type or an array of them; the first decides the base. */
function typesIn(table: ManifestTable): Parameter["types"] {
  const isTextOrArray = (value: unknown): value is string | readonly unknown[] =>
    typeof value === "string" || Array.isArray(value);
  const value = table.read("type", "a text or an array of texts", isTextOrArray);
  const [first, ...more] = (typeof value === "string" ? [value] : (value ?? [])).map(
    (type): ParameterType => {
      if (typeof type === "string" && isParameterType(type)) return type;
      throw table.problem("type", unknownWord(type, PARAMETER_TYPES));
    },
  );
  if (first === undefined) throw table.problem("type", `expected ${PARAMETER_TYPES.join(", ")}`);
  return [first, ...more];
}

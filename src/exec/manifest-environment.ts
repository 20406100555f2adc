/**
 * The environment that a manifest gives its executor: fixed values, and secrets from files.
 *
 * A secret is read when a run starts, and is in nobody's command line, log or message. Numbers arrive as they are
 * written, `1.10` too: TOML's reader knows values only, so the text is looked up, and where that leaves a doubt the
 * manifest must use quotes.
 */
import { isAbsolute, join } from "node:path";
import { CbError } from "../core/errors.ts";
import { openToOthers, readSmallFileAndMode } from "../core/files.ts";
import type { Environment } from "../core/settings.ts";
import { printable } from "../core/text.ts";
import { isTomlTable } from "../core/toml.ts";
import type { ManifestTable } from "./manifest-table.ts";

/** A fixed value; or a secret, in a file of its own or among the credentials of the service. */
export type EnvironmentEntry = string | { readonly file: string } | { readonly credential: string };

/** What a manifest holds of it. */
export type ManifestEnvironment = {
  /** Of the manifest, for messages. */
  readonly path: string;
  readonly environment: ReadonlyMap<string, EnvironmentEntry>;
};

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What the program that runs an executor sets itself, and what lets others into it. */
const RESERVED = /^(?:PATH$|LD_|CB_|EXECUTOR_CONFIG_|AGENT_CONFIG_)/;
const CREDENTIAL = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$/;
/** Half of what one variable can hold (execve(2), MAX_ARG_STRLEN). */
export const MAX_SECRET_BYTES = 64 * 1024;

/** Why a manifest cannot set a variable of this name; undefined where it can. */
export function variableProblem(name: string): string | undefined {
  if (!VARIABLE.test(name)) return "expected letters, digits and underscores in its name";
  return RESERVED.test(name) ? "the name is reserved" : undefined;
}

/**
 * @param table absent where the manifest has none
 * @param text of the whole manifest
 * @throws {CbError} `setting`
 */
export function readEnvironment(
  table: ManifestTable | undefined,
  text: string,
): ReadonlyMap<string, EnvironmentEntry> {
  const entries = new Map<string, EnvironmentEntry>();
  if (table === undefined) return entries;
  for (const name of table.keys) {
    const problem = variableProblem(name);
    if (problem !== undefined) throw table.problem(name, problem);
    entries.set(name, entryIn(table, name, text));
  }
  return entries;
}

/**
 * The variables of a manifest with their values; to be called for each run.
 *
 * @param environment of this program, for the directory of its credentials
 * @throws {CbError} `setting` where there are no credentials, `file` for a secret that cannot be read or that others
 *   can read; never with any of the secret
 */
export function environmentOf(
  manifest: ManifestEnvironment,
  environment: Environment,
): Readonly<Record<string, string>> {
  const entries = [...manifest.environment].map(([name, entry]) => {
    if (typeof entry === "string") return [name, entry];
    return [name, secretIn(pathOf(name, entry, manifest, environment), environment)];
  });
  return Object.fromEntries(entries);
}

function entryIn(table: ManifestTable, name: string, text: string): EnvironmentEntry {
  const expected = "a text, a number, true, false, { file = … } or { credential = … }";
  const value = table.read(name, expected, (found) => found !== undefined);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return writtenAs(table, name, value, text);
  if (isTomlTable(value)) return secretEntry(table, name);
  if (typeof value !== "string") throw table.problem(name, `expected ${expected}`);
  if (value.includes("\0")) throw table.problem(name, "expected a text without NUL");
  return value;
}

function secretEntry(parent: ManifestTable, name: string): EnvironmentEntry {
  const table = parent.table(name, ["file", "credential"]);
  const file = table?.text("file");
  const credential = table?.text("credential");
  if ((file === undefined) === (credential === undefined)) {
    throw parent.problem(name, "expected one of file and credential");
  }
  if (file !== undefined) {
    if (isAbsolute(file)) return { file };
    throw parent.problem(`${name}.file`, "expected a path from / on");
  }
  if (credential !== undefined && CREDENTIAL.test(credential)) return { credential };
  throw parent.problem(`${name}.credential`, "expected the name of a credential, without directories");
}

/** A number's own words, found on a line of its own; all lines that could be meant must agree. */
function writtenAs(table: ManifestTable, name: string, value: number, text: string): string {
  const lines = text.matchAll(new RegExp(`^[ \\t]*["']?${name}["']?[ \\t]*=[ \\t]*([\\w.+-]+)`, "gm"));
  const words = new Set([...lines].map(([, word = ""]) => word));
  const [word] = words;
  if (words.size === 1 && word !== undefined && Number(word.replaceAll("_", "")) === value) return word;
  throw table.problem(name, "put the number in quotes, for it cannot be told how it is written");
}

function pathOf(
  name: string,
  entry: Exclude<EnvironmentEntry, string>,
  manifest: ManifestEnvironment,
  { CREDENTIALS_DIRECTORY: directory }: Environment,
): string {
  if ("file" in entry) return entry.file;
  if (directory !== undefined && isAbsolute(directory)) return join(directory, entry.credential);
  const subject = `Cannot use environment.${name} from "${printable(manifest.path)}"`;
  throw new CbError("setting", `${subject}: this program was given no credentials ($CREDENTIALS_DIRECTORY)`);
}

function secretIn(path: string, environment: Environment): string {
  const { bytes, mode } = readSmallFileAndMode(path, MAX_SECRET_BYTES);
  const danger = openToOthers(path, mode, environment);
  if (danger !== undefined) throw new CbError("file", `Cannot use "${printable(path)}": ${danger}`);
  const text = textIn(bytes);
  if (text !== undefined && !text.includes("\0")) return text.replace(/\r?\n$/, "");
  throw new CbError("file", `Cannot use "${printable(path)}": expected text in UTF-8 without NUL`);
}

function textIn(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

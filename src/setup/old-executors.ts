/**
 * The executors of an old configuration, as ours: a script and its manifest for a command of somebody's own, a manifest
 * that names it for one of Faraday's.
 *
 * Names stay as they are: the server knows an executor by its name, and forgets the schedules of one that is gone.
 * Parameters and checks of Faraday's own come from its manifests at each start, so that those in the old file, which the
 * original overwrites, are of no use.
 */
import { type CommandName, isName, parseName } from "../core/names.ts";
import { abridged, count } from "../core/text.ts";
import { MAX_LONGEST_LINE } from "../exec/manifest.ts";
import {
  EMPTY_MANIFEST,
  type ExecutorSetup,
  type ManifestSetup,
  type VariableSetup,
} from "./dispatcher-setup.ts";
import type { ImportSurroundings } from "./import-surroundings.ts";
import type { NoteKind } from "./notes.ts";
import { scriptOf } from "./old-command.ts";
import type { OldConfiguration } from "./old-configuration.ts";
import { parametersOf } from "./old-parameters.ts";
import {
  entryOf,
  importError,
  integerOf,
  isNothing,
  type OldEntry,
  type OldTable,
  textAt,
} from "./old-value.ts";
import { variablesOf } from "./old-variables.ts";

/** What the original does not say otherwise. */
const DEFAULT_MAX_SIZE = 65_536;
const MAX_EXECUTORS = 1000;
const KNOWN = ["cmd", "repo_executor", "repo_name", "max_size", "varenvs", "params"];

/** Whether any of them is one of Faraday's own, for which a Python is needed. */
export function hasOfficial(old: OldConfiguration): boolean {
  return tablesOf(old).some((table) => officialName(table) !== undefined);
}

/** @throws {CbError} `setting` where the executors are no table */
export function executorsOf(old: OldConfiguration, look: ImportSurroundings): readonly ExecutorSetup[] {
  const entries = entriesOf(old);
  if (entries.length > MAX_EXECUTORS)
    throw importError(old.path, entries[0]?.line, `expected ${MAX_EXECUTORS} executors at most`);
  const taken = new Set<string>();
  return entries.flatMap((entry) => {
    const reader = new ExecutorReader(entry, old, look);
    const name = reader.name(taken);
    if (name === undefined) return [];
    taken.add(name);
    return reader.setup(name) ?? [];
  });
}

function entriesOf({ agent, path }: OldConfiguration): readonly OldEntry[] {
  const executors = entryOf(agent, "executors");
  if (executors === undefined || isNothing(executors.value)) return [];
  if (executors.value.kind === "table") return executors.value.entries;
  throw importError(path, executors.line, "agent.executors: expected a name and its keys for each");
}

function tablesOf(old: OldConfiguration): readonly OldTable[] {
  return entriesOf(old).flatMap(({ value }) => (value.kind === "table" ? [value] : []));
}

/**
 * The name of Faraday's manifest. As there: `repo_executor` is stronger than a command, and the name is that of its file
 * without what is behind the dot.
 */
function officialName(table: OldTable): string | undefined {
  const file = textAt(table, "repo_executor")?.text;
  if (file) return /^([A-Za-z0-9_-]+)(?:\..*)?$/.exec(file)?.[1] ?? file;
  return textAt(table, "cmd") === undefined ? textAt(table, "repo_name")?.text : undefined;
}

class ExecutorReader {
  readonly #entry: OldEntry;
  readonly #old: OldConfiguration;
  readonly #look: ImportSurroundings;
  readonly #shown: string;

  constructor(entry: OldEntry, old: OldConfiguration, look: ImportSurroundings) {
    this.#entry = entry;
    this.#old = old;
    this.#look = look;
    this.#shown = abridged(entry.key.trim());
  }

  /** Undefined where it cannot have its name here, which has been said then. */
  name(taken: ReadonlySet<string>): CommandName | undefined {
    const name = this.#entry.key.trim();
    const problem = nameProblem(name, taken);
    if (problem === undefined && isName<CommandName>(name)) return name;
    this.#say("lost", this.#entry.line, "", `no executor can have this name: ${problem}`);
    return undefined;
  }

  /** Undefined where there is nothing to run, which has been said then. */
  setup(name: CommandName): ExecutorSetup | undefined {
    const { line, value } = this.#entry;
    if (value.kind !== "table") {
      this.#say("lost", line, "", "expected its keys below it");
      return undefined;
    }
    for (const { key, line: at } of value.entries)
      if (!KNOWN.includes(key)) this.#say("left", at, key, "the agent reads nothing there");
    const official = officialName(value);
    return official === undefined ? this.#custom(name, value) : this.#official(name, official, value);
  }

  #custom(name: CommandName, table: OldTable): ExecutorSetup | undefined {
    const command = textAt(table, "cmd");
    if (command === undefined || command.text.trim() === "" || command.text.includes("\0")) {
      const line = entryOf(table, "cmd")?.line ?? this.#entry.line;
      this.#say("lost", line, "cmd", "neither a command nor repo_executor: there is nothing to run");
      return undefined;
    }
    const { script, remarks } = scriptOf(command.text, this.#look);
    const line = this.#lineOf(table, "cmd");
    this.#say("taken", line, "cmd", `as it stands, in "${this.#look.runDirectory}/${name}"`);
    for (const { kind, text } of remarks) this.#say(kind, line, "cmd", text);
    this.#leave(table, "repo_name", "it has a command of its own");
    const params = this.#table(table, "params");
    const parameters =
      params === undefined ? [] : parametersOf(params, `${this.#shown}.params`, this.#old.notes);
    return { name, program: script, manifest: { ...this.#manifest(table), parameters } };
  }

  #official(name: CommandName, official: string, table: OldTable): ExecutorSetup | undefined {
    const key = entryOf(table, "repo_executor") === undefined ? "repo_name" : "repo_executor";
    const line = this.#lineOf(table, key);
    if (!isName<CommandName>(official)) {
      this.#say("lost", line, key, "expected the name of an executor of Faraday, such as nmap.py");
      return undefined;
    }
    this.#leave(table, "cmd", "repo_executor is stronger");
    if (this.#look.python === undefined && official === name && this.#look.isShipped(name)) {
      this.#shipped(name, table, line, key);
      return { name, program: undefined, manifest: undefined };
    }
    this.#say(
      "taken",
      line,
      key,
      `official = "${official}", with the parameters and checks of Faraday's own manifest`,
    );
    if (key !== "repo_name") this.#leave(table, "repo_name", "the name of the file says it", "taken");
    this.#leave(table, "params", "Faraday's own manifest has them", "taken");
    const manifest = this.#manifest(table);
    this.#sayLack(official, manifest.environment, line, key);
    return { name, program: undefined, manifest: { ...manifest, official } };
  }

  /** One that cb has too, with the same parameters, and which needs no Python. */
  #shipped(name: CommandName, table: OldTable, line: number, key: string): void {
    this.#say(
      "changed",
      line,
      key,
      `cb's own ${name} runs in its place, as no Python with Faraday's was found`,
    );
    for (const other of ["repo_name", "params"])
      this.#leave(table, other, `cb's own ${name} has its own`, "taken");
    this.#leave(table, "max_size", `cb's own ${name} needs none`);
    const varenvs = this.#table(table, "varenvs");
    if (varenvs !== undefined && varenvs.entries.length > 0)
      this.#leave(table, "varenvs", `cb's own ${name} reads none`);
  }

  /** Why it will not run yet. */
  #sayLack(
    official: string,
    environment: ReadonlyMap<string, VariableSetup>,
    line: number,
    key: string,
  ): void {
    if (this.#look.python === undefined) {
      this.#say("lost", line, key, "no Python with Faraday's executors was found: give it with --python");
      return;
    }
    if (this.#look.isHidden(this.#look.python)) {
      const way = "install Faraday's dispatcher elsewhere, and give its Python with --python";
      this.#say("lost", line, key, `the service does not see "${abridged(this.#look.python)}": ${way}`);
      return;
    }
    const wanted = this.#look.officialVariables(official);
    if (wanted === undefined) {
      this.#say("lost", line, key, `"${this.#look.python}" has no executor "${official}" of Faraday`);
      return;
    }
    const missing = wanted.filter((variable) => !environment.has(variable));
    if (missing.length === 0) return;
    const nouns = count(missing.length, "variable");
    this.#say("lost", line, key, `it does not run without ${nouns} more: ${missing.join(", ")}`);
  }

  #manifest(table: OldTable): ManifestSetup {
    const varenvs = this.#table(table, "varenvs");
    return {
      ...EMPTY_MANIFEST,
      comment: [
        "An executor of Faraday's agent dispatcher, brought along by cb dispatcher import.",
        "longest-line was max_size: a longer line is lost. Without it there is room for 16 MiB.",
      ],
      longestLine: this.#longestLine(table),
      environment:
        varenvs === undefined ? new Map() : variablesOf(varenvs, `${this.#shown}.varenvs`, this.#old.notes),
    };
  }

  #longestLine(table: OldTable): number {
    const entry = entryOf(table, "max_size");
    if (entry === undefined || isNothing(entry.value)) return DEFAULT_MAX_SIZE;
    const size = integerOf(entry.value);
    if (size === undefined || size < 1) {
      this.#say(
        "changed",
        entry.line,
        "max_size",
        `longest-line = ${DEFAULT_MAX_SIZE}: expected a number of bytes`,
      );
      return DEFAULT_MAX_SIZE;
    }
    const most = Math.min(size, MAX_LONGEST_LINE);
    const kind = most === size ? "taken" : "changed";
    this.#say(kind, entry.line, "max_size", `longest-line = ${most}: a longer line is lost, there as here`);
    return most;
  }

  /** The table under a key; what is no table there is said. */
  #table(table: OldTable, key: string): OldTable | undefined {
    const entry = entryOf(table, key);
    if (entry === undefined || isNothing(entry.value)) return undefined;
    if (entry.value.kind === "table") return entry.value;
    this.#say("lost", entry.line, key, "expected names and what they stand for below it");
    return undefined;
  }

  #leave(table: OldTable, key: string, why: string, kind: NoteKind = "left"): void {
    const entry = entryOf(table, key);
    if (entry !== undefined && !isNothing(entry.value)) this.#say(kind, entry.line, key, why);
  }

  #lineOf(table: OldTable, key: string): number {
    return entryOf(table, key)?.line ?? this.#entry.line;
  }

  #say(kind: NoteKind, line: number, key: string, text: string): void {
    this.#old.notes.add(kind, line, key === "" ? this.#shown : `${this.#shown}.${abridged(key)}`, text);
  }
}

function nameProblem(name: string, taken: ReadonlySet<string>): string | undefined {
  if (taken.has(name)) return "its name is there twice";
  // Its manifest would be taken for one of another executor, and the other way round.
  if (name.endsWith(".toml")) return "its name ends like that of a manifest";
  try {
    parseName<CommandName>(name);
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}

/**
 * The form of Python's configparser, in which the original had its configuration until version 2, to values with lines.
 *
 * Our own reader, as no library that we know keeps lines, folds values over several of them, and fills in `%(name)s`:
 * those read what Windows calls INI. As there: a key ends at the first `=` or `:`, is in small letters, and continues
 * on lines that are indented further; a comment has a line of its own; what `[DEFAULT]` has, every section has.
 * A section or a key that is there twice is an error.
 * Source: configparser of Python 3.11, by its documentation and its answers.
 */
import { abridged } from "../core/text.ts";
import { importError, MAX_PIECES, type OldEntry, type OldTable, type OldText } from "./old-value.ts";

/** Characters of a value with all that it refers to; a variable can hold no more. */
const MAX_VALUE = 128 * 1024;
const MAX_REFERENCES = 10;

/** The section of what all others have; it alone may come twice. */
const DEFAULTS = "DEFAULT";

type Value = { readonly line: number; readonly lines: string[] };
type Section = { readonly line: number; readonly values: Map<string, Value> };

export class IniFile {
  readonly #path: string;
  readonly #sections: ReadonlyMap<string, Section>;
  readonly #defaults: Section;
  #pieces = 0;

  /** @throws {CbError} `setting`, with the line */
  constructor(text: string, path: string) {
    this.#path = path;
    const sections = new SectionReader(path).read(text);
    this.#defaults = sections.get(DEFAULTS) ?? { line: 1, values: new Map() };
    sections.delete(DEFAULTS);
    this.#sections = sections;
  }

  get names(): readonly string[] {
    return [...this.#sections.keys()];
  }

  lineOf(name: string): number {
    return this.#sections.get(name)?.line ?? 1;
  }

  /** Undefined where there is no such section. @throws {CbError} `setting` for a reference that leads nowhere */
  section(name: string): OldTable | undefined {
    const section = this.#sections.get(name);
    if (section === undefined) return undefined;
    const values = new Map([...this.#defaults.values, ...section.values]);
    this.#count(values.size, section.line);
    const entries = [...values].map(([key, { line, lines }]): OldEntry => {
      const text = this.#filled(joined(lines), values, line, 0);
      return { key, line, value: { kind: "text", line, text, isPlain: false } };
    });
    return { kind: "table", line: section.line, entries };
  }

  /** A value with `%%` as `%` and the values of others in the place of their names. */
  #filled(text: string, values: ReadonlyMap<string, Value>, line: number, depth: number): string {
    if (!text.includes("%")) return text;
    if (depth > MAX_REFERENCES) throw importError(this.#path, line, "its references lead in a circle");
    let length = 0;
    return text.replaceAll(/%(?:%|\(([^)]+)\)s|)/g, (found, name: string | undefined) => {
      if (found === "%%") return "%";
      const value = name === undefined ? undefined : values.get(name.toLowerCase());
      if (value === undefined) {
        const why = name === undefined ? "expected %% for %" : `there is no "${abridged(name)}" to refer to`;
        throw importError(this.#path, line, why);
      }
      this.#count(1, line);
      const filled = this.#filled(joined(value.lines), values, line, depth + 1);
      length += filled.length;
      if (length > MAX_VALUE)
        throw importError(this.#path, line, `it is longer than ${MAX_VALUE} characters`);
      return filled;
    });
  }

  #count(pieces: number, line: number): void {
    this.#pieces += pieces;
    if (this.#pieces > MAX_PIECES)
      throw importError(
        this.#path,
        line,
        `it has more than ${MAX_PIECES} values, references counted each time`,
      );
  }
}

class SectionReader {
  readonly #path: string;
  readonly #sections = new Map<string, Section>();
  #section: Section | undefined;
  /** That a further line may belong to. */
  #open: Value | undefined;
  #indent = 0;

  constructor(path: string) {
    this.#path = path;
  }

  read(text: string): Map<string, Section> {
    for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) this.#take(line, index + 1);
    return this.#sections;
  }

  #take(line: string, number: number): void {
    const content = line.trim();
    if (/^[#;]/.test(content)) return;
    if (content === "") {
      this.#open?.lines.push("");
      return;
    }
    const indent = line.length - line.trimStart().length;
    if (this.#open !== undefined && indent > this.#indent) {
      this.#open.lines.push(content);
      return;
    }
    this.#indent = indent;
    const header = /^\[(.+)\]/.exec(content)?.[1];
    if (header === undefined) this.#takeOption(content, number);
    else this.#begin(header, number);
  }

  #begin(name: string, line: number): void {
    const earlier = this.#sections.get(name);
    if (earlier !== undefined && name !== DEFAULTS)
      throw this.#error(line, `section [${abridged(name)}] is on line ${earlier.line} already`);
    this.#section = earlier ?? { line, values: new Map() };
    this.#open = undefined;
    this.#sections.set(name, this.#section);
  }

  #takeOption(content: string, line: number): void {
    if (this.#section === undefined) throw this.#error(line, "expected a section such as [server]");
    const end = content.search(/[=:]/);
    const key = content.slice(0, Math.max(end, 0)).trim().toLowerCase();
    if (key === "") throw this.#error(line, "expected a name, an equals sign and a value");
    const earlier = this.#section.values.get(key);
    if (earlier !== undefined)
      throw this.#error(line, `"${abridged(key)}" is on line ${earlier.line} already`);
    this.#open = { line, lines: [content.slice(end + 1).trim()] };
    this.#section.values.set(key, this.#open);
  }

  #error(line: number, why: string) {
    return importError(this.#path, line, why);
  }
}

function joined(lines: readonly string[]): string {
  return lines.join("\n").trimEnd();
}

/** The same in the layout of the YAML form, as the original turns one into the other. @throws {CbError} `setting` */
export function readIni(text: string, path: string): OldTable {
  const ini = new IniFile(text, path);
  const server = ini.section("server");
  const tokens = ini.section("tokens");
  const { agent, used } = agentIn(ini);
  const known = new Set(["server", "tokens", ...used]);
  const others = ini.names.filter((name) => !known.has(name));
  return tableOf(1, [
    ...(server === undefined ? [] : [entry("server", server.line, serverIn(server))]),
    ...(agent === undefined ? [] : [entry("agent", agent.line, agent)]),
    ...(tokens === undefined ? [] : [entry("tokens", tokens.line, tokens)]),
    ...others.map((name) => entry(name, ini.lineOf(name), tableOf(ini.lineOf(name), []))),
  ]);
}

/** Files of the time when there was one workspace had no ssl, and the original adds it. */
function serverIn(server: OldTable): OldTable {
  const workspace = server.entries.find(({ key }) => key === "workspace");
  if (workspace === undefined || server.entries.some(({ key }) => key === "ssl")) return server;
  return tableOf(server.line, [
    ...server.entries,
    entry("ssl", workspace.line, word("True", workspace.line)),
  ]);
}

/** The name of the one executor that version 0.1 knew, which had none there. */
const UNNAMED = "unnamed_executor";

function agentIn(ini: IniFile): { readonly agent: OldTable | undefined; readonly used: readonly string[] } {
  const agent = ini.section("agent");
  if (agent === undefined) {
    const first = ini.section("executor");
    if (first === undefined) return { agent: undefined, used: [] };
    const fields = (key: string) => first.entries.filter((one) => one.key === key);
    const executor = tableOf(first.line, fields("cmd"));
    const executors = tableOf(first.line, [entry(UNNAMED, first.line, executor)]);
    const entries = [...fields("agent_name"), entry("executors", first.line, executors)];
    return { agent: tableOf(first.line, entries), used: ["executor"] };
  }
  const list = agent.entries.find(({ key }) => key === "executors");
  const text = list?.value.kind === "text" ? list.value.text : "";
  const names = [...new Set(text.split(",").map((name) => name.trim()))].filter((name) => name !== "");
  const executors = names.map((name) => executorIn(ini, name, list?.line ?? agent.line));
  const rest = agent.entries.filter((one) => one !== list);
  return {
    agent: tableOf(agent.line, [
      ...rest,
      entry("executors", list?.line ?? agent.line, tableOf(list?.line ?? agent.line, executors)),
    ]),
    used: ["agent", ...names.flatMap((name) => [name, `${name}_varenvs`, `${name}_params`])],
  };
}

function executorIn(ini: IniFile, name: string, line: number): OldEntry {
  const section = ini.section(name);
  const varenvs = ini.section(`${name}_varenvs`);
  const params = ini.section(`${name}_params`);
  const at = section?.line ?? line;
  return entry(
    name,
    at,
    tableOf(at, [
      ...(section?.entries ?? []),
      ...(varenvs === undefined ? [] : [entry("varenvs", varenvs.line, varenvs)]),
      ...(params === undefined ? [] : [entry("params", params.line, paramsIn(params))]),
    ]),
  );
}

/** A flag says whether a parameter is mandatory, and all of them are texts. */
function paramsIn(params: OldTable): OldTable {
  return tableOf(
    params.line,
    params.entries.map(({ key, line, value }) => {
      const isMandatory = value.kind === "text" && /^t(?:rue)?$/i.test(value.text);
      const mandatory = { ...word(String(isMandatory), line), isPlain: true };
      return entry(
        key,
        line,
        tableOf(line, [entry("mandatory", line, mandatory), entry("type", line, word("string", line))]),
      );
    }),
  );
}

function tableOf(line: number, entries: readonly OldEntry[]): OldTable {
  return { kind: "table", line, entries };
}

function entry(key: string, line: number, value: OldEntry["value"]): OldEntry {
  return { key, line, value };
}

function word(text: string, line: number): OldText {
  return { kind: "text", line, text, isPlain: false };
}

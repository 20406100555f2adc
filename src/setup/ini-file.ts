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
import { importError, MAX_PIECES, type OldEntry, type OldTable } from "./old-value.ts";

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
        const why = name === undefined ? "expected %% for %" : "it refers to what is not there";
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

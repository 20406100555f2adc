/**
 * The keys of one table of a manifest: each read once, as what it must be; what is wrong is said with file and key.
 */
import { CbError } from "../core/errors.ts";
import { didYouMean } from "../core/suggestion.ts";
import { abridged, printable } from "../core/text.ts";
import { isTomlTable, type TomlTable } from "../core/toml.ts";

export class ManifestTable {
  readonly #path: string;
  readonly #name: string;
  readonly #table: TomlTable;

  /**
   * @param name of the table within the file, such as `parameters.TARGET`; empty for the whole
   * @param known its keys; undefined where names are free
   * @throws {CbError} `setting` for a key that is not known
   */
  constructor(path: string, name: string, table: TomlTable, known: readonly string[] | undefined) {
    this.#path = path;
    this.#name = name;
    this.#table = table;
    const unknown = Object.keys(table).find((key) => known !== undefined && !known.includes(key));
    if (known !== undefined && unknown !== undefined) {
      throw this.problem(
        unknown,
        `no such key${didYouMean(unknown, known) || `, expected ${known.join(", ")}`}`,
      );
    }
  }

  get keys(): readonly string[] {
    return Object.keys(this.#table);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#table, key);
  }

  text(key: string): string | undefined {
    return this.read(key, "a text that is not empty", (value) => isText(value));
  }

  /** `undefined` where it is not there. */
  flag(key: string): boolean | undefined {
    return this.read(key, "true or false", (value): value is boolean => typeof value === "boolean");
  }

  integer(key: string, least: number, most: number): number | undefined {
    const fits = (value: unknown): value is number =>
      Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
    return this.read(key, `a whole number from ${least} to ${most}`, fits);
  }

  choice<const Word extends string>(key: string, words: readonly Word[]): Word | undefined {
    const value = this.text(key);
    const word = words.find((candidate) => candidate === value);
    if (value !== undefined && word === undefined) {
      throw this.problem(key, unknownWord(value, words));
    }
    return word;
  }

  texts(key: string): readonly string[] | undefined {
    const fits = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
    return this.read(key, "an array of texts, none of them empty", fits);
  }

  /** The table under that key, of which the known keys are given. */
  table(key: string, known: readonly string[] | undefined): ManifestTable | undefined {
    const table = this.read(key, "a table", isTomlTable);
    return table && new ManifestTable(this.#path, this.#full(key), table, known);
  }

  /** What is under a key, where it fits; undefined where nothing is there. @throws {CbError} `setting` */
  read<Value>(key: string, expected: string, fits: (value: unknown) => value is Value): Value | undefined {
    if (!this.has(key)) return undefined;
    const value = this.#table[key];
    if (!fits(value)) throw this.problem(key, `expected ${expected}`);
    return value;
  }

  /** The error for what is under that key; the value, which may be a secret, is the caller's to show. */
  problem(key: string, why: string): CbError {
    const subject = `Cannot use ${abridged(this.#full(key))} from "${printable(this.#path)}"`;
    return new CbError("setting", `${subject}: ${why}`);
  }

  #full(key: string): string {
    return this.#name === "" ? key : `${this.#name}.${key}`;
  }
}

/** What is said of a value that is none of a few words. */
export function unknownWord(value: unknown, words: readonly string[]): string {
  const subject = typeof value === "string" ? `"${abridged(value)}" is not known, ` : "";
  return `${subject}expected ${words.join(", ")}`;
}

/** A NUL fits into no environment and no argument. */
function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !value.includes("\0");
}

/**
 * What an old configuration holds, as it is written there: every piece with its line, and texts only.
 *
 * Whether `False` is a word or a boolean is for those to say who know the key: the original's own reader takes
 * `'False'` for true in one place and for false in another.
 */
import { CbError } from "../core/errors.ts";
import { printable } from "../core/text.ts";

export type OldText = {
  readonly kind: "text";
  readonly line: number;
  readonly text: string;
  /** Not in quotes, so that it may be a number, a boolean or nothing at all. */
  readonly isPlain: boolean;
};

export type OldList = { readonly kind: "list"; readonly line: number; readonly items: readonly OldValue[] };

export type OldTable = {
  readonly kind: "table";
  readonly line: number;
  /** No key twice. */
  readonly entries: readonly OldEntry[];
};

export type OldValue = OldText | OldList | OldTable;

export type OldEntry = { readonly key: string; readonly line: number; readonly value: OldValue };

/** Pieces of one configuration, those that are there by reference counted each time. */
export const MAX_PIECES = 100_000;

/** What cannot be taken as a whole. @param path of the file */
export function importError(path: string, line: number | undefined, why: string): CbError {
  const where = line === undefined ? "" : `line ${line}: `;
  return new CbError("setting", `Cannot import "${printable(path)}": ${where}${why}`);
}

export function entryOf(table: OldTable, key: string): OldEntry | undefined {
  return table.entries.find((entry) => entry.key === key);
}

/** Whether a value is YAML's null, as a key has it behind which nothing stands. */
export function isNothing(value: OldValue): boolean {
  return value.kind === "text" && value.isPlain && /^(?:~|null|Null|NULL)?$/.test(value.text);
}

/** The text under a key; undefined where nothing is there, or no text. */
export function textAt(table: OldTable, key: string): OldText | undefined {
  const value = entryOf(table, key)?.value;
  return value === undefined || value.kind !== "text" || isNothing(value) ? undefined : value;
}

/** The words that YAML 1.1 and the original's library take for booleans, where they have no quotes. */
const TRUE = /^(?:true|True|TRUE|yes|Yes|YES|on|On|ON)$/;
const FALSE = /^(?:false|False|FALSE|no|No|NO|off|Off|OFF)$/;

/** A boolean of YAML; undefined for anything else, such as a word in quotes. */
export function booleanOf(value: OldValue): boolean | undefined {
  if (value.kind !== "text" || !value.isPlain) return undefined;
  return TRUE.test(value.text) ? true : FALSE.test(value.text) ? false : undefined;
}

/** A whole number, in quotes or not; undefined for anything else. */
export function integerOf(value: OldValue): number | undefined {
  if (value.kind !== "text") return undefined;
  const text = value.text.trim();
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/**
 * TOML text to tables and back, and the only door to smol-toml.
 *
 * The tables that it makes have no prototype, so that a key `__proto__` or `constructor` is a key like any
 * other; a table made of one by `{ ...table }` has one, so keys are looked up with `Object.hasOwn`.
 * Source: https://toml.io/en/v1.0.0; what of it the library takes, its src/parse.ts.
 */
import { parse, stringify, TomlError } from "smol-toml";
import { CbError, type ErrorCode, messageOf } from "./errors.ts";
import { printable } from "./text.ts";

export type TomlTable = Readonly<Record<string, unknown>>;

/**
 * The table in a TOML text.
 *
 * @param path for messages, which give line and column but never the line itself, where a password may stand
 * @param code of the errors
 * @throws {CbError} for bad UTF-8, bad TOML
 */
export function parseToml(bytes: Uint8Array, path: string, code: ErrorCode): TomlTable {
  const subject = `Cannot read "${printable(path)}"`;
  try {
    return parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    // No `cause`: its message quotes the line.
    if (error instanceof TypeError) throw new CbError(code, `${subject}: expected text in UTF-8`);
    if (!(error instanceof TomlError)) throw error;
    const why = error.message.split("\n", 1)[0]?.replace("Invalid TOML document: ", "");
    throw new CbError(code, `${subject}: line ${error.line}, column ${error.column}: ${why}`);
  }
}

/**
 * Whole numbers stay whole; comments and layout of a text that was parsed are not kept.
 *
 * @throws {CbError} `file` for tables nested 1 000 deep, which smol-toml reads by dotted keys but does not write
 */
export function formatToml(table: TomlTable): string {
  try {
    return stringify(table);
  } catch (error) {
    throw new CbError("file", `Cannot write TOML: ${messageOf(error)}`);
  }
}

/** Whether a value of a parsed text is a table: neither an array nor a date. */
export function isTomlTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/**
 * Reads test vectors: `key: value` lines, a key repeated for a list, byte strings in hexadecimal.
 *
 * Every file has `expect` (its class) and `comment`; `test/vectors/generate.ts` makes them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type Vector = {
  /** The name of the file without its ending. */
  readonly name: string;
  readonly expect: string;
  readonly comment: string;
  /** The one value of a key; it throws where there is none, or more than one. */
  readonly get: (key: string) => string;
  /** All values of a key, in the order of the file. */
  readonly all: (key: string) => readonly string[];
};

const FOLDER = join(import.meta.dirname, "../vectors");

/** The bytes of a value in hexadecimal. */
export function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

/** The vectors of `test/vectors/<folder>`, by name. */
export function readVectors(folder: "request" | "reply"): readonly Vector[] {
  const files = readdirSync(join(FOLDER, folder)).sort();
  return files.map((file) => readVector(join(folder, file)));
}

/** One file below `test/vectors`, such as `padding.txt`. */
export function readVector(path: string): Vector {
  const lines = readFileSync(join(FOLDER, path), "utf8").trimEnd().split("\n");
  const values = new Map<string, string[]>();
  for (const line of lines) {
    const [, key, value] = /^([a-z-]+):(?: (.+))?$/.exec(line) ?? [];
    if (key === undefined) throw new Error(`Cannot read ${path}: expected "key: value", not "${line}"`);
    values.set(key, [...(values.get(key) ?? []), value ?? ""]);
  }
  const all = (key: string) => values.get(key) ?? [];
  const get = (key: string) => {
    const [value, ...more] = all(key);
    if (value === undefined || more.length > 0) throw new Error(`Cannot read ${path}: expected one "${key}"`);
    return value;
  };
  const name = path.replace(/^.*\//, "").replace(/\.txt$/, "");
  return { name, expect: get("expect"), comment: get("comment"), get, all };
}

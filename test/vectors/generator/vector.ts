/** The text of a vector file: one `key: value` a line, `expect` and `comment` first, a key repeated for a list. */
import { hex } from "./bytes.ts";
import { type Fields, Raw, type Value } from "./cbor.ts";

export type Line = readonly [key: string, value: string | number | Uint8Array];

export function vectorText(lines: readonly Line[]): string {
  return lines
    .map(([key, value]) => `${key}: ${value instanceof Uint8Array ? hex(value) : value}`.trimEnd())
    .map((line) => `${line}\n`)
    .join("");
}

/** A message as JSON, with byte strings in hexadecimal. */
export function json(fields: Fields): string {
  return JSON.stringify(plain(fields));
}

function plain(value: Value): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (value instanceof Raw) throw new Error("raw bytes have no meaning");
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

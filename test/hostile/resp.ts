/**
 * What Redis and its clients say to each other, as far as a hub in between must know it (RESP2).
 * Source: https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
import { concat, utf8 } from "../../src/protocol/bytes.ts";

/** A line is a simple string, an error or an integer with its sign in front: `+OK`, `-ERR …`, `:3`. */
export type Value = { readonly line: string } | Uint8Array | null | readonly Value[];

const END = utf8("\r\n");

export function encode(value: Value): Uint8Array {
  if (value === null) return utf8("$-1\r\n");
  if (value instanceof Uint8Array) return concat(utf8(`$${value.length}\r\n`), value, END);
  if ("line" in value) return utf8(`${value.line}\r\n`);
  return concat(utf8(`*${value.length}\r\n`), ...value.map(encode));
}

export function integer(number: number): Value {
  return { line: `:${number}` };
}

/** A command as its client sends it. */
export function command(...words: readonly (string | Uint8Array)[]): readonly Uint8Array[] {
  return words.map((word) => (typeof word === "string" ? utf8(word) : word));
}

/** Takes what arrives in pieces, gives whole values. */
export class RespReader {
  #rest: Uint8Array = new Uint8Array();

  /** @throws {Error} for what no Redis and no client of it says */
  read(chunk: Uint8Array): readonly Value[] {
    this.#rest = concat(this.#rest, chunk);
    const values: Value[] = [];
    for (let next = valueAt(this.#rest, 0); next !== undefined; next = valueAt(this.#rest, 0)) {
      values.push(next.value);
      this.#rest = this.#rest.subarray(next.end);
    }
    return values;
  }
}

type Found = { readonly value: Value; readonly end: number };

/** The value that begins there; undefined where the rest of it has not come yet. */
function valueAt(bytes: Uint8Array, start: number): Found | undefined {
  const lineEnd = bytes.indexOf(10, start);
  if (lineEnd < 0) return undefined;
  const line = Buffer.from(bytes.subarray(start, lineEnd - 1)).toString("latin1");
  const end = lineEnd + 1;
  switch (line[0]) {
    case "+":
    case "-":
    case ":":
      return { value: { line }, end };
    case "$":
      return bulkAt(bytes, end, Number(line.slice(1)));
    case "*":
      return arrayAt(bytes, end, Number(line.slice(1)));
    default:
      throw new Error(`not RESP: ${JSON.stringify(line)}`);
  }
}

function bulkAt(bytes: Uint8Array, start: number, length: number): Found | undefined {
  if (length < 0) return { value: null, end: start };
  const end = start + length;
  return bytes.length < end + 2 ? undefined : { value: bytes.slice(start, end), end: end + 2 };
}

function arrayAt(bytes: Uint8Array, start: number, length: number): Found | undefined {
  const values: Value[] = [];
  let end = start;
  while (values.length < length) {
    const found = valueAt(bytes, end);
    if (found === undefined) return undefined;
    values.push(found.value);
    end = found.end;
  }
  return { value: length < 0 ? null : values, end };
}

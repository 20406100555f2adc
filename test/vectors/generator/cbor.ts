/**
 * Deterministic CBOR for the vectors, and the means to get it wrong on purpose.
 *
 * `encode` follows RFC 8949 §4.2.1: shortest heads, definite lengths, map keys in the order of their encoded
 * bytes. A `Raw` value is spliced in as it is, so that a vector can hold one wrong form inside a right map.
 */
import { concat, fromHex, utf8 } from "./bytes.ts";

/** Bytes that are used instead of an encoding. */
export class Raw {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

export type Value = number | boolean | string | Uint8Array | Raw | readonly Value[] | Fields;
export type Fields = { readonly [key: string]: Value };

export function raw(hex: string): Raw {
  return new Raw(fromHex(hex));
}

export function encode(value: Value): Uint8Array {
  if (value instanceof Raw) return value.bytes;
  if (value instanceof Uint8Array) return concat(head(2, value.length), value);
  if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === "boolean") return Uint8Array.of(value ? 0xf5 : 0xf4);
  if (typeof value === "string") return concat(head(3, utf8(value).length), utf8(value));
  if (isList(value)) return concat(head(4, value.length), ...value.map(encode));
  return encodeMap(entries(value));
}

/** The entries of a map, each as the bytes of key and value, in deterministic order. */
export function entries(fields: Fields): Uint8Array[] {
  return Object.entries(fields)
    .map(([key, value]) => ({ key: encode(key), entry: concat(encode(key), encode(value)) }))
    .sort((one, other) => Buffer.compare(one.key, other.key))
    .map(({ entry }) => entry);
}

/** A map of these entries in this order. */
export function encodeMap(items: readonly Uint8Array[]): Uint8Array {
  return concat(head(5, items.length), ...items);
}

/** The head of an item: major type and argument, in the shortest form (RFC 8949 §3). */
export function head(major: number, argument: number): Uint8Array {
  if (argument < 24) return Uint8Array.of((major << 5) | argument);
  const width = argument < 0x100 ? 1 : argument < 0x1_0000 ? 2 : argument < 0x1_0000_0000 ? 4 : 8;
  return longHead(major, argument, width);
}

/** The head with an argument of `width` bytes (1, 2, 4 or 8), whether it needs them or not. */
export function longHead(major: number, argument: number, width: number): Uint8Array {
  const bytes = new Uint8Array(1 + width);
  bytes[0] = (major << 5) | (24 + Math.log2(width));
  for (let index = width, rest = BigInt(argument); index > 0; index--, rest >>= 8n) {
    bytes[index] = Number(rest & 0xffn);
  }
  return bytes;
}

function isList(value: readonly Value[] | Fields): value is readonly Value[] {
  return Array.isArray(value);
}

/**
 * CBOR in its one deterministic encoding (RFC 8949 §4.2.1), and the only door to the CBOR library.
 *
 * The library is strict about lengths, but lets floats and misordered keys in; so what was decoded is encoded
 * again and must give the same bytes. Tags, floats, null, undefined, integers above 2^53−1, duplicate keys,
 * more than four levels and trailing bytes are refused. Source: PROTOCOL.md §3.
 */
import { decode, encode, rfc8949EncodeOptions, type Token, Tokenizer, Type } from "cborg";
import { CbError, messageOf } from "../core/errors.ts";

export type CborValue = number | boolean | string | Uint8Array | readonly CborValue[] | CborMap;
export type CborMap = ReadonlyMap<string, CborValue>;

const MAX_DEPTH = 4;

export function encodeCbor(value: CborMap): Uint8Array {
  return encode(value, rfc8949EncodeOptions);
}

/** @throws {CbError} `message-malformed` for any bytes that `encodeCbor` cannot produce */
export function decodeCbor(bytes: Uint8Array): CborMap {
  let value: unknown;
  let again: Uint8Array;
  try {
    value = decode(bytes, { ...STRICT, tokenizer: new StrictTokenizer(bytes, STRICT) });
    again = encode(value, rfc8949EncodeOptions);
  } catch (error) {
    throw malformed(messageOf(error));
  }
  if (!(value instanceof Map)) throw malformed("not a map");
  if (Buffer.compare(bytes, again) !== 0) throw malformed("not in deterministic encoding");
  return value as CborMap;
}

/** The error for bytes that no encoder of ours produces; `why` never quotes them. */
export function malformed(why: string): CbError {
  return new CbError("message-malformed", `Cannot read message: ${why}`);
}

const STRICT = {
  strict: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
};

/** An array or map that is not complete yet, and how many items it still wants. */
type OpenContainer = { readonly isMap: boolean; missing: number };

/**
 * Refuses, while they are read, what the library lets in: null, floats, keys that are not text, and nesting,
 * for its decoder recurses as deep as a hostile message asks.
 */
class StrictTokenizer extends Tokenizer {
  readonly #open: OpenContainer[] = [];

  override next(): Token {
    const token = super.next();
    const { type } = token;
    const around = this.#open.at(-1);
    const isKey = around?.isMap === true && around.missing % 2 === 0;
    if (isKey && !Type.equals(type, Type.string)) throw new Error("a key is not a text");
    if (Type.equals(type, Type.null)) throw new Error("null is not allowed");
    if (Type.equals(type, Type.float)) throw new Error("floats are not allowed");
    const isMap = Type.equals(type, Type.map);
    const isContainer = isMap || Type.equals(type, Type.array);
    if (isContainer) this.#open.push({ isMap, missing: Number(token.value) * (isMap ? 2 : 1) });
    if (this.#open.length > MAX_DEPTH) throw new Error("nested too deeply");
    if (!isContainer || token.value === 0) this.#itemEnded();
    return token;
  }

  #itemEnded(): void {
    const innermost = this.#open.at(-1);
    if (innermost === undefined) return;
    if (innermost.missing > 0) innermost.missing--;
    if (innermost.missing > 0) return;
    this.#open.pop();
    this.#itemEnded();
  }
}

/**
 * Reading the fields of a decoded message, each once, each of a stated type and range.
 *
 * Every method throws `message-malformed` naming the field, never its value.
 */
import { isName, type Tag } from "../core/names.ts";
import { type CborMap, type CborValue, malformed } from "./cbor.ts";

type TextMap = ReadonlyMap<string, string>;
type Bound = { readonly least?: number; readonly most?: number };

export class Fields {
  readonly #map: CborMap;
  readonly #read = new Set<string>();

  constructor(map: CborMap) {
    this.#map = map;
  }

  has(key: string): boolean {
    return this.#map.has(key);
  }

  /** A whole number from `least` (0) to `most` (2^53−1). */
  integer(key: string, { least = 0, most = Number.MAX_SAFE_INTEGER }: Bound = {}): number {
    const value = this.#take(key);
    if (!isInteger(value)) throw malformed(`${key} is not an integer`);
    if (value < least || value > most) throw malformed(`${key} is out of range`);
    return value;
  }

  /** Bytes; as many as `length` says, or within its bounds. */
  bytes(key: string, length: number | Bound): Uint8Array {
    const value = this.#take(key);
    if (!(value instanceof Uint8Array)) throw malformed(`${key} is not a byte string`);
    const { least = 0, most = Infinity } =
      typeof length === "number" ? { least: length, most: length } : length;
    if (value.length < least || value.length > most) throw malformed(`${key} has a wrong length`);
    return value;
  }

  /** Text of at most `most` bytes in UTF-8. */
  text(key: string, most: number): string {
    const value = this.#take(key);
    if (typeof value !== "string") throw malformed(`${key} is not a text`);
    if (Buffer.byteLength(value) > most) throw malformed(`${key} is too long`);
    return value;
  }

  name<Kind extends Parameters<typeof isName>[0] & string>(key: string): Kind {
    const value = this.#take(key);
    if (typeof value !== "string" || !isName(value)) throw malformed(`${key} is not a name`);
    return value as unknown as Kind;
  }

  /** Distinct tags in ascending order, from `least` to `most` of them. */
  tags(key: string, bound: Bound): readonly Tag[] {
    return this.names(key, isName<Tag>, bound);
  }

  /** Distinct texts that `isItem` takes, in ascending order, from `least` to `most` of them. */
  names<Item extends string>(
    key: string,
    isItem: (text: string) => text is Item,
    { least = 0, most = Infinity }: Bound,
  ): readonly Item[] {
    const value = this.#take(key);
    if (!Array.isArray(value)) throw malformed(`${key} is not a list`);
    if (value.length < least || value.length > most) throw malformed(`${key} has too few or too many names`);
    let last = "";
    for (const item of value) {
      if (typeof item !== "string" || !isItem(item)) throw malformed(`${key} holds what is not a name`);
      if (item <= last) throw malformed(`${key} is not sorted`);
      last = item;
    }
    return value as Item[];
  }

  choice<const Word extends string>(key: string, words: readonly Word[]): Word {
    const value = this.#take(key);
    const word = words.find((known) => known === value);
    if (word === undefined) throw malformed(`${key} is none of the known words`);
    return word;
  }

  /** A flag is there and true, or it is not there. */
  flag(key: string): boolean {
    if (!this.#map.has(key)) return false;
    if (this.#take(key) !== true) throw malformed(`${key} is not true`);
    return true;
  }

  map(key: string): Fields {
    const value = this.#take(key);
    if (!(value instanceof Map)) throw malformed(`${key} is not a map`);
    return new Fields(value);
  }

  /** A list of maps, at most so many. */
  maps(key: string, most: number): readonly Fields[] {
    const value = this.#take(key);
    if (!Array.isArray(value)) throw malformed(`${key} is not a list`);
    if (value.length > most) throw malformed(`${key} has too many items`);
    return value.map((item) => {
      if (!(item instanceof Map)) throw malformed(`${key} holds what is not a map`);
      return new Fields(item);
    });
  }

  /** A map of texts under names that `isKey` takes: from 1 to `most` of them, of at most `mostBytes` in UTF-8 each. */
  texts(key: string, isKey: (name: string) => boolean, most: number, mostBytes: number): TextMap {
    const texts = this.map(key);
    const names = texts.unknownAmong([]);
    if (names.length < 1 || names.length > most) throw malformed(`${key} has too few or too many entries`);
    if (!names.every(isKey)) throw malformed(`${key} holds what is not a name`);
    return new Map(names.map((name) => [name, texts.text(name, mostBytes)]));
  }

  /** The keys that are not among the known ones. */
  unknownAmong(known: readonly string[]): readonly string[] {
    return [...this.#map.keys()].filter((key) => !known.includes(key));
  }

  /** @throws {CbError} `message-malformed` where a key is left that nobody asked for */
  end(): void {
    if (this.unknownAmong([...this.#read]).length > 0) throw malformed("a field is unknown");
  }

  #take(key: string): CborValue {
    const value = this.#map.get(key);
    if (value === undefined) throw malformed(`${key} is missing`);
    this.#read.add(key);
    return value;
  }
}

/** `Number.isSafeInteger`, as the compiler should know it. */
function isInteger(value: CborValue): value is number {
  return Number.isSafeInteger(value);
}

/** A map of the fields that have a value, for the encoder. */
export function fieldMap(fields: Readonly<Record<string, CborValue | undefined>>): CborMap {
  const map = new Map<string, CborValue>();
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) map.set(key, value);
  return map;
}

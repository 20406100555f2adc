/** Requests whose body is not deterministic CBOR: step 6 of PROTOCOL.md, section 5, with the rules of section 3. */
import { concat, fromHex, utf8 } from "./bytes.ts";
import {
  head as cborHead,
  encode,
  encodeMap,
  entries,
  type Fields,
  longHead,
  Raw,
  raw,
  type Value,
} from "./cbor.ts";
import { ISSUED, type RequestVector, run, sealBody, sealFields, vector } from "./request-scene.ts";

export function requestForms(): RequestVector[] {
  return [...forms(), ...items()];
}

/** A map whose bytes are not deterministic CBOR, as a whole. */
function forms(): RequestVector[] {
  const body = encode(run("forms"));
  const all = entries(run("forms"));
  const [first = body, second = body, ...rest] = all;
  const form = (name: string, comment: string, ...bytes: readonly Uint8Array[]) =>
    vector(`malformed-${name}`, "malformed", comment, sealBody(`form ${name}`, ...bytes));
  return [
    form("empty", "a body of no bytes"),
    form("not-a-map-array", "an array of the values", encode([1, "run"])),
    form("not-a-map-number", "the number 1", encode(1)),
    form("not-a-map-bytes", "the map inside a byte string", encode(body)),
    form("not-a-map-text", "text", encode("run")),
    form("empty-map", "a map of nothing", encode({})),
    form("indefinite-map", "a map of indefinite length", fromHex("bf"), ...all, fromHex("ff")),
    form(
      "long-form-map",
      "the number of entries in two bytes instead of one",
      longHead(5, all.length, 1),
      ...all,
    ),
    form("unsorted-keys", "the first two entries swapped", encodeMap([second, first, ...rest])),
    form("reversed-keys", "the entries in reverse order", encodeMap([...all].reverse())),
    form("duplicate-key", "the first entry twice", encodeMap([first, first, second, ...rest])),
    form("trailing-byte", "a zero byte after the map", body, new Uint8Array(1)),
    form("trailing-map", "the map twice", body, body),
    form("cut", "the last byte of the map is missing", body.subarray(0, -1)),
    form("one-entry-more", "one more entry announced than there is", cborHead(5, all.length + 1), ...all),
    form("one-entry-less", "one entry less announced than there is", cborHead(5, all.length - 1), ...all),
    form("tag-around", "a tag around the map: self-described CBOR", fromHex("d9d9f7"), body),
    form("break-alone", "a break that ends nothing", fromHex("ff")),
    form("huge-map", "a map of 2^32 - 1 entries and no more", fromHex("baffffffff")),
    form("huge-array", "an array of 2^53 - 1 items and no more", fromHex("9b001fffffffffffff")),
    form("huge-bytes", "a byte string of 2^32 bytes and no more", fromHex("5b0000000100000000")),
    form("key-number", "a key that is a number", encodeMap([concat(encode(1), encode(1)), ...all])),
    form(
      "key-bytes",
      "a key that is a byte string",
      encodeMap([concat(encode(utf8("a")), encode(1)), ...all]),
    ),
    form("key-long-form", "a key whose length takes a byte more", ...longKey(all)),
    form("key-indefinite", "a key of indefinite length", ...indefiniteKey(all)),
    form("key-invalid-utf-8", "a key of a byte that no UTF-8 holds", encodeMap([fromHex("61ff01"), ...all])),
  ];
}

function longKey(all: readonly Uint8Array[]): Uint8Array[] {
  return [encodeMap([...all.slice(0, -1), concat(longHead(3, 9, 1), last(all).subarray(1))])];
}

function indefiniteKey(all: readonly Uint8Array[]): Uint8Array[] {
  const key = last(all).subarray(0, 10);
  return [
    encodeMap([...all.slice(0, -1), concat(fromHex("7f"), key, fromHex("ff"), last(all).subarray(10))]),
  ];
}

/** The last entry, which is that of `challenge`: a key of nine letters. */
function last(all: readonly Uint8Array[]): Uint8Array {
  const entry = all.at(-1);
  if (entry === undefined || entry[0] !== 0x69) throw new Error("the last key has nine letters");
  return entry;
}

/** One value inside the map which is not deterministic CBOR, or none that the protocol knows. */
function items(): RequestVector[] {
  const item = (name: string, comment: string, fields: Fields) =>
    vector(
      `malformed-${name}`,
      "malformed",
      comment,
      sealFields(`item ${name}`, { ...run(`item ${name}`), ...fields }),
    );
  const nested = (levels: number): Value => (levels === 0 ? 1 : [nested(levels - 1)]);
  return [
    item("long-form-0", "0 in two bytes", { sequence: raw("1800") }),
    item("long-form-23", "23 in two bytes", { extra: raw("1817") }),
    item("long-form-255", "255 in three bytes", { extra: raw("1900ff") }),
    item("long-form-65535", "65535 in five bytes", { extra: raw("1a0000ffff") }),
    item("long-form-2-32", "2^32 - 1 in nine bytes", { extra: raw("1b00000000ffffffff") }),
    item("long-form-text", "the length of a text in two bytes", { type: new Raw(long(3, utf8("run"))) }),
    item("long-form-bytes", "the length of a byte string in three bytes", {
      challenge: new Raw(concat(longHead(2, 32, 2), new Uint8Array(32))),
    }),
    item("long-form-array", "the length of an array in two bytes", {
      target: { tags: new Raw(concat(longHead(4, 1, 1), encode("web"))) },
    }),
    item("long-form-inner-map", "the length of an inner map in two bytes", {
      target: new Raw(concat(longHead(5, 1, 1), encode("tags"), encode(["web"]))),
    }),
    item("indefinite-text", "a text in chunks", { type: raw("7f6372756eff") }),
    item("indefinite-bytes", "a byte string in chunks", {
      reply: new Raw(concat(fromHex("5f"), encode(new Uint8Array(16)), fromHex("ff"))),
    }),
    item("indefinite-array", "an array of indefinite length", { target: { tags: raw("9f63776562ff") } }),
    item("indefinite-inner-map", "an inner map of indefinite length", {
      target: new Raw(concat(fromHex("bf"), encode("tags"), encode(["web"]), fromHex("ff"))),
    }),
    item("unsorted-inner-keys", "an inner map with its keys in the wrong order", {
      target: new Raw(encodeMap([pair("tags", ["web"]), pair("a", 1)])),
    }),
    item("duplicate-inner-key", "an inner map with one key twice", {
      target: new Raw(encodeMap([pair("tags", ["web"]), pair("tags", ["web"])])),
    }),
    item("tag-time", "a tag on a number: a time", { issued: new Raw(concat(fromHex("c1"), encode(ISSUED))) }),
    item("tag-bignum", "a bignum for a number", { issued: raw("c243010000") }),
    item("tag-unknown", "a tag on an unknown field", { extra: raw("d8ff01") }),
    // Each in the shortest form, so that the float is all that is wrong.
    item("float-16", "1.5 as a float of 16 bits", { extra: raw("f93e00") }),
    item("float-32", "100000.5 as a float of 32 bits", { extra: raw("fa47c35040") }),
    item("float-64", "1.1 as a float of 64 bits", { extra: raw("fb3ff199999999999a") }),
    item("float-whole", "1.0 as a float of 16 bits", { version: raw("f93c00") }),
    item("float-minus-0", "-0.0 as a float of 16 bits", { sequence: raw("f98000") }),
    item("float-time", "the time as a float of 64 bits", { issued: new Raw(float64(ISSUED)) }),
    item("float-large", "2^64 as a float of 32 bits", { expires: raw("fa5f800000") }),
    item("float-nan", "not a number", { extra: raw("f97e00") }),
    item("float-infinity", "infinity", { expires: raw("f97c00") }),
    item("null", "null", { limit: raw("f6") }),
    item("undefined", "undefined", { target: raw("f7") }),
    item("simple-0", "the simple value 0", { extra: raw("e0") }),
    item("simple-255", "the simple value 255", { extra: raw("f8ff") }),
    item("simple-true-long", "true in two bytes", { census: raw("f815") }),
    item("reserved-28", "additional information 28, which is reserved", { extra: raw("1c") }),
    item("reserved-bytes-29", "a byte string with additional information 29", { extra: raw("5d") }),
    item("break-inside", "a break that ends nothing", { extra: raw("ff") }),
    item("too-deep-arrays", "a fifth level: arrays in arrays", { extra: nested(4) }),
    item("too-deep-empty-array", "a fifth level: an array of nothing", { extra: [[[[]]]] }),
    item("too-deep-empty-map", "a fifth level: a map of nothing", { extra: [[[{}]]] }),
    item("inner-key-number", "a key that is a number, in an inner map", {
      target: new Raw(encodeMap([concat(encode(1), encode(1)), pair("tags", ["web"])])),
    }),
    item("too-deep-maps", "a fifth level: maps in maps", { extra: { a: { a: { a: { a: 1 } } } } }),
    item("far-too-deep", "a thousand levels", { extra: nested(1000) }),
    item("integer-2-53", "2^53, one above the largest number", { expires: raw("1b0020000000000000") }),
    item("integer-2-64", "2^64 - 1", { extra: raw("1bffffffffffffffff") }),
    item("integer-minus-2-64", "-2^64", { extra: raw("3bffffffffffffffff") }),
    item("invalid-utf-8", "a byte that no UTF-8 holds, in a text", { station: raw("6361ff62") }),
    item("overlong-utf-8", "a slash in two bytes", { command: raw("6361c0af") }),
    item("surrogate-utf-8", "half of a pair of surrogates", { station: raw("63eda080") }),
    item("cut-utf-8", "the first byte of two", { station: raw("6261c3") }),
    item("text-past-end", "a text that is longer than the body", { type: raw("7b0000000100000000") }),
  ];
}

function pair(key: string, value: Value): Uint8Array {
  return concat(encode(key), encode(value));
}

function long(major: number, content: Uint8Array): Uint8Array {
  return concat(longHead(major, content.length, 1), content);
}

function float64(value: number): Uint8Array {
  const bytes = new Uint8Array(9);
  bytes[0] = 0xfb;
  new DataView(bytes.buffer).setFloat64(1, value);
  return bytes;
}

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CbError } from "../../src/core/errors.ts";
import { hex } from "../../src/protocol/bytes.ts";
import { type CborMap, type CborValue, decodeCbor, encodeCbor } from "../../src/protocol/cbor.ts";
import { encode, encodeMap, longHead, raw, type Value } from "../vectors/generator/cbor.ts";
import { damaged } from "./arbitraries.ts";

const MALFORMED = { name: "CbError", code: "message-malformed" };
const DEEPEST = 4;

test("encodeCbor() writes what RFC 8949 calls deterministic", () => {
  const map = new Map<string, CborValue>([
    ["bb", [23, 24, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, Number.MAX_SAFE_INTEGER]],
    ["a", true],
    ["c".repeat(24), Uint8Array.of(1, 2, 3)],
    ["ä", "ü"],
    [
      "aa",
      new Map<string, CborValue>([
        ["z", -1],
        ["y", []],
      ]),
    ],
  ]);
  assert.equal(hex(encodeCbor(map)), hex(encode(recordOf(map))));
});

test("decodeCbor() inverts encodeCbor(), which an independent encoder agrees with", () => {
  fc.assert(
    fc.property(maps(), (map) => {
      const bytes = encodeCbor(map);
      assert.equal(hex(bytes), hex(encode(recordOf(map))));
      assert.equal(hex(encode(recordOf(decodeCbor(bytes)))), hex(bytes));
    }),
    { numRuns: 1000 },
  );
});

test("decodeCbor() answers hostile bytes with message-malformed or exactly one encoding", () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    damaged(maps().map(encodeCbor)),
    crookedMaps(),
    damaged(crookedMaps()),
  );
  fc.assert(fc.property(hostile, takesExactlyOneEncoding), { numRuns: 10_000 });
});

test("decodeCbor() refuses an encoding that is damaged in any one byte, or takes it for another message", () => {
  const bytes = encodeCbor(
    new Map<string, CborValue>([
      ["a", ["x", 24]],
      ["bc", Uint8Array.of(0, 1)],
      ["d", true],
    ]),
  );
  for (let at = 0; at < bytes.length; at++) {
    for (let byte = 0; byte < 256; byte++) {
      const changed = bytes.slice();
      changed[at] = byte;
      takesExactlyOneEncoding(changed);
      takesExactlyOneEncoding(Uint8Array.of(...bytes.subarray(0, at), byte, ...bytes.subarray(at)));
    }
    takesExactlyOneEncoding(Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + 1)));
  }
});

test("decodeCbor() takes four levels and refuses a fifth, even an empty one", () => {
  const levels = (value: Value) => encode({ a: value });
  assert.deepEqual(decodeCbor(levels([[[]]])), new Map([["a", [[[]]]]]));
  assert.deepEqual(
    decodeCbor(
      levels([
        [[1], [2]],
        [[3], 4],
      ]),
    ).get("a"),
    [
      [[1], [2]],
      [[3], 4],
    ],
  );
  assert.throws(() => decodeCbor(levels([[[[1]]]])), MALFORMED);
  assert.throws(() => decodeCbor(levels([[[[]]]])), MALFORMED);
  assert.throws(() => decodeCbor(levels([[[{}]]])), MALFORMED);
  assert.throws(() => decodeCbor(levels([1, [2, [3, [4]]]])), MALFORMED);
});

test("decodeCbor() survives a hundred thousand levels", () => {
  assert.throws(() => decodeCbor(new Uint8Array(100_000).fill(0x81)), MALFORMED);
  assert.throws(() => decodeCbor(new Uint8Array(100_000).fill(0xa1)), MALFORMED);
});

test("decodeCbor() refuses a message that is not a map", () => {
  for (const value of [1, "a", true, [], new Uint8Array()]) {
    assert.throws(() => decodeCbor(encode(value)), MALFORMED);
  }
  assert.throws(() => decodeCbor(new Uint8Array()), MALFORMED);
});

test("decodeCbor() refuses null, undefined, and floats in their shortest form", () => {
  for (const bytes of [
    "f6",
    "f7",
    "f93e00",
    "f93c00",
    "f98000",
    "f97e00",
    "fa47c35040",
    "fb3ff199999999999a",
  ]) {
    for (const value of [raw(bytes), [raw(bytes)], { b: raw(bytes) }]) {
      assert.throws(() => decodeCbor(encode({ a: value })), MALFORMED, bytes);
    }
  }
});

test("decodeCbor() refuses integers beyond 2^53 - 1", () => {
  const read = (bytes: string) => decodeCbor(encode({ a: raw(bytes) })).get("a");
  assert.equal(read("1b001fffffffffffff"), Number.MAX_SAFE_INTEGER);
  for (const bytes of [
    "1b0020000000000000",
    "1bffffffffffffffff",
    "3bffffffffffffffff",
    "c249010000000000000000",
  ]) {
    assert.throws(() => read(bytes), MALFORMED, bytes);
  }
});

test("decodeCbor() refuses keys that are not text", () => {
  const one = encode(1);
  for (const key of [
    encode(1),
    encode(-1),
    encode(Uint8Array.of(97)),
    encode(true),
    encode([]),
    encode({}),
  ]) {
    const entry = Uint8Array.of(...key, ...one);
    assert.throws(() => decodeCbor(encodeMap([entry])), MALFORMED);
    assert.throws(() => decodeCbor(Uint8Array.of(0xa1, 0x61, 0x61, ...encodeMap([entry]))), MALFORMED);
  }
});

test("decodeCbor() never quotes the message in its error", () => {
  const secret = "hunter2";
  for (const bytes of [encode(secret), encode([secret]), Uint8Array.of(...encode({ a: secret }), 0)]) {
    assert.throws(
      () => decodeCbor(bytes),
      (error) => error instanceof CbError && !error.message.includes(secret),
    );
  }
});

/** Either `message-malformed`, or a message of the allowed types whose one encoding these bytes are. */
function takesExactlyOneEncoding(bytes: Uint8Array): void {
  let map: CborMap;
  try {
    map = decodeCbor(bytes);
  } catch (error) {
    if (!(error instanceof CbError)) throw error;
    assert.equal(error.code, "message-malformed");
    return;
  }
  assertAllowed(map, 1);
  assert.equal(hex(encode(recordOf(map))), hex(bytes));
}

function assertAllowed(value: unknown, level: number): void {
  if (typeof value === "string" || typeof value === "boolean" || value instanceof Uint8Array) return;
  if (typeof value === "number") {
    assert.ok(Number.isSafeInteger(value), `the number ${value}`);
    return;
  }
  assert.ok(level <= DEEPEST, `level ${level}`);
  if (Array.isArray(value)) {
    for (const item of value) assertAllowed(item, level + 1);
    return;
  }
  assert.ok(value instanceof Map, `a value of type ${typeof value}`);
  for (const [key, member] of value) {
    assert.equal(typeof key, "string", `the type of a key`);
    assertAllowed(member, level + 1);
  }
}

/** A decoded value in the form that the generator of the vectors encodes. */
function recordOf(value: CborValue): Value {
  if (isMap(value)) return Object.fromEntries([...value].map(([key, member]) => [key, recordOf(member)]));
  return Array.isArray(value) ? value.map(recordOf) : (value as Value);
}

function isMap(value: CborValue): value is CborMap {
  return value instanceof Map;
}

/** Maps of up to four levels. */
function maps(): fc.Arbitrary<CborMap> {
  return mapOf(anyValue(DEEPEST - 1));
}

function mapOf(values: fc.Arbitrary<CborValue>): fc.Arbitrary<CborMap> {
  const keys = fc.string({ unit: "binary", maxLength: 30 });
  // What Object.fromEntries and "__proto__" do together is no matter of CBOR.
  const entries = fc.array(
    fc.tuple(
      keys.filter((key) => key !== "__proto__"),
      values,
    ),
    { maxLength: 4 },
  );
  return entries.map((list) => new Map(list));
}

function anyValue(levels: number): fc.Arbitrary<CborValue> {
  const leaf = fc.oneof(
    fc.maxSafeInteger(),
    fc.integer({ min: -300, max: 300 }),
    fc.boolean(),
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.uint8Array({ maxLength: 30 }),
  );
  if (levels === 0) return leaf;
  const inner = anyValue(levels - 1);
  return fc.oneof(leaf, fc.array(inner, { maxLength: 3 }), mapOf(inner));
}

/** Well-formed CBOR of every kind: tags, floats, null, long heads, indefinite lengths, any key in any order. */
function crookedMaps(): fc.Arbitrary<Uint8Array> {
  const { item } = fc.letrec<{ item: Uint8Array; leaf: Uint8Array }>((tie) => ({
    leaf: fc.oneof(
      fc.tuple(fc.constantFrom(0, 1), fc.nat({ max: 300 })).map(([major, value]) => encodeHead(major, value)),
      fc
        .tuple(fc.constantFrom(0, 1), fc.nat({ max: 300 }))
        .map(([major, value]) => longHead(major, value, 4)),
      fc.bigInt({ min: 2n ** 53n - 2n, max: 2n ** 53n + 2n }).map((value) => bigHead(value)),
      fc.string({ maxLength: 3 }).map((text) => encode(text)),
      fc.string({ maxLength: 3 }).map((text) => Uint8Array.of(0x7f, ...encode(text), 0xff)),
      fc.uint8Array({ maxLength: 3 }).map((bytes) => Uint8Array.of(0x60 + bytes.length, ...bytes)),
      fc.uint8Array({ maxLength: 3 }).map((bytes) => encode(bytes)),
      fc.integer({ min: 0xe0, max: 0xf7 }).map((byte) => Uint8Array.of(byte)),
      fc.uint8Array({ minLength: 2, maxLength: 2 }).map((bytes) => Uint8Array.of(0xf9, ...bytes)),
      fc.float().map(float32),
      fc.double().map(float64),
    ),
    item: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      tie("leaf"),
      fc
        .array(tie("item"), { maxLength: 3 })
        .map((items) => Uint8Array.of(0x80 + items.length, ...flat(items))),
      fc.array(tie("item"), { maxLength: 3 }).map((items) => Uint8Array.of(0x9f, ...flat(items), 0xff)),
      fc.array(fc.tuple(tie("leaf"), tie("item")), { maxLength: 3 }).map((pairs) => mapBytes(pairs)),
      fc.tuple(fc.nat({ max: 23 }), tie("item")).map(([tag, inner]) => Uint8Array.of(0xc0 + tag, ...inner)),
    ),
  }));
  const keys = fc.oneof(
    fc.constantFrom(...["a", "b", "aa"].map((key) => encode(key))),
    fc.constantFrom(encode(1), encode(-1), encode(Uint8Array.of(97)), Uint8Array.of(0xf6)),
  );
  return fc.array(fc.tuple(keys, item), { maxLength: 3 }).map((pairs) => mapBytes(pairs));
}

function encodeHead(major: number, value: number): Uint8Array {
  return major === 0 ? encode(value) : encode(-1 - value);
}

function bigHead(value: bigint): Uint8Array {
  const bytes = new Uint8Array(9);
  bytes[0] = 0x1b;
  new DataView(bytes.buffer).setBigUint64(1, value);
  return bytes;
}

function float32(value: number): Uint8Array {
  const bytes = new Uint8Array(5);
  bytes[0] = 0xfa;
  new DataView(bytes.buffer).setFloat32(1, value);
  return bytes;
}

function float64(value: number): Uint8Array {
  const bytes = new Uint8Array(9);
  bytes[0] = 0xfb;
  new DataView(bytes.buffer).setFloat64(1, value);
  return bytes;
}

function flat(items: readonly Uint8Array[]): number[] {
  return items.flatMap((item) => [...item]);
}

function mapBytes(pairs: readonly (readonly [Uint8Array, Uint8Array])[]): Uint8Array {
  return encodeMap(pairs.map(([key, value]) => Uint8Array.of(...key, ...value)));
}

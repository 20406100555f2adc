import assert from "node:assert/strict";
import { test } from "node:test";
import { CbError } from "../../src/core/errors.ts";
import type { CborValue } from "../../src/protocol/cbor.ts";
import { Fields, fieldMap } from "../../src/protocol/fields.ts";

const MALFORMED = { name: "CbError", code: "message-malformed" };

/** Values that are wrong wherever another type is asked for. */
const NUMBER = 1;
const TEXT = "text";
const BYTES = Uint8Array.of(1);
const LIST: CborValue = ["a"];
const MAP: CborValue = new Map([["a", 1]]);

test("Fields.integer() takes whole numbers from 0 to 2^53 - 1, or its own bounds", () => {
  const read = (value: CborValue, bound?: Parameters<Fields["integer"]>[1]) =>
    one(value).integer("it", bound);
  for (const value of [0, 1, Number.MAX_SAFE_INTEGER]) assert.equal(read(value), value);
  for (const value of [-1, 2 ** 53, 1.5, Number.NaN, TEXT, true, BYTES, LIST, MAP])
    refuses(() => read(value));
  assert.equal(read(5, { least: 5, most: 5 }), 5);
  refuses(() => read(4, { least: 5, most: 5 }));
  refuses(() => read(6, { least: 5, most: 5 }));
  refuses(() => read(1.5, { least: 1, most: 2 }));
});

test("Fields.bytes() takes one length, or those within bounds", () => {
  const read = (length: number, bound: Parameters<Fields["bytes"]>[1]) =>
    one(new Uint8Array(length)).bytes("it", bound);
  assert.equal(read(3, 3).length, 3);
  refuses(() => read(2, 3));
  refuses(() => read(4, 3));
  const bounds = { least: 1, most: 2 };
  assert.equal(read(1, bounds).length, 1);
  assert.equal(read(2, bounds).length, 2);
  refuses(() => read(0, bounds));
  refuses(() => read(3, bounds));
  for (const value of [NUMBER, TEXT, true, LIST, MAP]) refuses(() => one(value).bytes("it", 1));
});

test("Fields.text() counts bytes, not characters", () => {
  assert.equal(one("üü").text("it", 4), "üü");
  assert.equal(one("").text("it", 0), "");
  refuses(() => one("üü").text("it", 3));
  refuses(() => one("abcd").text("it", 3));
  for (const value of [NUMBER, true, BYTES, LIST, MAP]) refuses(() => one(value).text("it", 100));
});

test("Fields.name() takes names alone", () => {
  assert.equal(one("web-1").name("it"), "web-1");
  for (const value of ["", "-a", "a b", "a\n", "a".repeat(65)]) refuses(() => one(value).name("it"));
  for (const value of [NUMBER, true, BYTES, LIST, MAP]) refuses(() => one(value).name("it"));
});

test("Fields.texts() takes texts under names, as many and as long as it is told", () => {
  const isKey = (key: string) => /^[a-z]$/.test(key);
  const read = (entries: Readonly<Record<string, CborValue>>) =>
    one(fieldMap(entries)).texts("it", isKey, 2, 4);
  assert.deepEqual(
    [...read({ a: "üü", b: "" })],
    [
      ["a", "üü"],
      ["b", ""],
    ],
  );
  for (const entries of [{}, { a: "", b: "", c: "" }, { A: "" }, { "": "" }, { a: "", aa: "" }]) {
    refuses(() => read(entries));
  }
  for (const value of ["abcde", "üüa", NUMBER, true, BYTES, LIST, MAP]) refuses(() => read({ a: value }));
  for (const value of [NUMBER, TEXT, true, BYTES, LIST]) {
    refuses(() => one(value).texts("it", isKey, 2, 4));
  }
});

test("Fields.tags() takes sorted names without repeats, as many as it is told", () => {
  const read = (value: CborValue) => one(value).tags("it", { least: 1, most: 2 });
  assert.deepEqual(read(["a"]), ["a"]);
  assert.deepEqual(read(["B", "a"]), ["B", "a"]);
  for (const list of [[], ["a", "b", "c"], ["b", "a"], ["a", "a"], ["a", ""], [1], [BYTES], [["a"]]]) {
    refuses(() => read(list as CborValue));
  }
  for (const value of [NUMBER, "a", true, BYTES, new Map([["0", "a"]])]) refuses(() => read(value));
  assert.deepEqual(one([]).tags("it", { most: 2 }), []);
  assert.equal(one(["a", "b"]).tags("it", {}).length, 2);
});

test("Fields.choice() takes the words that it is told", () => {
  assert.equal(one("b").choice("it", ["a", "b"]), "b");
  for (const value of ["c", "", "A", NUMBER, true, LIST, MAP])
    refuses(() => one(value).choice("it", ["a", "b"]));
});

test("Fields.flag() is true or absent", () => {
  assert.equal(one(true).flag("it"), true);
  assert.equal(one(true).flag("other"), false);
  for (const value of [false, NUMBER, TEXT, BYTES, LIST, MAP]) refuses(() => one(value).flag("it"));
});

test("Fields.map() takes a map", () => {
  assert.equal(one(MAP).map("it").integer("a"), 1);
  for (const value of [NUMBER, TEXT, true, BYTES, LIST]) refuses(() => one(value).map("it"));
});

test("Fields refuses what is missing, in every method but flag()", () => {
  const none = new Fields(new Map());
  const missing = (read: () => unknown) => assert.throws(read, { ...MALFORMED, message: /it is missing$/ });
  missing(() => none.integer("it"));
  missing(() => none.bytes("it", 1));
  missing(() => none.text("it", 1));
  missing(() => none.name("it"));
  missing(() => none.tags("it", {}));
  missing(() => none.choice("it", ["a"]));
  missing(() => none.map("it"));
  assert.equal(none.has("it"), false);
});

test("Fields.end() refuses a field that nobody asked for", () => {
  const fields = new Fields(
    new Map<string, CborValue>([
      ["a", 1],
      ["b", true],
    ]),
  );
  refuses(() => fields.end());
  fields.integer("a");
  assert.equal(fields.has("b"), true);
  refuses(() => fields.end());
  fields.flag("b");
  fields.end();
});

test("Fields names the field in its errors, never its value", () => {
  const fields = new Fields(new Map<string, CborValue>([["command", "hunter2 now"]]));
  assert.throws(
    () => fields.name("command"),
    (error) =>
      error instanceof CbError && error.message.includes("command") && !error.message.includes("hunter2"),
  );
});

test("fieldMap() leaves out what is undefined, and nothing else", () => {
  assert.deepEqual(
    fieldMap({ a: undefined, b: false, c: 0, d: "" }),
    new Map<string, CborValue>([
      ["b", false],
      ["c", 0],
      ["d", ""],
    ]),
  );
});

function one(value: CborValue): Fields {
  return new Fields(new Map([["it", value]]));
}

function refuses(read: () => unknown): void {
  assert.throws(read, MALFORMED);
}

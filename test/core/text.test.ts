import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { abridged, bytesText, harmlessJson, printable } from "../../src/core/text.ts";

test("abridged() shows 80 characters, or 79 and that there are more", () => {
  assert.equal(abridged("a".repeat(80)), "a".repeat(80));
  assert.equal(abridged("a".repeat(81)), `${"a".repeat(79)}…`);
  assert.equal(abridged("\u{1f600}".repeat(81)), `${"\u{1f600}".repeat(79)}…`);
});

test("abridged() makes text harmless, too", () => {
  assert.equal(abridged("a\u001b[2J"), "a^[[2J");
});

test("bytesText() has three digits at most and the unit that fits", () => {
  const texts = [0, 1, 999, 1000, 9949, 9950, 999_499, 999_500, 12_345_678, 5e12].map(bytesText);
  const wanted = ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB", "12 MB"];
  assert.deepEqual(texts, [...wanted, "5.0 TB"]);
});

test("harmlessJson() is JSON of the same value, without a character that printable() would show", () => {
  const text = fc.string({ unit: "binary", maxLength: 20 });
  const value = fc.record({ text, list: fc.array(text, { maxLength: 3 }), number: fc.integer() });
  fc.assert(
    fc.property(value, (object) => {
      const json = harmlessJson(object);
      assert.equal(json, printable(json));
      assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(object)));
    }),
  );
  assert.equal(harmlessJson({ a: "\u009b\u{e0001}ü" }), '{"a":"\\u009b\\udb40\\udc01ü"}');
});

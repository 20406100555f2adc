import assert from "node:assert/strict";
import { test } from "node:test";
import { abridged, bytesText } from "../../src/core/text.ts";

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

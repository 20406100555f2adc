import assert from "node:assert/strict";
import { test } from "node:test";
import { abridged } from "../../src/core/text.ts";

test("abridged() shows 80 characters, or 79 and that there are more", () => {
  assert.equal(abridged("a".repeat(80)), "a".repeat(80));
  assert.equal(abridged("a".repeat(81)), `${"a".repeat(79)}…`);
  assert.equal(abridged("\u{1f600}".repeat(81)), `${"\u{1f600}".repeat(79)}…`);
});

test("abridged() makes text harmless, too", () => {
  assert.equal(abridged("a\u001b[2J"), "a^[[2J");
});

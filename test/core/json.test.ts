import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MAX_NESTING, parseJson } from "../../src/core/json.ts";

test("parseJson() gives what JSON.parse() gives, and undefined for what is no JSON", () => {
  const isSame = (text: string) => assert.deepEqual(parseJson(text), JSON.parse(text));
  fc.assert(fc.property(fc.json(), isSame));
  // Long enough to be looked through.
  fc.assert(fc.property(fc.json(), (text) => isSame(`["${"x".repeat(MAX_NESTING)}",${text}]`)));
  for (const text of ["", "{", "[1,]", "undefined", `"${"x".repeat(1000)}`]) {
    assert.equal(parseJson(text), undefined);
  }
});

test("parseJson() refuses what is nested deeper than its limit, and counts no brackets of texts", () => {
  const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  assert.deepEqual(parseJson(nested(MAX_NESTING)), JSON.parse(nested(MAX_NESTING)));
  assert.equal(parseJson(nested(MAX_NESTING + 1)), undefined);
  const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
  assert.notEqual(parseJson(objects(MAX_NESTING)), undefined);
  assert.equal(parseJson(objects(MAX_NESTING + 1)), undefined);
  for (const texts of [["[".repeat(1000)], [`\\"${"{[".repeat(1000)}`, "\\"], Array(2000).fill([])]) {
    assert.deepEqual(parseJson(JSON.stringify(texts)), texts);
  }
  // What comes after a text is counted again.
  assert.equal(parseJson(`["\\\\",${nested(MAX_NESTING)}]`), undefined);
});

test("parseJson() needs no memory for eight million brackets", () => {
  const text = "[".repeat(8_000_000);
  const before = process.memoryUsage.rss();
  assert.equal(parseJson(text), undefined);
  assert.ok(process.memoryUsage.rss() - before < 100_000_000);
});

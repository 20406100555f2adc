import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGrace, parseLimit, parseMinimumWait, parseWait } from "../../src/core/duration.ts";

const PARSERS = { parseWait, parseMinimumWait, parseLimit, parseGrace };

for (const [name, parse] of Object.entries(PARSERS)) {
  test(`${name}() gives milliseconds of decimal seconds`, () => {
    assert.equal(parse("120"), 120_000);
    assert.equal(parse("0.5"), 500);
    assert.equal(parse("0.001"), 1);
    assert.equal(parse("8.29"), 8290);
    assert.equal(parse("999999.999"), 999_999_999);
  });

  test(`${name}() refuses everything else`, () => {
    const wrong = [
      "",
      " 1",
      "1 ",
      "-1",
      "+1",
      "1e3",
      "0x10",
      "1s",
      "1,5",
      ".5",
      "1.",
      "0.0001",
      "1000000",
      "Infinity",
      "١",
    ];
    for (const text of wrong)
      assert.throws(() => parse(text), { name: "SyntaxError", message: /^expected / }, text);
  });

  test(`${name}() stays below what a timer can hold`, () => {
    assert.ok(parse("999999.999") < 2 ** 31);
  });
}

test("parseWait() reads 0 as no limit", () => {
  assert.equal(parseWait("0"), Infinity);
  assert.equal(parseWait("0.000"), Infinity);
});

test("parseMinimumWait() reads 0 as one second", () => {
  assert.equal(parseMinimumWait("0"), 1000);
});

test("parseLimit() refuses 0 and what is less than a millisecond, and says what is the least", () => {
  for (const text of ["0", "0.0", "0.0001"])
    assert.throws(() => parseLimit(text), { name: "SyntaxError", message: /, at least 0\.001$/ }, text);
});

test("parseGrace() reads 0 as none", () => {
  assert.equal(parseGrace("0"), 0);
});

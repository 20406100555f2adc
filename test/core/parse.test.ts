import assert from "node:assert/strict";
import { test } from "node:test";
import {
  choicesOf,
  parseChoice,
  parseCount,
  parseInteger,
  parsePath,
  parseSwitch,
} from "../../src/core/parse.ts";

test("parseSwitch() reads true, false, 1 and 0, nothing else", () => {
  assert.deepEqual(["true", "1", "false", "0"].map(parseSwitch), [true, true, false, false]);
  for (const text of ["", "yes", "TRUE", "on", " true"]) assert.throws(() => parseSwitch(text), SyntaxError);
});

test("parseCount() adds up, and false starts anew", () => {
  assert.equal(parseCount([]), 0);
  assert.equal(parseCount(["true", "true", "true"]), 3);
  assert.equal(parseCount(["2"]), 2);
  assert.equal(parseCount(["true", "true", "false", "true"]), 1);
  for (const text of ["", "-1", "10", "1.5", "yes"]) assert.throws(() => parseCount([text]), SyntaxError);
});

test("parseInteger() includes both limits and nothing beyond", () => {
  const parse = parseInteger(1, 1024);
  assert.deepEqual([parse("1"), parse("1024"), parse("007")], [1, 1024, 7]);
  for (const text of ["0", "1025", "", "-1", "1.0", "1e1", "0x1", " 1"]) {
    assert.throws(() => parse(text), { message: "expected a whole number from 1 to 1024" });
  }
});

test("parseChoice() takes the words alone and names them", () => {
  const parse = parseChoice("auto", "text", "json");
  assert.equal(parse("json"), "json");
  assert.throws(() => parse("JSON"), { name: "SyntaxError", message: "expected auto, text or json" });
  assert.throws(() => parse("jsno"), { message: 'expected auto, text or json, did you mean "json"?' });
});

test("choicesOf() knows the words of a choice, and none of other parsers", () => {
  assert.deepEqual(choicesOf(parseChoice("auto", "text")), ["auto", "text"]);
  assert.deepEqual(choicesOf(parseSwitch), []);
});

test("parsePath() refuses an empty path and one with NUL", () => {
  assert.equal(parsePath("./a b"), "./a b");
  for (const text of ["", "a\0b"]) assert.throws(() => parsePath(text), SyntaxError);
});

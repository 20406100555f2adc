import assert from "node:assert/strict";
import { test } from "node:test";
import { parameterEnvironment } from "../../src/exec/parameter-environment.ts";
import type { ParameterValue } from "../../src/exec/parameters.ts";

function textOf(value: ParameterValue): string | undefined {
  return parameterEnvironment(new Map([["X", value]]))["CB_PARAM_X"];
}

test("parameterEnvironment() gives each value under both names, and nothing for no values [F10]", () => {
  const values = new Map<string, ParameterValue>([
    ["TARGET", ["a"]],
    ["PORT", 5],
  ]);
  assert.deepEqual(parameterEnvironment(values), {
    EXECUTOR_CONFIG_TARGET: '["a"]',
    CB_PARAM_TARGET: '["a"]',
    EXECUTOR_CONFIG_PORT: "5",
    CB_PARAM_PORT: "5",
  });
  assert.deepEqual(parameterEnvironment(new Map()), {});
});

test("parameterEnvironment() leaves texts as they are", () => {
  for (const text of ["", " a\n", "é😀", "True", "$(x) `y` 'z'"]) assert.equal(textOf(text), text);
});

test("parameterEnvironment() writes booleans as Python does", () => {
  assert.deepEqual([textOf(true), textOf(false)], ["True", "False"]);
});

test("parameterEnvironment() writes numbers as Python does", () => {
  const expected: readonly (readonly [number, string])[] = [
    [5, "5"],
    [-5, "-5"],
    [-0, "0"],
    [1.5, "1.5"],
    [5.9, "5.9"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [1.5e-5, "1.5e-05"],
    [-1e-7, "-1e-07"],
    [9007199254740991, "9007199254740991"],
    [1e15, "1000000000000000"],
    [1e16, "1e+16"],
    [1e22, "1e+22"],
    [-2.5e100, "-2.5e+100"],
    [123456789012345680, "1.2345678901234568e+17"],
  ];
  for (const [number, text] of expected) assert.equal(textOf(number), text);
});

test("parameterEnvironment() writes lists as Python's json.dumps does", () => {
  assert.equal(textOf([]), "[]");
  assert.equal(textOf(["a", "b"]), '["a", "b"]');
  assert.equal(textOf([true, false, 1, -0, 1e16, ""]), '[true, false, 1, 0, 1e+16, ""]');
  const odd = 'a\u007f\0é😀"\\/\n\b\u001f\u2028';
  const escaped = String.raw`["a\u007f\u0000\u00e9\ud83d\ude00\"\\/\n\b\u001f\u2028"]`;
  assert.equal(textOf([odd]), escaped);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { findChecks } from "../../build/find-checks.ts";

/** The conditions that would be taken out of the body of a function, each with its line. */
function conditionsOf(body: string): readonly string[] {
  const text = `function f() {\n${body}\n}`;
  return findChecks("f.ts", text).map(({ line, start, end }) => `${line}: ${text.slice(start, end)}`);
}

test("findChecks() finds an if that returns, throws, continues or breaks", () => {
  assert.deepEqual(conditionsOf("if (a) return 1;\nif (b) throw c;"), ["2: a", "3: b"]);
  assert.deepEqual(conditionsOf("for (;;) {\nif (a) continue;\nif (b) break;\n}"), ["3: a", "4: b"]);
});

test("findChecks() finds what stands on the next line or in a block", () => {
  assert.deepEqual(conditionsOf("if (a)\n  return 1;\nif (b) {\n  note();\n  return 2;\n}"), [
    "2: a",
    "4: b",
  ]);
});

test("findChecks() finds else-if, and checks inside of checks and of functions", () => {
  assert.deepEqual(conditionsOf("if (a) return 1; else if (b) return 2;"), ["2: a", "2: b"]);
  assert.deepEqual(conditionsOf("if (a) { if (b) return 1; return 2; }"), ["2: a", "2: b"]);
  assert.deepEqual(conditionsOf("return list.map((x) => { if (x) return 1; return 2; });"), ["2: x"]);
});

test("findChecks() takes alternatives one by one, and what is joined as a whole", () => {
  assert.deepEqual(conditionsOf("if (a || (b.c && d) ||\n  e) return;"), ["2: a", "2: b.c && d", "3: e"]);
});

test("findChecks() passes over an if that leads nowhere, and text that looks like a check", () => {
  assert.deepEqual(conditionsOf('if (a) b = 1;\nconst text = "if (a) return;"; // if (b) return;'), []);
});

test("findChecks() counts offsets as strings do, behind characters of several bytes", () => {
  assert.deepEqual(conditionsOf('const text = "≥ 😀";\nif (a) return;'), ["3: a"]);
});

test("findChecks() heeds a remark on the line where the check ends", () => {
  const text = "function f() {\n  if (a ||\n    b) return; // mutant: equivalent, c says the same\n}";
  assert.deepEqual(
    findChecks("f.ts", text).map(({ equivalent }) => equivalent),
    [undefined, "c says the same"],
  );
});

test("findChecks() refuses a remark where no check is", () => {
  assert.throws(
    () => findChecks("f.ts", "let a; // mutant: equivalent, nothing here\n"),
    /f\.ts:1: no check/,
  );
});

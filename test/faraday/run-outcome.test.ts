import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndReason, ExecutionEnd } from "../../src/exec/execution.ts";
import {
  lastWordsOf,
  NO_LINES,
  outcomeOf,
  withDamage,
  withQuarantined,
} from "../../src/faraday/run-outcome.ts";

function end(reason: EndReason, rest: Partial<ExecutionEnd> = {}): ExecutionEnd {
  return {
    kind: "end",
    reason,
    status: undefined,
    signal: undefined,
    detail: undefined,
    runTime: 1234,
    bytes: { stdout: 0, stderr: 0 },
    leftOpen: false,
    ...rest,
  };
}

const ENDS: readonly (readonly [ExecutionEnd, boolean, string])[] = [
  [end("exited", { status: 0 }), true, "finished in 1.23 s, 0 results"],
  [end("exited", { status: 3 }), false, "exit status 3, 0 results: no route"],
  [end("signalled", { signal: "SIGSEGV" }), false, "ended by SIGSEGV, 0 results: no route"],
  [end("time-limit", { status: 0 }), false, "ended at its time limit of 5.00 s, 0 results: no route"],
  [end("cancelled"), false, "stopped by the operator, 0 results: no route"],
  [end("stopped"), false, "ended because the dispatcher stops, 0 results: no route"],
  [end("not-started", { detail: "exec format error" }), false, "not started: exec format error"],
];

for (const [how, successful, message] of ENDS) {
  test(`outcomeOf() says how a run ended: ${message}`, () => {
    assert.deepEqual(outcomeOf(how, NO_LINES, 5_000, "no route"), { successful, message });
  });
}

test("outcomeOf() calls no run a success of which a line was lost, and counts the lines", () => {
  const lines = { results: 1, garbage: 2, notObjects: 1, tooLong: 3, invalid: 1 };
  assert.deepEqual(outcomeOf(end("exited", { status: 0 }), lines, undefined, ""), {
    successful: false,
    message:
      "finished in 1.23 s, 1 result, 2 lines of no JSON, 1 line of JSON that is no object, " +
      "3 lines longer than the manifest allows, 1 line of a form that Faraday does not take",
  });
  for (const kind of ["garbage", "notObjects", "tooLong", "invalid"] as const) {
    const one = { ...NO_LINES, [kind]: 1 };
    assert.equal(outcomeOf(end("exited", { status: 0 }), one, undefined, "").successful, false, kind);
  }
});

test("withQuarantined() calls no run a success of which a post was refused", () => {
  const good = { successful: true, message: "finished" };
  assert.deepEqual(withQuarantined(good, 0), good);
  const message = "finished, 2 posts refused by the server and set aside";
  assert.deepEqual(withQuarantined(good, 2), { successful: false, message });
});

test("lastWordsOf() is the last line with something in it, harmless and short", () => {
  assert.equal(lastWordsOf(""), "");
  assert.equal(lastWordsOf("one\ntwo\n\n \n"), "two");
  assert.equal(lastWordsOf("a\u001b[31mb"), "a^[[31mb");
  const long = lastWordsOf(`${"x".repeat(500)}end`);
  assert.equal(long.length, 200);
  assert.match(long, /^…x+end$/);
});

test("withDamage() calls no run a success whose journal was damaged", () => {
  const good = { successful: true, message: "finished" };
  assert.deepEqual(withDamage(good, undefined), good);
  const message = "finished, results may be missing: its journal was damaged";
  assert.deepEqual(withDamage(good, "/x"), { successful: false, message });
});

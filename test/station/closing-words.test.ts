import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandName } from "../../src/core/names.ts";
import { closingWords } from "../../src/station/closing-words.ts";
import type { Finding } from "../../src/station/finding.ts";
import type { Outcome } from "../../src/station/outcome.ts";
import { widthOf } from "../../src/station/text-width.ts";
import { id } from "./scene.ts";

type Said = Parameters<typeof closingWords>[3];

const PLAIN: Said = {
  verbosity: "normal",
  plan: undefined,
  columns: () => 60,
  output: "live",
  stdout: { isTerminal: false },
  stderr: { isTerminal: false },
};
const TERMINAL: Said = { ...PLAIN, stderr: { isTerminal: true } };

function failed(name: string, words: string): Finding {
  return {
    agents: [id(name)],
    sentence: `${name}: exit status 1 after 0.10 s`,
    ofSeveral: ": exit status 1",
    words,
  };
}

function remark(sentence: string): Finding {
  return { agents: [], sentence };
}

/** The lines that end a session with these problems and remarks. */
function closing(problems: readonly Finding[], remarks: readonly Finding[], how: Said): readonly string[] {
  const outcome: Outcome = {
    status: 4,
    problems: [],
    remarks: [],
    absences: [],
    findings: { problems, remarks },
    successes: ["web9: exit status 0 after 0.10 s"],
    agents: [],
    faults: [],
    summary: "the summary",
  };
  return closingWords(outcome, ["a loss"], ["not remembered"], how).trimEnd().split("\n");
}

const LONG = `E: ${"word ".repeat(60)}end`;
const many = (count: number) => Array.from({ length: count }, (_, at) => failed(`web${at + 1}`, `why ${at}`));

test("closingWords() has what went wrong at its very end, hints behind it, then the summary", () => {
  const remarks = [remark("a remark"), remark("hint: do that")];
  assert.deepEqual(closing([failed("web1", "why")], remarks, PLAIN), [
    "cb: not remembered",
    "cb: a remark",
    "cb: web1: exit status 1 after 0.10 s: why",
    "cb: a loss",
    "cb: hint: do that",
    "the summary",
  ]);
  const errors = closing([failed("web1", "why")], remarks, { ...PLAIN, verbosity: "errors" });
  assert.deepEqual(errors, ["cb: web1: exit status 1 after 0.10 s: why", "cb: a loss"]);
  const [first] = closing([], [], { ...PLAIN, verbosity: "verbose" });
  assert.equal(first, "cb: web9: exit status 0 after 0.10 s");
});

test("closingWords() leaves out who is missing where a terminal has it already, unless it is a failure", () => {
  const absence: Finding = { agents: [id("web8")], sentence: "web8 is missing", isAbsence: true };
  const says = (how: Said, problems: readonly Finding[] = [], remarks = [absence]) =>
    closing(problems, remarks, how).includes("cb: web8 is missing");
  const named = { ...TERMINAL, hasNamedMissing: true };
  assert.equal(says(named), false);
  assert.ok(says(named, [absence], []), "it is a part of the exit status");
  assert.ok(says(TERMINAL), "nothing else has said it");
  assert.ok(says({ ...PLAIN, hasNamedMissing: true }), "standard error goes elsewhere");
});

test("closingWords() says of a plan that nothing ran", () => {
  const plan = { command: "reload" as CommandName, rollout: undefined };
  const whole = 'no agent would be asked to run "reload"; nothing ran';
  const last = (how: Said) => closing([], [], { ...how, plan }).at(-1);
  assert.equal(last(PLAIN), whole);
  const terminal = { ...TERMINAL, stdout: { isTerminal: true } };
  assert.equal(last(terminal), "nothing ran");
  // Who they are is nowhere else then.
  for (const other of [TERMINAL, { ...terminal, stderr: PLAIN.stderr }, { ...terminal, output: "ndjson" }])
    assert.equal(last(other as Said), whole);
});

test("closingWords() leaves nothing out where there is no terminal", () => {
  const lines = closing([failed("db1", LONG), ...many(500)], [], PLAIN);
  assert.equal(lines.length, 504);
  assert.ok(lines.includes(`cb: db1: exit status 1 after 0.10 s: ${LONG}`));
});

test("closingWords() shows a terminal so many sentences, those of the most agents, and names the others", () => {
  const crowd: Finding = { ...failed("db1", "same"), agents: [id("db1"), id("db2")] };
  const fault = remark("1 item in the reply list, not from any agent of this network");
  const lines = closing([...many(30), crowd, fault], [], TERMINAL);
  assert.equal(lines.length, 1 + 12 + 1 + 1 + 1);
  assert.ok(lines.includes("cb: db[1-2] (2 agents): exit status 1: same"));
  assert.ok(lines.includes(`cb: ${fault.sentence}`));
  assert.deepEqual(lines.slice(-3), ["cb: … and 20 more, about web[11-30]", "cb: a loss", "the summary"]);
});

test("closingWords() cuts last words and names to a few lines of a terminal", () => {
  const agents = Array.from({ length: 300 }, (_, at) =>
    id(`host-${String.fromCharCode(97 + (at % 26))}-${at}-x`),
  );
  const lines = closing([failed("db1", LONG), { ...failed("a", "same"), agents }], [], TERMINAL);
  const [, one = "", crowd = ""] = lines;
  assert.ok(widthOf(one) <= 120 && one.endsWith("…"), one);
  assert.ok(widthOf(crowd) <= 260, crowd);
  assert.match(crowd, /, … and \d+ more \(300 agents\): exit status 1: same$/);
});

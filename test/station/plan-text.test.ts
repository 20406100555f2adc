import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandName } from "../../src/core/names.ts";
import { planSummary, planText } from "../../src/station/plan-text.ts";
import type { Verdict } from "../../src/station/verdict.ts";
import { hello, id, NOW } from "./scene.ts";

const RELOAD = "reload" as CommandName;

function answer(identity: string, is: "present" | "not-targeted") {
  const times = { roundTrip: 1, heardAt: NOW, startedAfter: undefined, endedAfter: undefined };
  const record = { ...times, exit: undefined, isGone: false, isSilenced: false, lastSign: 0 };
  return { ...record, hello: hello(identity, { disposition: { is } }) };
}

test("planText() folds who would run it, and names who did not answer", () => {
  const agents = [answer("web1", "present"), answer("web2", "present"), answer("db1", "not-targeted")];
  const missing = [
    { identity: id("web3"), lastSeen: NOW - 120_000, isNamed: false },
    { identity: id("web9"), lastSeen: undefined, isNamed: true },
  ];
  assert.equal(
    planText(RELOAD, agents, missing, NOW),
    `2 agents would run "reload": web[1-2]
no answer from web3 (last seen 2 minutes ago)
no answer from web9 (not known here)
others that fit would get it too, if they listen by then
`,
  );
});

test("planText() says that nobody would run it", () => {
  assert.match(planText(RELOAD, [], [], NOW), /^no agent would run "reload"\nothers/);
});

test("planSummary() counts those that would run it, and says that nothing ran", () => {
  const verdict = (name: string, word: Verdict) => ({ identity: id(name), verdict: word, status: 0 });
  const agents = [verdict("web1", "ok"), verdict("db1", "not targeted"), verdict("web2", "refused")];
  assert.equal(planSummary(RELOAD, agents), '1 agent would run "reload"; nothing ran');
  assert.equal(planSummary(RELOAD, []), 'no agent would run "reload"; nothing ran');
});

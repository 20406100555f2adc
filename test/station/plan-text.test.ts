import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandName } from "../../src/core/names.ts";
import type { AgentPublicKey } from "../../src/protocol/keys.ts";
import { type Plan, planSummary, planText } from "../../src/station/plan-text.ts";
import type { RolloutPlan } from "../../src/station/rollout-plan.ts";
import type { Verdict } from "../../src/station/verdict.ts";
import { hello, id, NOW } from "./scene.ts";

const RELOAD: Plan = { command: "reload" as CommandName, rollout: undefined };
const NOBODY = new Map();

function answer(identity: string, is: "present" | "not-targeted") {
  const times = { roundTrip: 1, heardAt: NOW, startedAfter: undefined, endedAfter: undefined };
  const record = { ...times, exit: undefined, isGone: false, isSilenced: false, lastSign: 0 };
  return { ...record, hello: hello(identity, { disposition: { is } }) };
}

test("planText() folds who would be asked to run it, and names who did not answer", () => {
  const agents = [answer("web1", "present"), answer("web2", "present"), answer("db1", "not-targeted")];
  const missing = [
    { identity: id("web3"), lastSeen: NOW - 120_000, isNamed: false },
    { identity: id("web9"), lastSeen: undefined, isNamed: true },
  ];
  assert.equal(
    planText(RELOAD, agents, NOBODY, missing, NOW, true),
    `2 agents would be asked to run "reload": web[1-2]
no answer from web3 (last seen 2 minutes ago)
no answer from web9 (not known here)
others that fit would be asked too, if they listen by then
`,
  );
});

test("planText() says that nobody would be asked", () => {
  const plan = { ...RELOAD, rollout: rollout({ parallel: { count: 4 } }) };
  assert.match(planText(plan, [], NOBODY, [], NOW, true), /^no agent would be asked to run "reload"\nothers/);
});

function rollout(changes: Partial<RolloutPlan>): RolloutPlan {
  return { parallel: undefined, canary: 0, maxFailures: undefined, pause: 0, replyWait: 120_000, ...changes };
}

test("planText() says in one line who goes first, and how many at a time", () => {
  const agents = ["web10", "web2", "web1", "db1"].map((name) => answer(name, "present"));
  // The key of db1 is not known, and web10 comes behind web2.
  const pins = new Map(
    ["web1", "web2", "web10"].map((name) => [id(name), new Uint8Array() as AgentPublicKey]),
  );
  const order = (changes: Partial<RolloutPlan>) =>
    planText({ ...RELOAD, rollout: rollout(changes) }, agents, pins, [], NOW, true).split("\n")[1];
  assert.equal(order({ parallel: { count: 3 } }), "3 at a time");
  assert.equal(order({ parallel: { percent: 50 }, canary: 1 }), "first canary web1, then 2 at a time");
  assert.equal(order({ canary: 2 }), "first canaries web[1-2], then all others at once");
  const paused = order({ parallel: { count: 2 }, canary: 1, pause: 30_000 });
  assert.equal(paused, "first canary web1, then 2 at a time, with 30.0 s between batches");
  const tooFew = "but nothing would run: only 3 of the 4 agents that should go first can";
  assert.equal(order({ canary: 4 }), tooFew);
});

test("planSummary() counts those that would be asked, and says that nothing ran", () => {
  const verdict = (name: string, word: Verdict) => ({ identity: id(name), verdict: word, status: 0 });
  const agents = [verdict("web1", "ok"), verdict("db1", "not targeted"), verdict("web2", "refused")];
  assert.equal(planSummary(RELOAD, agents, false), '1 agent would be asked to run "reload"; nothing ran');
  assert.equal(planSummary(RELOAD, [], false), 'no agent would be asked to run "reload"; nothing ran');
  assert.equal(planSummary(RELOAD, agents, true), "nothing ran");
});

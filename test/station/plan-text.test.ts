import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandName } from "../../src/core/names.ts";
import { planText } from "../../src/station/plan-text.ts";
import { hello, id, NOW } from "./scene.ts";

const RELOAD = "reload" as CommandName;

function answer(identity: string, is: "present" | "not-targeted") {
  const times = { roundTrip: 1, heardAt: NOW, startedAfter: undefined, endedAfter: undefined };
  const record = { ...times, exit: undefined, isGone: false, isSilenced: false };
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
    `"reload" would be sent to 2 agents: web[1-2]
no answer from web3 (last seen 2 minutes ago)
no answer from web9 (not known here)
others that fit would get it too, if they listen by then
`,
  );
});

test("planText() says that nobody would run it", () => {
  assert.match(planText(RELOAD, [], [], NOW), /^"reload" would be sent to 0 agents\nothers/);
});

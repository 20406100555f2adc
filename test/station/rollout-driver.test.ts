import assert from "node:assert/strict";
import { test } from "node:test";
import { ENDINGS } from "../../src/protocol/reply.ts";
import { RolloutDriver } from "../../src/station/rollout-driver.ts";
import { exit, id, NOW, runRequest } from "./scene.ts";

test("RolloutDriver.eventOf() tells exits of commands that never began from others, and those that went well", () => {
  const plan = { parallel: { count: 1 }, canary: 0, maxFailures: undefined, pause: 0, replyWait: 10_000 };
  const publish = async () => {};
  const parts = { plan, pins: new Map(), request: runRequest(), publish, now: () => NOW };
  const driver = new RolloutDriver(parts, 0);
  const kinds = ENDINGS.map((ending) => {
    const event = driver.eventOf({ kind: "exit", identity: id("web1"), exit: exit({ ending }) });
    assert.ok(event?.kind === "exit");
    return `${ending}${event.isUnbegun ? " unbegun" : ""}${event.isWell ? " well" : ""}`;
  });
  const unbegun = ["never-started", "never-released", "not-started", "state"];
  const expected = ENDINGS.map((ending) => (unbegun.includes(ending) ? `${ending} unbegun` : ending));
  assert.deepEqual(
    kinds,
    expected.map((ending) => (ending === "exited" ? "exited well" : ending)),
  );
});

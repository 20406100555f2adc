/**
 * Never more than the bound are in flight, whatever an honest hub, time and death do to a fleet; or, where agents are
 * cut off while they run, it is said.
 *
 * `ROLLOUT_FLEETS=100000 npm test -- test/station/rollout-fleets` plays as many; `ROLLOUT_SEED=17` repeats one.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { playRollout } from "./rollout-world.ts";

const FLEETS = Number(process.env["ROLLOUT_FLEETS"] ?? 10_000);
const only = process.env["ROLLOUT_SEED"];

test(`stepRollout() and judgeGo() never let more agents run than the bound (${FLEETS} fleets)`, {
  timeout: 600_000,
}, () => {
  const seeds = only === undefined ? Array.from({ length: FLEETS }, (_, seed) => seed) : [Number(only)];
  let busy = 0;
  let overlapping = 0;
  for (const seed of seeds) {
    const { problems, mostAtOnce, overlaps, plan } = playRollout(seed);
    if (mostAtOnce > 1) busy += 1;
    if (overlaps > 0) overlapping += 1;
    assert.deepEqual(problems, [], `ROLLOUT_SEED=${seed} ${JSON.stringify(plan)}`);
  }
  if (only !== undefined) return;
  // A world in which nothing happens would prove nothing.
  assert.ok(busy > FLEETS / 4, `${busy} of ${FLEETS} fleets had more than one agent at work`);
  assert.ok(
    overlapping >= Math.floor(FLEETS / 500),
    `${overlapping} of ${FLEETS} fleets had one that came back`,
  );
});

/** A rollout among clocks that are wrong, or are set while it is under way: who waits is released, or it is said why not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../hub/hub-fixture.ts";
import { jobFleet, mostAtOnce, notesOf, whoRan } from "../support/job-fleet.ts";
import { assertEnded } from "../support/running-program.ts";
import { ShiftedClock } from "../support/shifted-clock.ts";

const HOUR = 3_600_000;

test("cb station runs a rollout past agents whose clocks are ten minutes off, and says whose", async () => {
  await using fleet = await jobFleet(3);
  const clocks = [
    new ShiftedClock(fleet, { machine: "early", ahead: 600_000 }),
    new ShiftedClock(fleet, { machine: "late", ahead: -600_000 }),
  ] as const;
  await fleet.agent("early", [], clocks[0].surroundings);
  await fleet.agent("late", [], clocks[1].surroundings);
  const { status, stderr } = await fleet.station("run", "job", "--parallel", "1");
  assert.equal(status, 16, stderr);
  assert.match(stderr, /^cb: early refused: its clock is (599|60[01]) s ahead$/m);
  assert.match(stderr, /^cb: late refused: its clock is (599|60[01]) s behind$/m);
  assert.match(stderr, /^5 agents · 3 ok · 2 refused · /m);
  assert.deepEqual(whoRan(fleet), ["web1", "web2", "web3"]);
  assert.equal(mostAtOnce(notesOf(fleet)), 1);
});

for (const [direction, ahead] of [
  ["forward", HOUR],
  ["back", -HOUR],
] as const) {
  test(`cb station goes on with a rollout when its clock is set ${direction} by an hour`, async () => {
    await using fleet = await jobFleet(3);
    const clock = new ShiftedClock(fleet);
    const station = fleet.start(["station", "run", "job", "--parallel", "1"], clock.surroundings);
    await until("web1 runs", () => notesOf(fleet).length > 0);
    clock.set(ahead);
    assertEnded(await station.finished, 0, { stderr: ["3 agents · 3 ok · # s"] });
    assert.deepEqual(whoRan(fleet), ["web1", "web2", "web3"]);
    assert.equal(mostAtOnce(notesOf(fleet)), 1);
  });
}

test("cb agent whose clock is set back by an hour gives its hold up when it is released, and says so", async () => {
  await using fleet = await jobFleet(1);
  const clock = new ShiftedClock(fleet);
  const agent = await fleet.agent("web2", ["--verbose"], clock.surroundings);
  assert.equal((await fleet.station("ping")).status, 0);
  const station = fleet.start(["station", "run", "job", "--parallel", "1", "--pause", "1"]);
  await agent.logged("request", 2);
  await until("web1 runs", () => notesOf(fleet).length > 0);
  clock.set(-HOUR);
  assertEnded(await station.finished, 64, {
    stderr: [
      "cb: web2 gave up waiting to be released: the release was not fresh: future",
      "2 agents · 1 ok · 1 not run · # s",
    ],
  });
  assert.deepEqual(whoRan(fleet), ["web1"]);
});

test("cb agent that runs what was released ends it well though its clock is set by an hour, and keeps its place", async () => {
  await using fleet = await jobFleet(1);
  const clock = new ShiftedClock(fleet);
  await fleet.agent("web0", [], clock.surroundings);
  assert.equal((await fleet.station("ping")).status, 0);
  fleet.file("body", "sleep 1.5\n");
  const station = fleet.start(["station", "run", "job", "--parallel", "1"]);
  await until("web0 runs", () => notesOf(fleet).length > 0);
  clock.set(HOUR);
  assertEnded(await station.finished, 0, { stderr: ["2 agents · 2 ok · # s"] });
  assert.equal(mostAtOnce(notesOf(fleet)), 1);
});

/**
 * A hub that stands still, or goes, while agents are at work: what it keeps back is no silence of theirs. Nobody is
 * counted as lost for it, nobody else begins, and a session still ends where the hub stays dead.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../hub/hub-fixture.ts";
import { Fleet } from "../support/fleet.ts";
import { jobFleet, mostAtOnce, notesOf, whoRan } from "../support/job-fleet.ts";
import { assertEnded, lines } from "../support/running-program.ts";

const SILENT =
  /^cb: no sign of life from the hub for [34]\.\d+ s(?: \(.+\))?: nobody counts as silent until it answers$/m;
const BACK = /^cb: the hub answers again, after \d+\.\d+ s$/m;

async function standStill(fleet: Fleet, milliseconds: number): Promise<void> {
  process.kill(fleet.redis.pid, "SIGSTOP");
  await sleep(milliseconds);
  process.kill(fleet.redis.pid, "SIGCONT");
}

test("cb station keeps the bound of a rollout where Redis stands still for longer than the reply wait", async () => {
  await using fleet = await jobFleet(3);
  fleet.file("body", '[ "$1" != web1 ] || sleep 17\n');
  const station = fleet.start(["station", "run", "job", "--parallel", "1", "--reply-wait", "10"]);
  await until("web1 runs", () => notesOf(fleet).length > 0);
  await sleep(300);
  await standStill(fleet, 14_000);
  const { status, stderr } = await station.finished;
  assert.equal(status, 0, stderr);
  assert.deepEqual(whoRan(fleet), ["web1", "web2", "web3"]);
  assert.equal(mostAtOnce(notesOf(fleet)), 1);
  assert.match(stderr, SILENT);
  assert.match(stderr, BACK);
});

test("cb station does not count the silence of Redis as that of agents that run", async () => {
  await using fleet = await Fleet.start();
  fleet.command("counts", "for i in $(seq 20); do echo line $i; sleep 0.3; done");
  await fleet.agent("web1");
  const station = fleet.start(["station", "run", "counts", "--reply-wait", "2"]);
  await station.says(/line 2$/m);
  await standStill(fleet, 4_000);
  const { status, stdout, stderr } = await station.finished;
  assert.equal(status, 0, stderr);
  assert.equal(lines(stdout).length, 20);
  assert.match(stderr, SILENT);
  assert.match(stderr, BACK);
});

test("cb station ends where Redis goes for good, says so and releases nobody; Ctrl-C ends it sooner", async () => {
  const rollOut = async (end: (fleet: Fleet) => Promise<void>, interrupt: boolean) => {
    await using fleet = await jobFleet(2);
    fleet.file("body", "sleep 60\n");
    const station = fleet.start(["station", "run", "job", "--parallel", "1", "--reply-wait", "10"]);
    await until("web1 runs", () => notesOf(fleet).length > 0);
    await sleep(300);
    const since = performance.now();
    await end(fleet);
    if (interrupt) station.kill("SIGINT");
    const ended = await station.finished;
    if (fleet.redis.pid > 0 && interrupt) process.kill(fleet.redis.pid, "SIGCONT");
    assert.deepEqual(whoRan(fleet), ["web1"]);
    return { ...ended, took: performance.now() - since };
  };
  const [gone, interrupted] = await Promise.all([
    rollOut((fleet) => fleet.redis.stop(), false),
    rollOut(async ({ redis }) => void process.kill(redis.pid, "SIGSTOP"), true),
  ]);
  assert.ok(gone.took > 28_000 && gone.took < 45_000, `${gone.took} ms`);
  assertEnded(
    { ...gone, stderr: gone.stderr.replace(SILENT, "SILENT").replace(/^cb: SILENT\n/m, "") },
    8 + 32 + 64,
    {
      stderr: [
        "SILENT",
        "cb: web1 was released and could not be heard any more, its command may still run",
        "cb: not run on 1 agent, web2: the hub fell silent before its turn",
        "cb: replies may be missing: no such socket file",
        "2 agents · 1 not run · 1 unfinished · # s",
      ],
    },
  );
  assert.equal(interrupted.status, 130, interrupted.stderr);
  assert.ok(interrupted.took < 25_000, `${interrupted.took} ms`);
  assert.match(interrupted.stderr, /^cb: web1 has not confirmed the cancel, its command may still run$/m);
});

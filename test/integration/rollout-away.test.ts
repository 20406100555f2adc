/** Agents that are cut off, or stand still, while a rollout is under way, and are back before it is over. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../hub/hub-fixture.ts";
import { jobFleet, mostAtOnce, notesOf, whoRan } from "../support/job-fleet.ts";
import { assertEnded, lines } from "../support/running-program.ts";
import { WireTap } from "../support/wire-tap.ts";

test("cb station releases an agent that had lost Redis when its turn came, once it is back", async () => {
  await using fleet = await jobFleet(1);
  const path = fleet.path("own.sock");
  const wire = await WireTap.open({ path }, fleet.redisSocket);
  const environment = { REDIS_CONNECTION_STRING: `unix://${path}` };
  const away = await fleet.agent("web2", [], { environment });
  assert.equal((await fleet.station("ping")).status, 0);
  fleet.file("body", "sleep 1\n");
  const station = fleet.start(["station", "run", "job", "--parallel", "1", "--reply-wait", "10"]);
  await until("web1 runs", () => notesOf(fleet).length > 0);
  wire.close();
  await until("web1 has ended", () => notesOf(fleet).some(({ what }) => what === "end"));
  // Beyond the times at which a release is sent again soon; the agent needs some more to try again itself.
  await sleep(6_800);
  const mended = await WireTap.open({ path }, fleet.redisSocket);
  assertEnded(await station.finished, 0, { stderr: ["2 agents · 2 ok · # s"] });
  assert.equal(away.records("hub-connected").length, 2);
  assert.deepEqual(whoRan(fleet), ["web1", "web2"]);
  assert.equal(mostAtOnce(notesOf(fleet)), 1);
  mended.close();
});

test("cb station says that an agent came back which it had given up, and whose place others had", async () => {
  await using fleet = await jobFleet(1);
  const still = await fleet.agent("web0");
  assert.equal((await fleet.station("ping")).status, 0);
  fleet.file("body", "case $1 in web0) sleep 13;; *) sleep 4;; esac\n");
  const station = fleet.start(["station", "run", "job", "--parallel", "1", "--reply-wait", "10"]);
  await until("web0 runs", () => notesOf(fleet).length > 0);
  still.program.kill("SIGSTOP");
  await until("web1 has its place", () => whoRan(fleet).includes("web1"));
  await sleep(300);
  still.program.kill("SIGCONT");
  const { status, stderr } = await station.finished;
  assert.equal(status, 0, stderr);
  const said =
    /^cb: web0 came back after it had said nothing for \d+\.\d s: others had its place, so more than 1 agent may/;
  // When it happens, and at the end.
  assert.deepEqual(
    lines(stderr).map((line) => said.test(line)),
    [true, true, false],
    stderr,
  );
  assert.equal(mostAtOnce(notesOf(fleet)), 2);
});

/**
 * A hub that stands still, or goes, while agents are at work: what it keeps back is no silence of theirs. Nobody is
 * counted as lost for it, nobody else begins, and a session still ends where the hub stays dead.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../hub/hub-fixture.ts";
import { jobFleet, mostAtOnce, notesOf, whoRan } from "../support/job-fleet.ts";

test("cb station keeps its bound where Redis stands still for longer than the reply wait", async () => {
  await using fleet = await jobFleet(3);
  fleet.file("body", '[ "$1" != web1 ] || sleep 17\n');
  const station = fleet.start(["station", "run", "job", "--parallel", "1", "--reply-wait", "10"]);
  await until("web1 runs", () => notesOf(fleet).length > 0);
  await sleep(300);
  process.kill(fleet.redis.pid, "SIGSTOP");
  await sleep(14_000);
  process.kill(fleet.redis.pid, "SIGCONT");
  const ended = await station.finished;
  assert.equal(mostAtOnce(notesOf(fleet)), 1);
  assert.equal(ended.status, 0, ended.stderr);
  assert.deepEqual(whoRan(fleet), ["web1", "web2", "web3"]);
});

/** What other tools do with dead agents in a rollout (they stop at them, pass over them, or say 0), and ours must not. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { until } from "../hub/hub-fixture.ts";
import type { Agent, Fleet } from "../support/fleet.ts";
import { jobFleet, mostAtOnce, notesOf, whoRan } from "../support/job-fleet.ts";
import { assertEnded, type Finished } from "../support/running-program.ts";

const LOST = "cb: web0 was released and said nothing for 10.0 s, its command may still run";

/** A fleet whose first agent is killed while it runs, and the run of a rollout on all of them. */
async function killFirst(fleet: Fleet, web0: Agent, body: string, ...options: string[]): Promise<Finished> {
  assert.equal((await fleet.station("ping")).status, 0);
  fleet.file(
    "body",
    `case $1 in web0) >${fleet.path("begun")}; exec sleep 5;; ${body} *) sleep 0.2;; esac\n`,
  );
  const station = fleet.start(["station", "run", "job", "--reply-wait", "10", ...options]);
  await until("web0 runs", () => existsSync(fleet.path("begun")));
  web0.program.kill("SIGKILL");
  return station.finished;
}

test("dead node in a batch does not end or hold up the batches after it", async () => {
  await using fleet = await jobFleet(5);
  const ended = await killFirst(fleet, await fleet.agent("web0"), "", "--parallel", "2");
  assertEnded(ended, 8, { stderr: [LOST, "6 agents · 5 ok · 1 unfinished · # s"] });
  assert.deepEqual(whoRan(fleet).toSorted(), ["web0", "web1", "web2", "web3", "web4", "web5"]);
  assert.equal(mostAtOnce(notesOf(fleet)), 2);
  // All others went through the other place, long before the dead one's was free.
  const ends = notesOf(fleet).flatMap(({ at, what }) => (what === "end" ? [at] : []));
  const begun = notesOf(fleet).find(({ agent }) => agent === "web0")?.at ?? 0;
  assert.equal(ends.length, 5);
  assert.ok(Math.max(...ends) - begun < 10_000, `${Math.max(...ends) - begun} ms`);
});

test("dead node in a batch of one gives its place to those after it", async () => {
  await using fleet = await jobFleet(2);
  const ended = await killFirst(fleet, await fleet.agent("web0"), "", "--parallel", "1", "--pause", "1");
  assertEnded(ended, 8, { stderr: [LOST, "3 agents · 2 ok · 1 unfinished · # s"] });
  assert.deepEqual(whoRan(fleet), ["web0", "web1", "web2"]);
});

test("failed and dead at once: both bits", async () => {
  await using fleet = await jobFleet(3);
  const ended = await killFirst(fleet, await fleet.agent("web0"), "web2) exit 3;;", "--parallel", "2");
  assertEnded(ended, 4 + 8, {
    stderr: [LOST, "cb: web2: exit status 3 after # s", "4 agents · 2 ok · 1 failed · 1 unfinished · # s"],
  });
});

test("--max-failures budget is kept when agents die", async () => {
  await using fleet = await jobFleet(4);
  const rollout = ["--parallel", "1", "--max-failures", "2"];
  const ended = await killFirst(fleet, await fleet.agent("web0"), "web2) exit 3;;", ...rollout);
  assertEnded(ended, 4 + 8 + 64, {
    stderr: [
      LOST,
      "cb: web2: exit status 3 after # s",
      "cb: not run on 2 agents, web[3-4]: web[0,2] failed",
      "5 agents · 1 ok · 1 failed · 2 not run · 1 unfinished · # s",
    ],
  });
  assert.deepEqual(whoRan(fleet), ["web0", "web1", "web2"]);
});

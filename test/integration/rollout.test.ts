/** A few agents at a time, on the built programs: who ran when, by the agents' own notes, and what the station says. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../hub/hub-fixture.ts";
import { eventProblems } from "../support/event-schema.ts";
import { jobFleet, mostAtOnce, notesOf, whoRan } from "../support/job-fleet.ts";
import { assertEnded, lines, processIsGone } from "../support/running-program.ts";
import { ShiftedClock } from "../support/shifted-clock.ts";

test("cb station --parallel 1 runs on three agents one after the other", async () => {
  await using fleet = await jobFleet(3);
  const { status, stderr } = await fleet.station("run", "job", "--parallel", "1");
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^3 agents · 3 ok · /m);
  assert.deepEqual(whoRan(fleet), ["web1", "web2", "web3"]);
  assert.equal(mostAtOnce(notesOf(fleet)), 1);
});

test("cb station --parallel runs on as many at a time as a share in a hundred is of those that answer", async () => {
  await using fleet = await jobFleet(5);
  const { status, stderr } = await fleet.station("run", "job", "--parallel", "50%");
  assert.equal(status, 0, stderr);
  assert.equal(whoRan(fleet).length, 5);
  assert.equal(mostAtOnce(notesOf(fleet)), 2);
});

test("cb station --canary runs on nobody else where a canary fails, and says on whom it has not run", async () => {
  await using fleet = await jobFleet(4);
  fleet.file("body", '[ "$1" != web2 ] || exit 3\n');
  assertEnded(await fleet.station("run", "job", "--canary", "2"), 4 + 64, {
    stderr: [
      "cb: web2: exit status 3 after # s",
      "cb: not run on 2 agents, web[3-4]: of those that went first web2 failed",
      "4 agents · 1 ok · 1 failed · 2 not run · # s",
    ],
  });
  assert.deepEqual(whoRan(fleet).toSorted(), ["web1", "web2"]);
});

test("cb station --canary runs on all others once the canaries are well", async () => {
  await using fleet = await jobFleet(4);
  const { status, stderr } = await fleet.station("run", "job", "--canary", "1");
  assert.equal(status, 0, stderr);
  const [first, second] = notesOf(fleet);
  assert.deepEqual(
    [first?.agent, first?.what, second?.agent, second?.what],
    ["web1", "begin", "web1", "end"],
  );
  assert.equal(whoRan(fleet).length, 4);
});

test("cb station --max-failures begins on nobody else once so many have failed", async () => {
  await using fleet = await jobFleet(5);
  fleet.file("body", '[ "$1" = web2 ] || exit 1\n');
  const rollout = ["--parallel", "1", "--max-failures", "2"];
  assertEnded(await fleet.station("run", "job", ...rollout), 4 + 64, {
    stderr: [
      "cb: web[1,3] (2 agents): exit status 1",
      "cb: not run on 2 agents, web[4-5]: web[1,3] failed",
      "5 agents · 1 ok · 2 failed · 2 not run · # s",
    ],
  });
  assert.deepEqual(whoRan(fleet), ["web1", "web2", "web3"]);
  const held = await fleet.station("run", "job", ...rollout, "--output", "ndjson");
  const events = lines(held.stdout).map((line) => JSON.parse(line));
  const released = events.filter(({ type }) => type === "release");
  assert.deepEqual(
    released.map(({ agent, batch, batches }) => `${agent} ${batch}/${batches}`),
    ["web1 1/5", "web2 2/5", "web3 3/5"],
  );
  const none = { refused: 0, unfinished: 0, not_targeted: 0, missing: 0 };
  assert.deepEqual(events.at(-1).agents, { ok: 1, failed: 2, not_run: 2, ...none });
  assert.deepEqual(eventProblems()(events), []);
  const ends = events.filter(({ type }) => type === "exit");
  assert.deepEqual(
    ends.map(({ agent, status }) => `${agent} ${status}`),
    ["web1 failed", "web2 ok", "web3 failed", "web4 not_run", "web5 not_run"],
  );
});

test("cb station at Ctrl-C between two batches begins on nobody else, and leaves nothing held", async () => {
  await using fleet = await jobFleet(3);
  const station = fleet.start(["station", "run", "job", "--parallel", "1", "--pause", "60"]);
  await until("the first has run", () => notesOf(fleet).length === 2);
  await sleep(300); // its exit is on its way
  station.kill("SIGINT");
  assertEnded(await station.finished, 130, {
    stderr: [
      "cb: not run on 2 agents, web[2-3]: interrupted before its turn",
      "3 agents · 1 ok · 2 not run · # s",
    ],
  });
  assert.deepEqual(whoRan(fleet), ["web1"]);
});

test("cb station at Ctrl-C ends what runs, and what is held does not begin", async () => {
  await using fleet = await jobFleet(3);
  fleet.file("body", "sleep 60\n");
  const station = fleet.start(["station", "run", "job", "--parallel", "2"]);
  await until("two run", () => notesOf(fleet).length === 2);
  station.kill("SIGINT");
  assertEnded(await station.finished, 130, {
    stderr: [
      "cb: web[1-2] (2 agents): cancelled",
      "cb: not run on 1 agent, web3: interrupted before its turn",
      "3 agents · 2 failed · 1 not run · # s",
    ],
  });
});

test("cb station --timeout counts for each agent from its own start", async () => {
  await using fleet = await jobFleet(3);
  fleet.file("body", "case $1 in web2) sleep 60;; *) sleep 0.7;; esac\n");
  assertEnded(await fleet.station("--timeout", "1.2", "run", "job", "--parallel", "1"), 4, {
    stderr: ["cb: web2: ended at its time limit after # s", "3 agents · 2 ok · 1 failed · # s"],
  });
  assert.deepEqual(whoRan(fleet), ["web1", "web2", "web3"]);
});

test("cb station gives the place of an agent that was killed to the next, after the reply wait and not before", async () => {
  await using fleet = await jobFleet(1);
  const victim = await fleet.agent("web0");
  assert.equal((await fleet.station("ping")).status, 0);
  fleet.file("body", `[ "$1" != web0 ] || { echo $$ >${fleet.path("pid")}; exec sleep 60; }\n`);
  const station = fleet.start(["station", "run", "job", "--parallel", "1", "--reply-wait", "10"]);
  await until("web0 runs", () => existsSync(fleet.path("pid")));
  await sleep(300);
  victim.program.kill("SIGKILL");
  const killed = Date.now();
  assertEnded(await station.finished, 8, {
    stderr: [
      "cb: web0 was released and said nothing for 10.0 s, its command may still run",
      "2 agents · 1 ok · 1 unfinished · # s",
    ],
  });
  const next = notesOf(fleet).find(({ agent }) => agent === "web1");
  assert.ok(next !== undefined && next.at - killed > 4_500, `${next?.at} ${killed}`);
  const pid = Number(readFileSync(fleet.path("pid"), "utf8"));
  process.kill(pid, "SIGKILL");
  await processIsGone(pid);
});

test("cb agent whose clock is past the hour gives its hold up when it is released, and says so", async () => {
  await using fleet = await jobFleet(1);
  const clock = new ShiftedClock(fleet);
  const agent = await fleet.agent("web2", ["--verbose"], clock.surroundings);
  assert.equal((await fleet.station("ping")).status, 0);
  const station = fleet.start(["station", "run", "job", "--parallel", "1", "--pause", "1"]);
  await agent.logged("request", 2);
  await until("web1 runs", () => notesOf(fleet).length > 0); // its hold has begun by then
  clock.set(3_600_000);
  assertEnded(await station.finished, 64, {
    stderr: [
      "cb: web2 gave up waiting to be released: the release was not fresh: expired",
      "2 agents · 1 ok · 1 not run · # s",
    ],
  });
  assert.deepEqual(whoRan(fleet), ["web1"]);
});

test("cb agent that was restarted says that it has lost what it held, and never runs it", async () => {
  await using fleet = await jobFleet(1);
  const before = await fleet.agent("web2", ["--verbose"]);
  assert.equal((await fleet.station("ping")).status, 0);
  const station = fleet.start(["station", "run", "job", "--parallel", "1", "--pause", "4"]);
  await before.logged("request", 2);
  await until("the first has run", () => notesOf(fleet).length === 2);
  before.program.kill("SIGKILL");
  await before.program.finished;
  await fleet.agent("web2");
  assertEnded(await station.finished, 16, {
    stderr: [
      "cb: web2 refused: it was restarted before its turn came, and does not know the command any more",
      "2 agents · 1 ok · 1 refused · # s",
    ],
  });
  assert.deepEqual(whoRan(fleet), ["web1"]);
});

test("cb agent that is stopped while it holds a command says so", async () => {
  await using fleet = await jobFleet(1);
  const agent = await fleet.agent("web2", ["--verbose"]);
  assert.equal((await fleet.station("ping")).status, 0);
  const station = fleet.start(["station", "run", "job", "--parallel", "1", "--pause", "2"]);
  await agent.logged("request", 2);
  await until("the first has run", () => notesOf(fleet).length === 2);
  await agent.stop();
  assertEnded(await station.finished, 64, {
    stderr: [
      "cb: web2 never started the command: the agent is stopping",
      "2 agents · 1 ok · 1 not run · # s",
    ],
  });
});

test("cb station refuses a rollout that cannot be meant before it asks anybody", async () => {
  await using fleet = await jobFleet(1);
  const rows: readonly (readonly [args: readonly string[], said: RegExp])[] = [
    [
      ["--canary", "2"],
      /^cb: error: Cannot let 2 agents go first: there is 1 agent that could be meant and that/,
    ],
    [["--canary", "0"], /^cb: error: Cannot use --canary "0": expected a whole number from 1 to/],
    [
      ["--parallel", "0"],
      /^cb: error: Cannot use --parallel "0": expected a number of agents above 0, such as/,
    ],
    [["--parallel", "101%"], /^cb: error: Cannot use --parallel "101%": expected a number of agents/],
    [
      ["--max-failures", "1"],
      /^cb: error: Cannot use --max-failures: all agents begin at once, expected --par/,
    ],
    [["--pause", "1"], /^cb: error: Cannot use --pause: all agents begin at once, expected --parallel or/],
    [
      ["--parallel", "1", "--reply-wait", "5"],
      /^cb: error: Cannot use --reply-wait 5: expected at least 10.0 s/,
    ],
  ];
  for (const [args, said] of rows) {
    const { status, stdout, stderr } = await fleet.station("run", "job", ...args);
    assert.deepEqual([status, stdout], [1, ""], args.join(" "));
    assert.match(stderr, said);
  }
  assert.deepEqual(whoRan(fleet), []);
});

test("cb station run --retry-failed repeats a run where it failed, was not run or was missing, until all is well", async () => {
  await using fleet = await jobFleet(4);
  const web5 = await fleet.agent("web5");
  assert.equal((await fleet.station("ping")).status, 0);
  await web5.stop();
  fleet.file("body", '[ "$1" != web2 ] || exit 3\n');
  const first = await fleet.station("run", "job", "--parallel", "1", "--max-failures", "1");
  assert.equal(first.status, 4 + 64, first.stderr);
  assert.match(first.stderr, /^5 agents · 1 ok · 1 failed · 2 not run · 1 missing · /m);
  assert.equal(statSync(fleet.path("home/.local/state/cb/last-runs/default/job.json")).mode & 0o777, 0o600);

  await fleet.agent("web5");
  fleet.file("body", "sleep 0.05\n");
  const again = await fleet.station("run", "job", "--parallel", "2", "--retry-failed");
  assert.equal(again.status, 0, again.stderr);
  assert.match(again.stderr, /^4 agents · 4 ok · /m);
  assert.deepEqual(whoRan(fleet).slice(0, 2), ["web1", "web2"]);
  assert.deepEqual(whoRan(fleet).slice(2).toSorted(), ["web2", "web3", "web4", "web5"]);

  const third = await fleet.station("run", "job", "--retry-failed");
  assert.equal(third.status, 0);
  assert.match(
    third.stderr,
    /^cb: nothing to repeat: "job" went well on all 5 agents at (\S+ )?\d\d:\d\d:\d\d and before\n$/,
  );
  assert.equal(whoRan(fleet).length, 6);
});

test("cb station run --retry-failed says why there is nothing that it can repeat", async () => {
  await using fleet = await jobFleet(1);
  const rows: readonly (readonly [args: readonly string[], said: string])[] = [
    [["job"], 'Cannot repeat "job": no run of it on channel "default" is recorded here'],
    [
      ["job", "--to", "web1"],
      "Cannot use --retry-failed: it names the agents itself, expected no --to and no --to-file with it",
    ],
  ];
  const refused = async (args: readonly string[], said: string) => {
    const { stderr, ...ended } = await fleet.station("run", "--retry-failed", ...args);
    const untimed = stderr.replace(/ at (\S+ )?\d\d:\d\d:\d\d$/m, "");
    assertEnded({ ...ended, stderr: untimed }, 1, { stderr: [`cb: error: ${said}`] });
  };
  for (const [args, said] of rows) await refused(args, said);
  assert.equal((await fleet.station("run", "job")).status, 0);
  await refused(
    ["prints-4-mb"],
    'Cannot repeat "prints-4-mb": no run of it on channel "default" is recorded here',
  );
  const path = fleet.path("home/.local/state/cb/last-runs/default/job.json");
  writeFileSync(path, "{}");
  await refused(["job"], `Cannot use "${path}": expected the record of a run, as cb writes it`);
});

/** Agents, stations and Redis that end or stop in the middle of a session: nobody hangs, and everybody is told. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { type Agent, Fleet } from "../support/fleet.ts";
import { startRedis } from "../support/redis-server.ts";
import { assertEnded, lines, processIsGone } from "../support/running-program.ts";
import { ShiftedClock } from "../support/shifted-clock.ts";
import { askRedis } from "../support/wire-tap.ts";

async function publish(socket: string, request: Uint8Array | undefined): Promise<void> {
  assert.ok(request !== undefined);
  assert.equal(await askRedis(socket, ["PUBLISH", "cb:0:{default}:request", request]), ":1");
}

test("cb agent lets a command end at SIGTERM, and delivers its output", async () => {
  await using fleet = await Fleet.start();
  fleet.command("works", "echo begun", "sleep 0.5", "echo done");
  const agent = await fleet.agent("web1");
  const station = fleet.start(["station", "run", "works"]);
  await station.says(/begun/);
  agent.program.kill("SIGTERM");
  assertEnded(await station.finished, 0, {
    stdout: ["web1 │ begun", "web1 │ done"],
    stderr: ["1 agent · 1 ok · # s"],
  });
  assert.equal((await agent.program.finished).status, 0);
});

test("cb agent ends what is still running after the stop grace, and says so", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1", ["--stop-grace", "0.3"]);
  const station = fleet.start(["station", "run", "speaks-then-stays"]);
  const [, pid = ""] = await station.says(/ready (\d+)\n/);
  agent.program.kill("SIGTERM");
  assertEnded(await station.finished, 4, {
    stdout: [`web1 │ ready ${pid}`],
    stderr: ["cb: web1: ended because its agent was stopped after # s", "1 agent · 1 failed · # s"],
  });
  assert.equal((await agent.program.finished).status, 0);
  await processIsGone(pid);
});

test("cb agent that stops starts nothing that waits, and takes nothing new", async () => {
  await using fleet = await Fleet.start();
  const go = fleet.path("go");
  fleet.command("works", "echo begun", `until [ -e ${go} ]; do sleep 0.02; done`);
  const agent = await fleet.agent("web1", ["--verbose", "--stop-wait", "20"]);
  const running = fleet.start(["station", "run", "works"]);
  await running.says(/begun/);
  const waiting = fleet.start(["station", "run", "works"]);
  await agent.logged("request", 2);
  agent.program.kill("SIGTERM");
  await agent.logged("stopping");
  assertEnded(await fleet.station("run", "prints-arguments"), 64, {
    stderr: ["cb: web1 declined: stopping", "1 agent · 1 not run · # s"],
  });
  fleet.file("go", "");
  assertEnded(await waiting.finished, 64, {
    stderr: ["cb: web1 never started the command: the agent is stopping", "1 agent · 1 not run · # s"],
  });
  assert.equal((await running.finished).status, 0);
  assert.equal((await agent.program.finished).status, 0);
});

test("cb agent that cannot deliver its last reply ends within seconds, whatever the grace of commands", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1", ["--stop-grace", "60"]);
  const station = fleet.start(["station", "run", "speaks-then-stays"]);
  const [, pid = ""] = await station.says(/ready (\d+)\n/);
  await fleet.redis.stop();
  await agent.logged("hub-lost");
  process.kill(Number(pid), "SIGTERM");
  await agent.logged("command");
  const asked = Date.now();
  agent.program.kill("SIGTERM");
  assert.equal((await agent.program.finished).status, 0);
  assert.ok(Date.now() - asked < 20_000);
  const lost = await agent.logged("replies-lost");
  assert.match(String(lost["reason"]), /^Cannot deliver replies: /);
  station.kill("SIGKILL"); // it would wait until somebody confirms that the command has ended
});

test("cb station gives up an agent that was killed after the reply wait [S50]", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1");
  const station = fleet.start(["station", "--reply-wait", "0.5", "run", "speaks-then-stays"]);
  const [, pid = ""] = await station.says(/ready (\d+)\n/);
  agent.program.kill("SIGKILL");
  const ended = await station.finished;
  process.kill(Number(pid)); // an agent that is killed can end nothing
  assertEnded(ended, 8, {
    stdout: [`web1 │ ready ${pid}`],
    stderr: [
      "cb: web1 is running and said nothing for 0.50 s, its command may still run",
      "1 agent · 1 unfinished · # s",
    ],
  });
  assert.ok(ended.seconds < 15, `${ended.seconds} s`);
});

test("cb agent that was killed leaves its state directory to the next", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1");
  agent.program.kill("SIGKILL");
  await agent.program.finished;
  await fleet.agent("web1");
  assert.equal((await fleet.station("run", "prints-arguments")).status, 0);
});

test("cb station says that replies may be missing when Redis is killed, and the agent survives it", async () => {
  await using fleet = await Fleet.start();
  fleet.command("works", "echo begun", "sleep 0.5", "echo done");
  const agent = await fleet.agent("web1");
  const station = fleet.start(["station", "--reply-wait", "1", "run", "works"]);
  await station.says(/begun/);
  await fleet.redis.stop();
  const ended = await station.finished;
  const stderr = ended.stderr.replace(/for \d+\.\d\d s \(/, "for # s (");
  assertEnded({ ...ended, stderr }, 8 + 32, {
    stdout: ["web1 │ begun"],
    stderr: [
      "cb: no sign of life from the hub for # s (no such socket file): nobody counts as silent until it answers",
      "cb: web1 is running and could not be heard any more, its command may still run",
      "cb: replies may be missing: no such socket file",
      "1 agent · 1 unfinished · # s",
    ],
  });
  assert.equal((await agent.logged("command"))["ending"], "exited");

  await fleet.startRedis();
  await agent.logged("hub-connected", 2);
  const reasons = agent.records("hub-lost").map(({ reason }) => reason);
  assert.deepEqual(reasons, [...new Set(reasons)], "each said once");
  assert.equal((await fleet.station("run", "prints-arguments")).status, 0);
  await agent.stop();
});

test("cb agent that was killed runs nothing again, and leaves what it ran to itself", async () => {
  await using fleet = await Fleet.start({ tapped: true });
  const note = fleet.path("note");
  fleet.command(
    "works",
    `echo begun >>${note}`,
    'echo "ready $$"',
    `until [ -e ${fleet.path("go")} ]; do sleep 0.02; done`,
    `echo went on >>${note}`,
    "echo nobody listens # SIGPIPE",
    `echo survived >>${note}`,
  );
  const killed = await fleet.agent("web1");
  const station = fleet.start(["station", "--reply-wait", "0.5", "run", "works"]);
  const [, pid = ""] = await station.says(/ready (\d+)\n/);
  const [recorded] = fleet.tap.requests;
  killed.program.kill("SIGKILL");
  await killed.program.finished;

  const agent = await fleet.agent("web1");
  await publish(fleet.redisSocket, recorded);
  assert.equal((await agent.logged("request-ignored"))["reason"], "replayed");
  assert.equal((await station.finished).status, 8);
  process.kill(Number(pid), 0); // it is there
  fleet.file("go", "");
  await processIsGone(pid);
  assert.equal(readFileSync(note, "utf8"), "begun\nwent on\n");
  assert.deepEqual(agent.records("command"), []);
});

test("cb station says of an agent that is stopped that it did not answer, and is missing", async () => {
  await using fleet = await Fleet.start();
  await fleet.agent("web1");
  const stopped = await fleet.agent("web2");
  assert.equal((await fleet.station("ping")).status, 0);
  stopped.program.kill("SIGSTOP");
  for (const [options, expected] of [
    [[], 64],
    [["--fail-missing"], 66],
  ] as const) {
    const { status, stdout, stderr } = await fleet.station("--minimum-wait", "0.6", ...options, "ping");
    assert.equal(status, expected, stderr);
    assert.match(stdout, /^web1 .*\n$/);
    assert.match(stderr, /^cb: 1 of 2 that listen did not answer/m);
    assert.match(stderr, /^cb: web2 is missing, last seen /m);
    assert.match(stderr, /^2 agents · 1 ok · 1 missing · /m);
  }
  stopped.program.kill("SIGCONT");
  assert.equal((await fleet.station("--fail-missing", "ping")).status, 0);
});

/** A fleet of one agent with a command that counts its runs, and may be told to wait without a word. */
class Counting implements AsyncDisposable {
  readonly fleet: Fleet;
  readonly #note: string;

  private constructor(fleet: Fleet) {
    this.fleet = fleet;
    this.#note = fleet.path("runs");
    fleet.command("count", `echo run >>${this.#note}`, "echo counted");
    fleet.command("count-later", "echo ready", this.#wait(), `echo run >>${this.#note}`);
    fleet.command("count-silently", this.#wait(), `echo run >>${this.#note}`);
  }

  static async start(tapped = false): Promise<Counting> {
    return new Counting(await Fleet.start({ tapped }));
  }

  get runs(): number {
    return existsSync(this.#note) ? lines(readFileSync(this.#note, "utf8")).length : 0;
  }

  go(): void {
    this.fleet.file("go", "");
  }

  /** The agent serves, and nothing but this has run since. */
  async assertServes(runsBefore: number): Promise<void> {
    assert.equal(this.runs, runsBefore);
    assertEnded(await this.fleet.station("run", "count"), 0, {
      stdout: ["web1 │ counted"],
      stderr: ["1 agent · 1 ok · # s"],
    });
    assert.equal(this.runs, runsBefore + 1);
  }

  #wait(): string {
    return `until [ -e ${this.fleet.path("go")} ]; do sleep 0.02; done`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet[Symbol.asyncDispose]();
  }
}

const GAVE_UP = {
  stderr: [
    "cb: web1 is running and said nothing for 0.50 s, its command may still run",
    "1 agent · 1 unfinished · # s",
  ],
};

test("cb agent that is stopped in the middle of a command finishes it once, and serves again", async () => {
  await using scene = await Counting.start();
  const agent = await scene.fleet.agent("web1");
  const station = scene.fleet.start(["station", "--reply-wait", "0.5", "run", "count-later"]);
  await station.says(/ready/);
  agent.program.kill("SIGSTOP");
  assertEnded(await station.finished, 8, { ...GAVE_UP, stdout: ["web1 │ ready"] });
  scene.go();
  agent.program.kill("SIGCONT");
  assert.equal((await agent.logged("command"))["ending"], "exited");
  await scene.assertServes(1);
});

test("cb station gives up a command that is silent for the reply wait; it ends by itself, once", async () => {
  await using scene = await Counting.start();
  const agent = await scene.fleet.agent("web1");
  assertEnded(await scene.fleet.station("--reply-wait", "0.5", "run", "count-silently"), 8, GAVE_UP);
  assert.equal(scene.runs, 0);
  scene.go();
  assert.equal((await agent.logged("command"))["ending"], "exited");
  await scene.assertServes(1);
});

async function assertRefusedAsExpired(agent: Agent): Promise<void> {
  const { level, decision, reason, detail } = await agent.logged("request");
  assert.deepEqual([level, decision, reason, detail], ["warn", "refused", "clock", "expired"]);
}

test("cb agent that was stopped until a request had expired refuses it", async () => {
  await using scene = await Counting.start();
  const clock = new ShiftedClock(scene.fleet);
  const agent = await scene.fleet.agent("web1", [], clock.surroundings);
  agent.program.kill("SIGSTOP");
  const unheard = await scene.fleet.station("--hello-wait", "0.3", "run", "count");
  assert.equal(unheard.status, 64, unheard.stderr);
  clock.set(61_000);
  agent.program.kill("SIGCONT");
  await assertRefusedAsExpired(agent);
  clock.set(0);
  await scene.assertServes(0);
});

test("cb agent refuses a request that was held back until it had expired", async () => {
  await using scene = await Counting.start(true);
  const { fleet } = scene;
  // Where nobody but us publishes.
  mkdirSync(fleet.path("elsewhere"));
  const elsewhere = await startRedis({ directory: fleet.path("elsewhere") });
  await using _ = { [Symbol.asyncDispose]: () => elsewhere.stop() };
  const clock = new ShiftedClock(fleet);
  const agent = await fleet.agent("web1", ["--connection-string", elsewhere.url], clock.surroundings);
  for (let times = 0; times < 2; times += 1) {
    assert.equal((await fleet.station("--hello-wait", "0.1", "run", "count")).status, 64);
  }
  const [prompt, late] = fleet.tap.requests;
  await publish(elsewhere.socketPath, prompt);
  assert.equal((await agent.logged("command"))["ending"], "exited");
  clock.set(61_000);
  await publish(elsewhere.socketPath, late);
  await assertRefusedAsExpired(agent);
  assert.equal(scene.runs, 1);
});

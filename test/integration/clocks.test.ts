/**
 * Clocks that are wrong, or are set while something is under way: nothing runs that should not, and the operator
 * learns whose clock it is.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { type Agent, Fleet } from "../support/fleet.ts";
import { assertEnded, type Finished, lines } from "../support/running-program.ts";
import { ShiftedClock } from "../support/shifted-clock.ts";
import { askRedis } from "../support/wire-tap.ts";

const SECOND = 1000;

/** Agents and stations on machines with clocks of their own, and a command that counts how often it has run. */
class Scene implements AsyncDisposable {
  readonly fleet: Fleet;
  readonly agentClock: ShiftedClock;
  readonly stationClock: ShiftedClock;

  private constructor(fleet: Fleet) {
    this.fleet = fleet;
    this.agentClock = new ShiftedClock(fleet, { machine: "agent" });
    this.stationClock = new ShiftedClock(fleet, { machine: "station" });
    const count = `echo run >>${fleet.path("runs")}`;
    fleet.command("count", count);
    fleet.command(
      "waits",
      count,
      "echo begun",
      `until [ -e ${fleet.path("go")} ]; do sleep 0.05; done`,
      "echo done",
    );
  }

  static async start(): Promise<Scene> {
    return new Scene(await Fleet.start({ tapped: true }));
  }

  async agent(): Promise<Agent> {
    return this.fleet.agent("web1", [], this.agentClock.surroundings);
  }

  startStation(...args: readonly string[]) {
    return this.fleet.start(["station", ...args], this.stationClock.surroundings);
  }

  async station(...args: readonly string[]): Promise<Finished> {
    return this.startStation(...args).finished;
  }

  /** How often commands have run. */
  get runs(): number {
    const path = this.fleet.path("runs");
    return existsSync(path) ? lines(readFileSync(path, "utf8")).length : 0;
  }

  /** What has been published last. */
  get recorded(): Uint8Array {
    return this.fleet.tap.requests.at(-1) ?? assert.fail("nothing has been published");
  }

  /** Publishes a request again, and waits until the agent has ignored it. */
  async replay(request: Uint8Array, agent: Agent): Promise<void> {
    const before = agent.records("request-ignored").length;
    await this.publish(request);
    assert.equal((await agent.logged("request-ignored", before + 1))["reason"], "replayed");
  }

  async publish(request: Uint8Array): Promise<void> {
    const receivers = await askRedis(this.fleet.redisSocket, ["PUBLISH", "cb:0:{default}:request", request]);
    assert.equal(receivers, ":1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet[Symbol.asyncDispose]();
  }
}

const OK = { stderr: ["1 agent · 1 ok · # s"] };
const WAITED = { stdout: ["web1 │ begun", "web1 │ done"], ...OK };

/** Asserts that the only agent refused, and that this is all that was said; the way of a message may take a second. */
function assertRefused(ended: Finished, seconds: number, direction: "ahead" | "behind"): void {
  const near = new RegExp(`(?<=its clock is )(${seconds - 1}|${seconds + 1})(?= s)`);
  const sentence = `cb: web1 refused: its clock is ${seconds} s ${direction}`;
  const stderr = ended.stderr.replace(near, String(seconds));
  assertEnded({ ...ended, stderr }, 16, { stderr: [sentence, "1 agent · 1 refused · # s"] });
}

test("cb station says whose clock is ten minutes off, on either side, and nothing is run", async () => {
  await using scene = await Scene.start();
  const { fleet } = scene;
  const cases = [
    { agent: 600, station: 0, direction: "ahead" },
    { agent: -600, station: 0, direction: "behind" },
    { agent: 0, station: 600, direction: "behind" },
    { agent: 0, station: -600, direction: "ahead" },
  ] as const;
  for (const { agent: ofAgent, station: ofStation, direction } of cases) {
    const channel = ["--channel", `agent${ofAgent}-station${ofStation}`];
    const agentClock = new ShiftedClock(fleet, { machine: "agent", ahead: ofAgent * SECOND });
    const stationClock = new ShiftedClock(fleet, { machine: "station", ahead: ofStation * SECOND });
    const agent = await fleet.agent("web1", channel, agentClock.surroundings);
    for (const task of [["run", "count"], ["ping"]]) {
      const ended = await fleet.cb(["station", ...channel, ...task], stationClock.surroundings);
      assertRefused(ended, 600, direction);
    }
    assert.deepEqual(agent.records("command"), []);
    await agent.stop();
  }
  assert.equal(scene.runs, 0);
});

test("cb agent runs nothing again when its clock is set back by an hour while it is idle", async () => {
  await using scene = await Scene.start();
  const agent = await scene.agent();
  assertEnded(await scene.station("run", "count"), 0, OK);
  const { recorded } = scene;
  scene.agentClock.set(-3600 * SECOND);
  await scene.replay(recorded, agent);
  assertRefused(await scene.station("run", "count"), 3600, "behind");
  scene.agentClock.set(0);
  assertEnded(await scene.station("run", "count"), 0, OK);
  assert.equal(scene.runs, 2);

  // An agent whose clock was an hour ahead has forgotten sessions that are fresh again now.
  await agent.stop();
  scene.agentClock.set(3600 * SECOND);
  const again = await scene.agent();
  scene.agentClock.set(0);
  await scene.publish(recorded);
  const { decision, reason, detail } = await again.logged("request");
  assert.deepEqual([decision, reason, detail], ["refused", "clock", "floor"]);
  assertEnded(await scene.station("run", "count"), 0, OK);
  assert.equal(scene.runs, 3);
});

test("cb agent goes on with a command when its clock is set back by an hour, and runs nothing again", async () => {
  await using scene = await Scene.start();
  const agent = await scene.agent();
  const station = scene.startStation("run", "waits");
  await station.says(/begun/);
  const { recorded } = scene;
  scene.agentClock.set(-3600 * SECOND);
  await scene.replay(recorded, agent);
  assertRefused(await scene.station("run", "count"), 3600, "behind");
  scene.fleet.file("go", "");
  assertEnded(await station.finished, 0, WAITED);
  await scene.replay(recorded, agent);
  assert.equal(scene.runs, 1);
  scene.agentClock.set(0);
  assertEnded(await scene.station("run", "count"), 0, OK);
  assert.equal(scene.runs, 2);
});

test("cb station ends a session well in which its clock is set back by an hour", async () => {
  await using scene = await Scene.start();
  const agent = await scene.agent();
  const station = scene.startStation("run", "waits");
  await station.says(/begun/);
  const { recorded } = scene;
  scene.stationClock.set(-3600 * SECOND);
  scene.fleet.file("go", "");
  assertEnded(await station.finished, 0, WAITED);
  await scene.replay(recorded, agent);
  assertRefused(await scene.station("run", "count"), 3600, "ahead");
  assert.equal(scene.runs, 1);
  scene.stationClock.set(0);
  assertEnded(await scene.station("run", "count"), 0, OK);
  assert.equal(scene.runs, 2);
});

test("cb station can still cancel after its clock was set back by an hour", async () => {
  await using scene = await Scene.start();
  await scene.agent();
  const station = scene.startStation("run", "waits");
  await station.says(/begun/);
  scene.stationClock.set(-3600 * SECOND);
  station.kill("SIGINT");
  assertEnded(await station.finished, 130, {
    stdout: ["web1 │ begun"],
    stderr: ["cb: web1: cancelled after # s", "1 agent · 1 failed · # s"],
  });
});

test("cb agent never runs a request that came from the future, however often and whenever it is published", async () => {
  await using scene = await Scene.start();
  const agent = await scene.agent();
  scene.stationClock.set(600 * SECOND);
  assertRefused(await scene.station("run", "count"), 600, "behind");
  const { recorded } = scene;
  const fiveTimes = [1, 2, 3, 4, 5];
  for (const _ of fiveTimes) await scene.replay(recorded, agent);
  scene.agentClock.set(600 * SECOND);
  for (const _ of fiveTimes) await scene.replay(recorded, agent);
  await agent.stop();
  const again = await scene.agent();
  await scene.replay(recorded, again);
  assert.equal(scene.runs, 0);
  // Now that both clocks are in the same future, a new one runs: it was not the clock that kept the old one back.
  assertEnded(await scene.station("run", "count"), 0, OK);
  assert.equal(scene.runs, 1);
});

test("cb agent runs a request of a station that is two seconds ahead when its time has come, once", async () => {
  await using scene = await Scene.start();
  const agent = await scene.agent();
  scene.stationClock.set(2 * SECOND);
  const ended = await scene.station("run", "count");
  assertEnded(ended, 0, OK);
  assert.ok(ended.seconds >= 2, `${ended.seconds} s`);
  await scene.replay(scene.recorded, agent);
  assert.equal(scene.runs, 1);
});

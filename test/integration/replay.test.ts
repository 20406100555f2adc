/** A recorded request that is published again runs nothing, whatever became of the agent meanwhile. */
import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { test } from "node:test";
import { type Agent, Fleet } from "../support/fleet.ts";
import { lines } from "../support/running-program.ts";
import { askRedis } from "../support/wire-tap.ts";

/** A fleet in which an agent has run one command, whose request was recorded. */
class Scene implements AsyncDisposable {
  readonly fleet: Fleet;
  readonly request: Uint8Array;
  agent: Agent;

  private constructor(fleet: Fleet, agent: Agent, request: Uint8Array) {
    this.fleet = fleet;
    this.agent = agent;
    this.request = request;
  }

  static async start(): Promise<Scene> {
    const fleet = await Fleet.start({ tapped: true });
    fleet.command("count", `echo run >>${fleet.path("runs")}`);
    const agent = await fleet.agent("web1");
    const { status, stderr } = await fleet.station("run", "count");
    assert.equal(status, 0, stderr);
    const [request, ...more] = fleet.tap.requests;
    assert.ok(request !== undefined && more.length === 0);
    assert.equal(Buffer.from(request.subarray(0, 4)).toString(), "cb1q");
    return new Scene(fleet, agent, request);
  }

  /** How often the command has run. */
  get runs(): number {
    const path = this.fleet.path("runs");
    return existsSync(path) ? lines(readFileSync(path, "utf8")).length : 0;
  }

  async replay(channel = "default"): Promise<void> {
    const receivers = await askRedis(this.fleet.redisSocket, [
      "PUBLISH",
      `cb:0:{${channel}}:request`,
      this.request,
    ]);
    assert.equal(receivers, ":1");
  }

  /** Starts the agent again, after `change` was done to its state directory. */
  async restartAgent(change: (state: string) => void = () => {}): Promise<void> {
    await this.agent.stop();
    change(this.agent.state);
    this.agent = await this.fleet.agent("web1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet[Symbol.asyncDispose]();
  }
}

test("cb agent runs a request once, however often it is published [S20]", async () => {
  await using scene = await Scene.start();
  await scene.replay();
  assert.equal((await scene.agent.logged("request-ignored"))["reason"], "replayed");
  for (let times = 0; times < 50; times += 1) await scene.replay();
  // Its answer says that the agent has taken all that was published before.
  assert.equal((await scene.fleet.station("ping")).status, 0);
  assert.equal(scene.runs, 1);
  assert.equal(scene.agent.records("request-ignored").length, 10, "logged at a limited rate");
});

test("cb agent knows a request after a restart", async () => {
  await using scene = await Scene.start();
  await scene.restartAgent();
  await scene.replay();
  assert.equal((await scene.agent.logged("request-ignored"))["reason"], "replayed");
  assert.equal((await scene.fleet.station("run", "count")).status, 0);
  assert.equal(scene.runs, 2, "the one that was asked for again");
});

const losses = {
  "its state directory was emptied": (state) => rmSync(state, { recursive: true }),
  "its journal was deleted": (state) => rmSync(`${state}/journal`),
  "its journal was damaged": (state) => appendFileSync(`${state}/journal`, "x\n"),
} as const satisfies Record<string, (state: string) => void>;

for (const [what, change] of Object.entries(losses)) {
  test(`cb agent refuses what was published before ${what}`, async () => {
    await using scene = await Scene.start();
    await scene.restartAgent(change);
    await scene.replay();
    const { decision, reason, detail } = await scene.agent.logged("request");
    assert.deepEqual([decision, reason, detail], ["refused", "clock", "born"]);
    await scene.replay();
    assert.equal((await scene.agent.logged("request-ignored"))["reason"], "replayed");
    assert.equal(scene.runs, 1);
  });
}

test("cb agent sets a damaged journal aside, and says so", async () => {
  await using scene = await Scene.start();
  await scene.restartAgent((state) => appendFileSync(`${state}/journal`, "x\n"));
  const { level, aside } = await scene.agent.logged("journal-damaged");
  assert.equal(level, "warn");
  assert.match(readFileSync(String(aside), "utf8"), /^cb-journal 1 .*\nx\n$/s);
});

test("cb agent ignores a request for another channel or network [S29]", async () => {
  await using scene = await Scene.start();
  const { fleet } = scene;
  await scene.agent.stop();
  await fleet.keygen(fleet.path("other"));
  const cases = [
    ["wrong-channel", "lab", []],
    ["unknown-network", "default", ["--network-secret-key", fleet.path("other/network.key")]],
  ] as const;
  for (const [reason, channel, options] of cases) {
    const agent = await fleet.agent("web2", ["--channel", channel, ...options]);
    await scene.replay(channel);
    assert.equal((await agent.logged("request-ignored"))["reason"], reason);
    await agent.stop();
  }
  assert.equal(scene.runs, 1);
});

test("cb agent ignores a request that was altered [S21]", async () => {
  await using scene = await Scene.start();
  const { fleet, request } = scene;
  const [networkKeyId, sessionKey, nonce, box] = [4, 12, 44, 68];
  for (const at of [0, networkKeyId, sessionKey, nonce, box, request.length - 1]) {
    const altered = Uint8Array.from(request);
    altered[at] = (altered[at] ?? 0) ^ 1;
    await askRedis(fleet.redisSocket, ["PUBLISH", "cb:0:{default}:request", altered]);
  }
  await scene.agent.logged("request-ignored", 6);
  const reasons = scene.agent.records("request-ignored").map(({ reason }) => reason);
  assert.deepEqual(reasons, ["not-a-request", "unknown-network", ...Array(4).fill("bad-box")]);
  assert.equal(scene.runs, 1);
});

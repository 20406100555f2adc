/**
 * Redis on its bad days, in the middle of a command on two agents.
 *
 * What must hold: agents come back by themselves, finish what was running, once, and deliver its output; a
 * station says that all is well only with every line there, or else what may be missing, within its waits.
 */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Channel, parseName } from "../../src/core/names.ts";
import { requestChannel } from "../../src/hub/names.ts";
import { until } from "../hub/hub-fixture.ts";
import { type Agent, Fleet, RUNTIMES } from "../support/fleet.ts";
import { processorTime } from "../support/process-stat.ts";
import { RedisAdmin } from "../support/redis-admin.ts";
import { type Finished, lines, type RunningProgram } from "../support/running-program.ts";
import { WireTap } from "../support/wire-tap.ts";

const AGENTS = ["web1", "web2"] as const;
/** What each agent's command prints, a line every 0.1 s. */
const COUNT = 20;
const EXPECTED = [...Array.from({ length: COUNT }, (_, index) => `line ${index + 1}`), "done"];

async function killOthers(admin: RedisAdmin): Promise<void> {
  for (const kind of ["normal", "pubsub"]) await admin.ask("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes");
}

class Scene implements AsyncDisposable {
  readonly fleet: Fleet;
  readonly agents: readonly Agent[];
  /** The run that is disturbed; it has shown a few lines of both agents. */
  readonly run: RunningProgram;

  private constructor(fleet: Fleet, agents: readonly Agent[], run: RunningProgram) {
    this.fleet = fleet;
    this.agents = agents;
    this.run = run;
  }

  static async start(waits: readonly string[] = []): Promise<Scene> {
    const fleet = await Fleet.start();
    const [first, last] = [`for i in $(seq ${COUNT}); do echo line $i; sleep 0.1; done`, "echo done"];
    fleet.command("counts", first, `echo $1 >>${fleet.file("ends", "")}`, last);
    const agents = await Promise.all(AGENTS.map((identity) => fleet.agent(identity)));
    const run = fleet.start(["station", "run", "counts", ...waits]);
    for (const identity of AGENTS) await run.says(new RegExp(`^${identity} │ line 5$`, "m"));
    return new Scene(fleet, agents, run);
  }

  /** Both agents run the command to its end, once, and serve again; nothing stays in Redis for ever. */
  async assertRecovered(): Promise<void> {
    const { fleet } = this;
    await using admin = await RedisAdmin.connect(fleet);
    const ends = () => lines(readFileSync(fleet.path("ends"), "utf8"));
    await until("both commands have ended", () => AGENTS.every((identity) => ends().includes(identity)));
    const listening = ["PUBSUB", "NUMSUB", requestChannel(0, parseName<Channel>("default"))] as const;
    await until("both agents listen", async () => String(await admin.ask(...listening)).endsWith(",2"));
    const ping = await fleet.station("ping");
    assert.deepEqual([ping.status, /^2 agents · 2 ok/m.test(ping.stderr)], [0, true], ping.stderr);
    assert.deepEqual([...ends()].sort(), AGENTS);
    for (const key of (await admin.ask("KEYS", "*")) as readonly Uint8Array[]) {
      const left = await admin.ask("TTL", key);
      assert.ok(typeof left === "number" && left > 0 && left <= 600, `${key} stays for ${left} s`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet[Symbol.asyncDispose]();
  }
}

/** What came from one agent, in the order in which it came. */
function linesOf(identity: string, { stdout }: Finished): readonly string[] {
  const prefix = `${identity} │ `;
  return lines(stdout).flatMap((line) => (line.startsWith(prefix) ? line.slice(prefix.length) : []));
}

function assertComplete(ended: Finished): void {
  assert.equal(ended.status, 0, ended.stderr);
  for (const identity of AGENTS) assert.deepEqual(linesOf(identity, ended), EXPECTED);
}

/** Complete and 0; or a sentence for what is missing, and its bit; never a line twice or out of order. */
function assertTruthful(ended: Finished): void {
  for (const identity of AGENTS) {
    const positions = linesOf(identity, ended).map((line) => EXPECTED.indexOf(line));
    assert.deepEqual(
      positions,
      [...new Set(positions)].sort((one, other) => one - other),
      ended.stdout,
    );
  }
  if (ended.status === 0) {
    assertComplete(ended);
    return;
  }
  const status = Number(ended.status);
  assert.ok((status & (8 | 32)) !== 0 && (status & ~(8 | 32)) === 0, `${status}\n${ended.stderr}`);
  if (status & 32) assert.match(ended.stderr, /^cb: .*(lost|missing|incomplete)/m);
  if (status & 8)
    assert.match(ended.stderr, /^cb: web\S+ .*(?:said nothing for|could not be heard any more)/m);
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`cb goes on when Redis ends by ${signal} and is started again, all it held being lost`, async () => {
    await using scene = await Scene.start();
    process.kill(scene.fleet.redis.pid, signal);
    for (const agent of scene.agents) await agent.logged("hub-lost");
    await scene.fleet.redis.stop();
    await sleep(500);
    await scene.fleet.startRedis();
    const ended = await scene.run.finished;
    assertTruthful(ended);
    // What was printed since is there, whatever was lost with Redis.
    for (const identity of AGENTS) assert.equal(linesOf(identity, ended).at(-1), "done", ended.stderr);
    for (const agent of scene.agents) {
      assert.deepEqual([agent.records("hub-lost").length > 0, agent.records("replies-lost")], [true, []]);
    }
    await scene.assertRecovered();
  });
}

test("cb says what was lost with Redis, where a slow reader had left it there", async () => {
  await using fleet = await Fleet.start();
  fleet.command("prints-much", `yes ${"x".repeat(1_000)} | head -c 40000000`);
  const agent = await fleet.agent("web1");
  const reader = `"$@" | { until [ -e ${fleet.path("go")} ]; do sleep 0.02; done; cat; }; exit $PIPESTATUS`;
  const run = fleet.start(["station", "run", "prints-much"], { wrapper: ["bash", "-c", reader, "bash"] });
  const admin = await RedisAdmin.connect(fleet);
  const script = "local k = redis.call('keys', '*:reply:*') return #k == 1 and redis.call('llen', k[1]) or 0";
  await until("much is in Redis", async () => Number(await admin.ask("EVAL", script, 0)) > 100);
  await fleet.redis.stop();
  await fleet.startRedis();
  fleet.file("go", "");
  const { status, stderr } = await run.finished;
  assert.equal(status, 32, stderr);
  assert.match(stderr, /^cb: (replies lost on the way|output incomplete) from web1/m);
  await agent.logged("command");
});

test("cb ends within half a minute when Redis goes for good, and says what may be missing", async () => {
  await using scene = await Scene.start(["--reply-wait", "2"]);
  const since = performance.now();
  await scene.fleet.redis.stop();
  const ended = await scene.run.finished;
  assert.ok(performance.now() - since < 45_000, `${performance.now() - since} ms`);
  assert.notEqual(ended.status, 0);
  assertTruthful(ended);
  await scene.fleet.startRedis();
  for (const agent of scene.agents) await agent.logged("hub-connected", 2);
  await scene.assertRecovered();
});

test("cb loses nothing when Redis closes every connection, again and again", async () => {
  await using scene = await Scene.start();
  await using admin = await RedisAdmin.connect(scene.fleet);
  for (let times = 0; times < 5; times += 1) {
    await killOthers(admin);
    await sleep(300);
  }
  assertComplete(await scene.run.finished);
  await scene.assertRecovered();
});

test("cb loses nothing when Redis stands still for ten seconds", async () => {
  await using scene = await Scene.start();
  process.kill(scene.fleet.redis.pid, "SIGSTOP");
  await sleep(10_000);
  process.kill(scene.fleet.redis.pid, "SIGCONT");
  assertComplete(await scene.run.finished);
  await scene.assertRecovered();
});

test("cb waits while Redis is out of memory, and loses nothing", async () => {
  await using scene = await Scene.start();
  await using admin = await RedisAdmin.connect(scene.fleet);
  await admin.ask("CONFIG", "SET", "maxmemory", "1");
  for (const agent of scene.agents) {
    assert.match(String((await agent.logged("hub-lost"))["reason"]), /^Redis refuses for now: OOM/);
  }
  const other = await scene.fleet.station("ping");
  assert.equal(other.status, 1);
  assert.match(other.stderr, /^cb: error: Cannot .*: Redis refuses for now: OOM .*\n$/);
  await admin.ask("CONFIG", "SET", "maxmemory", "0");
  assertComplete(await scene.run.finished);
  await scene.assertRecovered();
});

test("cb waits while Redis takes no more clients, and loses nothing", async () => {
  await using scene = await Scene.start();
  await using admin = await RedisAdmin.connect(scene.fleet);
  await admin.ask("CONFIG", "SET", "maxclients", "1");
  await killOthers(admin);
  for (const agent of scene.agents) await agent.logged("hub-lost");
  const other = await scene.fleet.station("ping");
  assert.equal(other.status, 1);
  // Redis hangs up without listening, and its words may be lost with the connection.
  assert.match(
    other.stderr,
    /^cb: error: Cannot connect to .*: (Redis serves as many clients as it may|connection (reset|closed by Redis))\n$/,
  );
  await admin.ask("CONFIG", "SET", "maxclients", "100");
  assertComplete(await scene.run.finished);
  await scene.assertRecovered();
});

test("cb station finds nobody where the number of the database is not the agents'", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1");
  const environment = { CB_CONNECTION_STRING: `unix://${fleet.redisSocket}?db=1` };
  const ended = await fleet.cb(["station", "run", "prints-4-mb", "-H", "0.5", "-M", "0.5"], { environment });
  assert.equal(ended.status, 64);
  assert.match(ended.stderr, /^cb: nobody answered: nobody listens on channel "default"$/m);
  assert.deepEqual(agent.records("request"), []);
});

test("cb says that the host of Redis has no address; a station gives up, an agent does not", async () => {
  await using fleet = await Fleet.start();
  const environment = { CB_CONNECTION_STRING: "redis://redis.invalid" }; // RFC 2606
  const reason = /^(no such host|the name cannot be looked up now)$/;
  const ended = await fleet.cb(["station", "ping"], { environment });
  assert.equal(ended.status, 1);
  const [, said = ""] =
    /^cb: error: Cannot connect to "redis:\/\/redis\.invalid:6379": (.*)\n$/.exec(ended.stderr) ?? [];
  assert.match(said, reason);
  const agent = fleet.startAgent("web1", [], { environment });
  assert.match(String((await agent.logged("hub-lost"))["reason"]), reason);
  await sleep(500); // several attempts
  assert.equal(agent.records("hub-lost").length, 1);
  await agent.stop();
});

/** `redis.test` has an address only while a file is there, as if its name server came and went. */
const nameServer = (file: string) => `
const dns = require("node:dns");
const { existsSync } = require("node:fs");
const { lookup } = dns;
dns.lookup = (name, options, callback) => {
  if (existsSync(${JSON.stringify(file)})) lookup("127.0.0.1", options, callback);
  else callback(Object.assign(new Error("getaddrinfo ENOTFOUND " + name), { code: "ENOTFOUND" }));
};
`;

test("cb loses nothing when its connection is lost and the name of Redis has no address for a while, on any runtime", async () => {
  const goThrough = async (runtime: string) => {
    await using fleet = await Fleet.start({ runtime });
    const [go, named] = [fleet.path("go"), fleet.file("named", "")];
    const tap = await WireTap.open({ host: "127.0.0.1", port: 0 }, fleet.redisSocket);
    using _ = { [Symbol.dispose]: () => tap.close() };
    fleet.command("waits", "echo begun", `until [ -e ${go} ]; do sleep 0.02; done`, "echo done");
    const surroundings = {
      environment: { REDIS_CONNECTION_STRING: `redis://redis.test:${tap.port}` },
      preload: fleet.file("name-server.cjs", nameServer(named)),
    };
    const agent = await fleet.agent("web1", [], surroundings);
    const run = fleet.start(["station", "run", "waits"], surroundings);
    await run.says(/begun/);
    rmSync(named);
    tap.cut();
    await agent.logged("hub-lost");
    fleet.file("go", "");
    await sleep(500); // several attempts
    assert.equal(agent.records("hub-connected").length, 1);
    fleet.file("named", "");
    await agent.logged("hub-connected", 2);
    const ended = await run.finished;
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(ended.stdout, "web1 │ begun\nweb1 │ done\n");
    await agent.stop();
  };
  await Promise.all(RUNTIMES.map(goThrough));
});

test("cb agent without Redis leaves the processor to others", async () => {
  const wait = async (runtime: string) => {
    await using fleet = await Fleet.start({ runtime });
    const agent = await fleet.agent("web1");
    await fleet.redis.stop();
    await agent.logged("hub-lost");
    const { pid } = agent.program;
    const [before, since] = [processorTime(pid), performance.now()];
    await sleep(2_000);
    const share = (processorTime(pid) - before) / ((performance.now() - since) / 1000);
    assert.ok(share < 0.25, `${runtime}: ${Math.round(100 * share)} %`);
    await agent.stop();
  };
  await Promise.all(RUNTIMES.map(wait));
});

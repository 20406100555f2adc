/** Ctrl-C and its like: agents end what they run, what came is shown, and the operator learns what may be left. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../hub/hub-fixture.ts";
import { type Agent, Fleet, RUNTIMES } from "../support/fleet.ts";
import { RedisAdmin } from "../support/redis-admin.ts";
import { startRedis } from "../support/redis-server.ts";
import { assertEnded, processIsGone, type RunningProgram } from "../support/running-program.ts";
import { askRedis } from "../support/wire-tap.ts";

/** A command of two processes, which says who they are. */
const STAYS = ["sleep 60 &", 'echo "processes $$ $!"', "wait"] as const;

async function processesOf(station: RunningProgram, identity: string): Promise<readonly string[]> {
  const [, ...pids] = await station.says(new RegExp(`${identity} │ processes (\\d+) (\\d+)\n`));
  return pids;
}

async function goneAll(pids: readonly string[]): Promise<void> {
  await Promise.all(pids.map(processIsGone));
}

/** The decisions in an agent's log, in order. */
function decisions(agent: Agent): readonly unknown[] {
  return agent.records("request").map(({ decision }) => decision);
}

const STATUSES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

for (const [signal, status] of Object.entries(STATUSES)) {
  test(`cb station ends the commands of all agents at ${signal}, shows what came, and ends with ${status}`, async () => {
    await using fleet = await Fleet.start();
    fleet.command("stays", ...STAYS);
    const agents = await Promise.all([fleet.agent("web1"), fleet.agent("web2")]);
    const station = fleet.start(["station", "run", "stays"]);
    const pids = [...(await processesOf(station, "web1")), ...(await processesOf(station, "web2"))];
    station.kill(signal as keyof typeof STATUSES);
    const ended = await station.finished;
    await goneAll(pids);
    const shown = ended.stdout.trimEnd().split("\n").sort();
    assertEnded({ ...ended, stdout: "" }, status, {
      stderr: ["cb: web[1-2] (2 agents): cancelled", "2 agents · 2 failed · # s"],
    });
    assert.deepEqual(shown, [
      `web1 │ processes ${pids[0]} ${pids[1]}`,
      `web2 │ processes ${pids[2]} ${pids[3]}`,
    ]);
    for (const agent of agents) {
      const { ending, signal: end } = await agent.logged("command");
      assert.deepEqual([ending, end], ["cancelled", "SIGTERM"]);
    }
  });
}

for (const runtime of RUNTIMES) {
  test(`cb station interrupts, and is interrupted twice, on ${runtime}`, async () => {
    await using fleet = await Fleet.start({ runtime });
    await fleet.agent("web1", ["--stop-grace", "1.5"]);
    const once = fleet.start(["station", "run", "speaks-then-stays"]);
    const [, pid = ""] = await once.says(/ready (\d+)\n/);
    once.kill("SIGINT");
    assert.equal((await once.finished).status, 130);
    await processIsGone(pid);

    const twice = fleet.start(["station", "run", "ignores-sigterm"]);
    const [, stubborn = ""] = await twice.says(/ready (\d+)\n/);
    twice.kill("SIGINT");
    await sleep(300);
    twice.kill("SIGINT");
    assertEnded(await twice.finished, 130, {
      stdout: [`web1 │ ready ${stubborn}`],
      stderr: [
        "cb: web1 was still running when cb left: its command was asked to end and may still run",
        "1 agent · 1 unfinished · # s",
      ],
    });
    await processIsGone(stubborn);
  });
}

test("cb station shows what a command says as it is cancelled", async () => {
  await using fleet = await Fleet.start();
  fleet.command(
    "cleans-up",
    "exec 2>/dev/null # sh reports that its sleep was terminated, too",
    "trap 'echo cleaning up; exit 5' TERM",
    "echo ready",
    "while :; do sleep 0.05; done",
  );
  await fleet.agent("web1");
  const station = fleet.start(["station", "run", "cleans-up"]);
  await station.says(/ready/);
  station.kill("SIGINT");
  assertEnded(await station.finished, 130, {
    stdout: ["web1 │ ready", "web1 │ cleaning up"],
    stderr: ["cb: web1: cancelled after # s", "1 agent · 1 failed · # s"],
  });
});

test("cb station waits for a command that ignores SIGTERM, until its agent has ended it with SIGKILL", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1", ["--stop-grace", "0.5"]);
  const station = fleet.start(["station", "run", "ignores-sigterm"]);
  const [, pid = ""] = await station.says(/ready (\d+)\n/);
  station.kill("SIGINT");
  assertEnded(await station.finished, 130, {
    stdout: [`web1 │ ready ${pid}`],
    stderr: ["cb: web1: cancelled after # s", "1 agent · 1 failed · # s"],
  });
  await processIsGone(pid);
  assert.equal((await agent.logged("command"))["signal"], "SIGKILL");
});

test("cb station counts as done what had finished before the interrupt", async () => {
  await using fleet = await Fleet.start();
  fleet.command("stays", `[ "$1" = web1 ] && exit 0`, "echo ready", "exec sleep 60");
  await Promise.all([fleet.agent("web1"), fleet.agent("web2")]);
  const station = fleet.start(["station", "--verbose", "run", "stays"]);
  await station.says(/ready/);
  await sleep(200); // the exit of web1 is on its way
  station.kill("SIGINT");
  assertEnded(await station.finished, 130, {
    stdout: ["web2 │ ready"],
    stderr: [
      "cb: web1: exit status 0 after # s",
      "cb: web2: cancelled after # s",
      "2 agents · 1 ok · 1 failed · # s",
    ],
  });
});

test("cb station cancels what waits in a queue, and leaves what another station runs alone", async () => {
  await using fleet = await Fleet.start();
  const go = fleet.path("go");
  const note = fleet.path("note");
  fleet.command("turns", `echo begun | tee -a ${note}`, `until [ -e ${go} ]; do sleep 0.02; done`);
  const agent = await fleet.agent("web1", ["--verbose"]);
  const running = fleet.start(["station", "run", "turns"]);
  await running.says(/begun/);
  const waiting = fleet.start(["station", "run", "turns"]);
  await agent.logged("request", 2);
  waiting.kill("SIGINT");
  assertEnded(await waiting.finished, 130, {
    stderr: ["cb: web1: cancelled after # s", "1 agent · 1 failed · # s"],
  });
  fleet.file("go", "");
  assert.equal((await running.finished).status, 0);
  await agent.stop();
  assert.deepEqual(
    agent.records("command").map(({ ending }) => ending),
    ["cancelled", "exited"],
  );
});

test("cb station that nobody has answered yet cancels all the same, and an agent that wakes up runs nothing", async () => {
  await using fleet = await Fleet.start();
  const note = fleet.path("note");
  fleet.command("leaves-note", `touch ${note}`);
  const agent = await fleet.agent("web1");
  await using admin = await RedisAdmin.connect(fleet);
  agent.program.kill("SIGSTOP");
  const station = fleet.start(["station", "run", "leaves-note"]);
  await until("the station is there", async () => (await admin.keys("cb:*:station:*")).length > 0);
  await sleep(300);
  station.kill("SIGINT");
  assertEnded(await station.finished, 130, { stderr: ["cb: nobody answered", "0 agents · # s"] });
  // Both messages wait in its socket; it meets them in the order in which they were sent.
  agent.program.kill("SIGCONT");
  assert.equal((await agent.logged("command"))["ending"], "cancelled");
  await agent.stop();
  assert.equal(existsSync(note), false);
});

test("cb agent never starts a run that its cancel has overtaken, nor ends another's with it", async () => {
  await using fleet = await Fleet.start({ tapped: true });
  const note = fleet.path("note");
  fleet.command("notes", `echo "$1" >>${note}`, "echo ready", "sleep 0.5");
  // Where nobody but us publishes.
  mkdirSync(fleet.path("elsewhere"));
  const elsewhere = await startRedis({ directory: fleet.path("elsewhere") });
  await using _ = { [Symbol.asyncDispose]: () => elsewhere.stop() };
  const web2 = await fleet.agent("web2", ["--connection-string", elsewhere.url]);
  await fleet.agent("web1");
  const station = fleet.start(["station", "run", "notes"]);
  await station.says(/ready/);
  station.kill("SIGINT");
  assert.equal((await station.finished).status, 130);

  const [run, cancel, ...more] = fleet.tap.requests;
  assert.ok(run !== undefined && cancel !== undefined && more.length === 0);
  const publish = (message: Uint8Array) =>
    askRedis(elsewhere.socketPath, ["PUBLISH", "cb:0:{default}:request", message]);
  for (const message of [cancel, run, cancel, run]) assert.equal(await publish(message), ":1");
  await web2.logged("request-ignored", 3);
  assert.deepEqual(decisions(web2), ["forestall"]);
  assert.deepEqual(
    web2.records("request-ignored").map(({ reason }) => reason),
    ["replayed", "replayed", "replayed"],
  );
  assert.equal(readFileSync(note, "utf8"), "web1\n");
});

test("cb station ping ends at an interrupt with what it has heard, and asks nobody to end anything", async () => {
  await using fleet = await Fleet.start({ tapped: true });
  const stopped = await fleet.agent("web1");
  await fleet.agent("web2");
  stopped.program.kill("SIGSTOP");
  const station = fleet.start(["station", "--hello-wait", "0", "--minimum-wait", "0", "ping"]);
  await until("it has asked", () => fleet.tap.requests.length > 0);
  await sleep(500);
  station.kill("SIGINT");
  const { status, stdout, stderr } = await station.finished;
  assert.equal(status, 130, stderr);
  assert.match(stdout, /^web2 /m);
  assert.match(stderr, /^1 agent · 1 ok · /m);
  assert.equal(fleet.tap.requests.length, 1);
  stopped.program.kill("SIGCONT");
});

test("cb station that is interrupted as it connects ends at once, without a word against the hub", async () => {
  await using fleet = await Fleet.start();
  const socket = fleet.path("silent.sock");
  const connections: Socket[] = [];
  const server = createServer((connection) => connections.push(connection)).listen(socket);
  try {
    const station = fleet.start(["station", "--connection-string", `unix://${socket}`, "run", "any"]);
    await until("it is connecting", () => connections.length > 0);
    station.kill("SIGTERM");
    assertEnded(await station.finished, 143);
  } finally {
    for (const connection of connections) connection.destroy();
    server.close();
  }
});

test("cb station that is interrupted while Redis is away says so, and leaves at the second time", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1");
  const station = fleet.start(["station", "run", "speaks-then-stays"]);
  const [, pid = ""] = await station.says(/ready (\d+)\n/);
  await fleet.redis.stop();
  station.kill("SIGINT");
  await sleep(500);
  station.kill("SIGINT");
  assertEnded(await station.finished, 130, {
    stdout: [`web1 │ ready ${pid}`],
    stderr: [
      "cb: web1 was still running when cb left: its command was asked to end and may still run",
      "cb: replies may be missing: no such socket file",
      "1 agent · 1 unfinished · # s",
    ],
  });
  agent.program.kill("SIGKILL"); // it would try to deliver for five seconds
  process.kill(Number(pid));
});

test("cb station under nohup(1) is not ended by a logout", async () => {
  await using fleet = await Fleet.start();
  const go = fleet.path("go");
  fleet.command("waits", "echo begun", `until [ -e ${go} ]; do sleep 0.02; done`, "echo done");
  await fleet.agent("web1");
  const run = fleet.start(["station", "run", "waits"], {
    wrapper: ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"],
  });
  await run.says(/begun/);
  run.kill("SIGHUP");
  fleet.file("go", "");
  const { status, stdout, stderr } = await run.finished;
  assert.equal(status, 0, stderr);
  assert.match(stdout, /done/);
});

/** The agent as a service: what it tells systemd, what SIGHUP changes, how it is asked for its health, how it stops. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Agent, Fleet } from "../support/fleet.ts";
import { NotifySocket } from "../support/notify-socket.ts";
import { lines } from "../support/running-program.ts";

/** What follows the words that systemd reads. */
function told({ messages }: NotifySocket, word: string): readonly string[] {
  return messages.filter((message) => message.startsWith(word));
}

/** Waits until the last status that systemd was told is of this form. */
async function shows({ program }: Agent, socket: NotifySocket, pattern: RegExp): Promise<void> {
  await program.until(`the status ${pattern}`, () => {
    const last = socket.messages.filter((message) => message.includes("STATUS=")).at(-1);
    return last !== undefined && pattern.test(last) ? true : undefined;
  });
}

test("cb agent tells systemd when it is ready, with or without Redis, what it does, and that it lives", async () => {
  await using fleet = await Fleet.start();
  await fleet.redis.stop();
  using socket = new NotifySocket(fleet.path("notify"));
  fleet.command("waits", 'while [ ! -e "$(dirname "$0")/../go" ]; do sleep 0.05; done');
  const environment = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "400000" };
  const agent = fleet.startAgent("web1", [], { environment });
  await shows(agent, socket, /^READY=1 STATUS=channel default at unix:\S+, no hub: \S.*, 0 running$/);
  await fleet.startRedis();
  await shows(agent, socket, /STATUS=channel default at unix:\S+, 0 running$/);
  const run = fleet.start(["station", "run", "waits"]);
  await shows(agent, socket, /, 1 running$/);
  fleet.file("go", "");
  assert.equal((await run.finished).status, 0);
  await shows(agent, socket, /redis\.sock, 0 running$/);
  const lives = told(socket, "WATCHDOG=1").length;
  await agent.program.until(
    "signs of life",
    () => told(socket, "WATCHDOG=1").length > lives + 1 || undefined,
  );
  await agent.stop();
  assert.match(told(socket, "STOPPING=1").join(), /^STOPPING=1 STATUS=.*, stopping, 0 running$/);
  assert.equal(told(socket, "READY=1").length, 1);
});

test("cb agent says what systemd could not be told, and serves all the same", async () => {
  await using fleet = await Fleet.start();
  const environment = { NOTIFY_SOCKET: fleet.path("nobody") };
  const agent = await fleet.agent("web1", [], { environment });
  assert.match(String((await agent.logged("notify-failed"))["message"]), /^READY=1 STATUS=/);
  assert.equal((await fleet.station("ping")).status, 0);
});

test("cb agent reads settings and keys again at SIGHUP, and what is running goes on", async () => {
  await using fleet = await Fleet.start();
  using socket = new NotifySocket(fleet.path("notify"));
  const config = fleet.file("agent.toml", 'tags = ["old"]\njobs = 1\n');
  fleet.command("waits", "echo began", 'while [ ! -e "$(dirname "$0")/../go" ]; do sleep 0.05; done');
  fleet.command("quick", "echo quick");
  const agent = await fleet.agent("web1", ["--config", config], {
    environment: { NOTIFY_SOCKET: socket.path },
  });
  const run = fleet.start(["station", "--tags", "old", "run", "waits"]);
  await run.says(/began/);

  writeFileSync(config, 'tags = ["new"]\njobs = 2\nchannel = "elsewhere"\n');
  agent.program.kill("SIGHUP");
  await agent.logged("reloaded");
  assert.equal((await agent.logged("restart-needed"))["settings"], "channel");
  agent.program.kill("SIGHUP");
  // What it says is what differs from what is in force, not from the file as it was read last.
  assert.equal((await agent.logged("restart-needed", 2))["settings"], "channel");
  await shows(agent, socket, /^READY=1 STATUS=.*, 1 running$/);
  assert.deepEqual(told(socket, "RELOADING=1"), ["RELOADING=1", "RELOADING=1"]);
  // A second command beside the one that runs: the tags and the number of jobs are the new ones.
  const quick = await fleet.station("--tags", "new", "run", "quick");
  assert.equal(quick.status, 0, quick.stderr);
  assert.deepEqual(lines(quick.stdout), ["web1 │ quick"]);

  writeFileSync(config, 'tags = ["not a tag"]\n');
  agent.program.kill("SIGHUP");
  const { reason } = await agent.logged("reload-failed");
  assert.match(String(reason), /^Cannot use tags .*"not a tag"/);
  assert.equal((await fleet.station("--tags", "new", "ping")).status, 0);
  fleet.file("go", "");
  assert.equal((await run.finished).status, 0);
});

test("cb agent --health says whether requests reach the agent that runs here, and exits with 0 or 1", async () => {
  await using fleet = await Fleet.start();
  const health = () => fleet.cb(["agent", "--identity", "web1", "--health"]);
  const nobody = await health();
  assert.deepEqual([nobody.status, nobody.stdout], [1, ""]);
  assert.match(nobody.stderr, /^cb: error: Cannot ask the agent at ".*health\.sock": no agent is running\n$/);

  const agent = await fleet.agent("web1");
  const well = await health();
  assert.deepEqual([well.status, well.stderr], [0, ""]);
  assert.match(well.stdout, /^channel default at unix:\S+, 0 running\n$/);

  await fleet.redis.stop();
  await agent.logged("hub-lost");
  const alone = await health();
  assert.equal(alone.status, 1, alone.stderr);
  assert.match(alone.stdout, /^channel default: cannot reach unix:\S+: \S.*\n$/);
  agent.program.kill("SIGKILL");
  await agent.program.finished;
  assert.equal((await health()).status, 1);
});

test("cb agent lets a command go on for the stop wait, and ends it then", async () => {
  await using fleet = await Fleet.start();
  fleet.command("takes-1-s", "echo began", "sleep 1", "echo done");
  fleet.command("takes-long", "echo began", "sleep 100");
  const patient = await fleet.agent("web1", ["--stop-wait", "20", "--stop-grace", "0.1"]);
  const short = fleet.start(["station", "run", "takes-1-s"]);
  await short.says(/began/);
  await patient.stop();
  const finished = await short.finished;
  assert.equal(finished.status, 0, finished.stderr);
  assert.deepEqual(lines(finished.stdout), ["web1 │ began", "web1 │ done"]);

  const hasty = await fleet.agent("web2", ["--stop-wait", "0.1", "--stop-grace", "5"]);
  const long = fleet.start(["station", "run", "takes-long"]);
  await long.says(/began/);
  await hasty.stop();
  const { status, stderr } = await long.finished;
  assert.equal(status, 4, stderr);
  assert.match(stderr, /^cb: web2: ended because its agent was stopped after .+$/m);
});

test("cb agent serves on, and ends, though systemd stands still", async () => {
  await using fleet = await Fleet.start();
  using socket = new NotifySocket(fleet.path("notify"));
  // Nobody reads: the kernel keeps some ten messages, and whoever sends another one would have to wait.
  const environment = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "20000" };
  const agent = await fleet.agent("web1", [], { environment });
  await sleep(1_000);
  const ping = await fleet.station("ping");
  assert.equal(ping.status, 0, ping.stderr);
  await agent.stop();
});

test("cb agent ends though whoever asked for its health does not listen", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1");
  const asking = createConnection({ path: `${agent.state}/health.sock`, allowHalfOpen: true });
  await once(asking, "connect");
  asking.pause();
  await agent.stop();
  asking.destroy();
});

test("cb agent that is hung up on while it starts goes on, and reads its keys again once it serves", async () => {
  await using fleet = await Fleet.start();
  // In the middle of the start, before anything could be reloaded.
  const preload = fleet.file(
    "hang-up.cjs",
    `const fs = require("node:fs");
    const open = fs.openSync;
    fs.openSync = (path, ...rest) => {
      if (String(path).endsWith("network.key")) process.kill(process.pid, "SIGHUP");
      fs.openSync = String(path).endsWith("network.key") ? open : fs.openSync;
      return open(path, ...rest);
    };`,
  );
  const agent = await fleet.agent("web1", [], { preload });
  await agent.logged("reloaded");
  assert.equal((await fleet.station("ping")).status, 0);
  await agent.stop();
});

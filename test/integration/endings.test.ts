/** Agents, stations and Redis that end in the middle of a session: nobody hangs, and everybody is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fleet } from "../support/fleet.ts";
import { assertEnded, processIsGone } from "../support/running-program.ts";

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
  fleet.command("works", "echo begun", "sleep 1");
  const agent = await fleet.agent("web1", ["--verbose"]);
  const running = fleet.start(["station", "run", "works"]);
  await running.says(/begun/);
  const waiting = fleet.start(["station", "run", "works"]);
  await agent.logged("request", 2);
  agent.program.kill("SIGTERM");
  await agent.logged("stopping");
  assertEnded(await fleet.station("run", "prints-arguments"), 64, {
    stderr: ["cb: web1 declined: stopping", "1 agent · 1 not run · # s"],
  });
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
  assertEnded(await station.finished, 8 + 32, {
    stdout: ["web1 │ begun"],
    stderr: [
      "cb: web1 is running and said nothing for 1.00 s, its command may still run",
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

/**
 * Readers that stand still and stations that die while commands print without end: nothing fills up, nothing is
 * lost silently.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../hub/hub-fixture.ts";
import { Fleet, RUNTIMES } from "../support/fleet.ts";
import { peakMemory, peakUntilEnd } from "../support/process-stat.ts";
import { RedisAdmin } from "../support/redis-admin.ts";
import { processIsGone, type RunningProgram } from "../support/running-program.ts";

const LIST = "cb:*:reply:*";
const PRESENCE = "cb:*:station:*";
/** PROTOCOL.md §7: 256 items, and of each agent a batch of two large pieces, with a state, a hello and an exit. */
const mostItems = (agents: number) => 256 + 5 * agents;
const MEGABYTE = 1_000_000;

/** A station whose standard output nobody reads until the file `go` is there. */
function startUnread(fleet: Fleet, args: readonly string[]): RunningProgram {
  const reader = 'for i in $(seq 600); do [ -e "$GO" ] && break; sleep 0.05; done; exec cat';
  const wrapper = ["bash", "-c", `exec "$@" > >(${reader})`, "bash"];
  return fleet.start(["station", ...args], { wrapper, environment: { GO: fleet.path("go") } });
}

/** Resolves when there is no more room for what agents send. */
async function untilFull(admin: RedisAdmin): Promise<void> {
  await until("the list is full", async () => {
    const [list] = await admin.keys(LIST);
    return list !== undefined && (await admin.number("LLEN", list)) >= 256;
  });
}

/** Ten megabytes of lines that are all different. */
function writeData(fleet: Fleet): Uint8Array {
  const text = randomBytes(7.4 * MEGABYTE).toString("base64");
  const data = Buffer.from(`${text.replaceAll(/.{76}/g, "$&\n")}\n`);
  writeFileSync(fleet.path("data"), data);
  return data;
}

test("70 MB from each of two agents wait for a reader that stands still, in bounded room, and arrive complete", async () => {
  await using fleet = await Fleet.start();
  const data = writeData(fleet);
  fleet.command("prints", "for i in 1 2 3 4 5 6 7; do", `  cat ${fleet.path("data")}`, "done");
  const agents = await Promise.all(["web1", "web2"].map((name) => fleet.agent(name)));
  await using admin = await RedisAdmin.connect(fleet);

  const output = fleet.path("output");
  const reader = `for i in $(seq 600); do [ -e "$GO" ] && break; sleep 0.05; done; exec cat >${output}`;
  const station = fleet.start(["station", "run", "prints"], {
    wrapper: ["bash", "-c", `exec "$@" > >(${reader})`, "bash"],
    environment: { GO: fleet.path("go") },
  });
  await untilFull(admin);
  const [list = "", ...otherLists] = await admin.keys(LIST);
  assert.deepEqual(otherLists, []);
  const lengths: number[] = [];
  for (let looks = 0; looks < 20; looks++) {
    lengths.push(await admin.number("LLEN", list));
    await sleep(100);
  }
  assert.ok(Math.max(...lengths) <= mostItems(2), `${Math.max(...lengths)} items`);
  assert.ok((await admin.number("MEMORY", "USAGE", list, "SAMPLES", 0)) < 32 * MEGABYTE);

  fleet.file("go", "");
  let longest = 0;
  const peak = await peakUntilEnd(station, async () => {
    longest = Math.max(longest, await admin.number("LLEN", list));
  });
  const { status, stderr } = await station.finished;
  assert.equal(status, 0, stderr);
  assert.ok(longest <= mostItems(2), `${longest} items`);
  const expected = createHash("sha256");
  for (let times = 0; times < 7; times++) expected.update(data);
  const wanted = expected.digest("hex");
  for (const { identity } of agents) {
    const script = `LC_ALL=C sed -n 's/^${identity} │ //p' ${output} | sha256sum`;
    assert.equal(execFileSync("/bin/sh", ["-c", script]).toString().slice(0, 64), wanted, identity);
  }
  assert.ok(peak < 150, `the station took ${peak} MB`);
  for (const { identity, program } of agents) {
    const megabytes = peakMemory(program.pid);
    assert.ok(megabytes > 0 && megabytes < 150, `${identity} took ${megabytes} MB`);
  }
  assert.deepEqual(await admin.keys("*"), []);
});

test("the reply wait does not run while the reader stands still: who is not listened to is not silent", async () => {
  await using fleet = await Fleet.start({ tapped: true });
  fleet.tap.delay = 20;
  const piece = "head -c 60000 /dev/zero | tr '\\0' x; echo";
  fleet.command("prints", "for i in 1 2 3 4; do", `  ${piece}`, "  sleep 0.2", "done");
  await fleet.agent("web1");
  const station = startUnread(fleet, ["--reply-wait", "1", "run", "prints"]);
  await sleep(3_000);
  fleet.file("go", "");
  const { status, stdout, stderr } = await station.finished;
  assert.equal(status, 0, stderr);
  assert.equal(stdout, `web1 │ ${"x".repeat(60_000)}\n`.repeat(4));
});

test("cb agent drops the output for a station that was killed, lets the command end, and leaves what expires", async () => {
  await using fleet = await Fleet.start();
  writeData(fleet);
  const done = fleet.path("done");
  fleet.command(
    "prints",
    'if [ "$1" = web2 ]; then exec yes; fi',
    "for i in 1 2 3 4 5; do",
    `  cat ${fleet.path("data")}`,
    "done",
    `touch ${done}`,
  );
  const web1 = await fleet.agent("web1");
  const web2 = await fleet.agent("web2", ["--time-limit", "12"]);
  await using admin = await RedisAdmin.connect(fleet);
  const station = startUnread(fleet, ["run", "prints"]);
  await untilFull(admin);
  station.kill("SIGKILL");
  await processIsGone(station.pid);
  fleet.file("go", "");
  const [list = ""] = await admin.keys(LIST);
  const [presence = ""] = await admin.keys(PRESENCE);
  const left = await admin.number("TTL", presence);
  assert.ok(left > 0 && left <= 30);
  // So that nobody need wait for it.
  await admin.ask("DEL", presence);
  const killedAt = performance.now();
  assert.equal(existsSync(done), false, "its output has nowhere to go");

  const { ending } = await web1.logged("command");
  assert.equal(ending, "exited");
  assert.equal(existsSync(done), true);
  assert.ok(performance.now() - killedAt >= 9_900, "a station may be away for 10 s");
  assert.equal((await web2.logged("command"))["ending"], "time-limit");
  const kept = 17 * 1024 * 1024 + 2 * 145 * 1024;
  const { level, bytes } = await web1.logged("output-dropped");
  assert.equal(level, "warn");
  assert.ok(Number(bytes) > 50 * MEGABYTE - kept - 512 * 1024 && Number(bytes) < 50 * MEGABYTE);
  await web2.logged("output-dropped");

  assert.deepEqual(await admin.keys("*"), [list]);
  const expires = await admin.number("TTL", list);
  assert.ok(expires > 0 && expires <= 600, `${expires} s`);
  assert.ok((await admin.number("LLEN", list)) <= mostItems(2));
  // They are as good as new.
  const next = await fleet.station("run", "prints-arguments");
  assert.equal(next.status, 0, next.stderr);
});

/** Resolves when a station has given its sign of life, which counts for 30 s, so many times more. */
async function renewed(admin: RedisAdmin, times: number): Promise<void> {
  const [presence = ""] = await admin.keys(PRESENCE);
  let last = await admin.number("PTTL", presence);
  for (let seen = 0; seen < times; await sleep(50)) {
    const left = await admin.number("PTTL", presence);
    assert.ok(left > 15_000, `${seen} renewals, then it ends in ${left} ms`);
    if (left > last) seen += 1;
    last = left;
  }
}

test("a reader that stands still stops no sign of life, however often it is due", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1");
  await using admin = await RedisAdmin.connect(fleet);
  fleet.command("floods", "exec yes");
  const station = startUnread(fleet, ["run", "floods"]);
  await untilFull(admin);
  await renewed(admin, 3);
  // Both would deliver what they have, and nobody wants it.
  for (const program of [station, agent.program]) program.kill("SIGKILL");
  fleet.file("go", "");
});

test("a reader that stands still stops no sign of life, and no second interrupt, on any runtime", async () => {
  const standStill = async (runtime: string) => {
    await using fleet = await Fleet.start({ runtime });
    const agent = await fleet.agent("web1");
    await using admin = await RedisAdmin.connect(fleet);
    fleet.command("floods", "exec yes");
    const station = startUnread(fleet, ["run", "floods"]);
    await untilFull(admin);
    await renewed(admin, 1);

    station.kill("SIGINT");
    // The command is ended, whoever reads what it has printed.
    await until("it is cancelled", () =>
      agent.records("request").some(({ decision }) => decision === "cancel"),
    );
    await sleep(200);
    const again = performance.now();
    station.kill("SIGINT");
    await processIsGone(station.pid);
    assert.ok(performance.now() - again < 5_000);
    fleet.file("go", "");
    const { status, stderr } = await station.finished;
    // A process that is left with what nobody takes can only end by the signal: the same to a shell.
    assert.ok(status === 130 || status === "SIGINT", `${runtime}: ${status}`);
    assert.match(
      stderr,
      /^cb: web1 was still running when cb left: its command was asked to end and may still run$/m,
    );
  };
  await Promise.all(RUNTIMES.map(standStill));
});

test("cb station that is interrupted once shows all that the command had printed, when its reader goes on", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1");
  await using admin = await RedisAdmin.connect(fleet);
  fleet.command("counts", 'trap "" PIPE', "exec seq 1 100000000");
  const station = startUnread(fleet, ["run", "counts"]);
  await untilFull(admin);
  station.kill("SIGINT");
  await until("it is cancelled", () =>
    agent.records("request").some(({ decision }) => decision === "cancel"),
  );
  fleet.file("go", "");
  const { status, stdout, stderr } = await station.finished;
  assert.equal(status, 130, stderr);
  assert.match(stderr, /^cb: web1: cancelled after /m);
  const numbers = stdout.trimEnd().split("\n");
  numbers.pop(); // cut short by SIGTERM
  assert.ok(numbers.length > 2_000_000, `${numbers.length} lines`);
  const wrong = numbers.findIndex((line, index) => line !== `web1 │ ${index + 1}`);
  assert.equal(wrong, -1);
});

/** What an agent does when it cannot record a request, or its records are lost: it runs nothing twice, and says so. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { test } from "node:test";
import { type Agent, Fleet } from "../support/fleet.ts";
import { type Finished, lines } from "../support/running-program.ts";
import { ShiftedClock } from "../support/shifted-clock.ts";
import { askRedis } from "../support/wire-tap.ts";

/** A limit on the size of files stands for a full disk, also for root: writes fail with EFBIG. */
const withoutSignal = ["sh", "-c", 'trap "" XFSZ; exec "$@"', "sh"];

/** A fleet with a command that counts its runs. */
async function countingFleet(): Promise<{ fleet: Fleet; runs: () => number }> {
  const fleet = await Fleet.start({ tapped: true });
  const note = fleet.path("runs");
  fleet.command("count", `echo run >>${note}`);
  return { fleet, runs: () => (existsSync(note) ? lines(readFileSync(note, "utf8")).length : 0) };
}

function assertNotRun({ status, stdout, stderr }: Finished): void {
  assert.deepEqual([status, stdout], [16, ""], stderr);
  assert.match(stderr, /^cb: web1 .*state directory/m);
}

/** How many bytes a file of a running program may have. */
function limitFiles(agent: Agent, bytes: number | "unlimited"): void {
  execFileSync("prlimit", [`--pid=${agent.program.pid}`, `--fsize=${bytes}:unlimited`]);
}

test("cb agent runs nothing while its state directory is gone, and serves again when it is back", async () => {
  const { fleet, runs } = await countingFleet();
  await using _ = fleet;
  const agent = await fleet.agent("web1");
  rmSync(fleet.path("state"), { recursive: true });
  assertNotRun(await fleet.station("run", "count"));
  const { level, reason } = await agent.logged("journal-unwritable");
  assert.equal(level, "error");
  assert.match(String(reason), /^Cannot write ".*\/journal": no such file or directory$/);
  assert.equal(runs(), 0);

  mkdirSync(agent.state, { recursive: true });
  assert.equal((await fleet.station("run", "count")).status, 0);
  assert.equal(runs(), 1);
});

test("cb agent runs nothing while the disk is full, and serves again when there is room", async () => {
  const { fleet, runs } = await countingFleet();
  await using _ = fleet;
  const agent = await fleet.agent("web1", [], { wrapper: withoutSignal });
  const { size } = statSync(`${agent.state}/journal`);
  limitFiles(agent, size + 10);
  // The first record fits in part; then the file would have to be written anew.
  const reasons = [/^the journal took only part of a record$/, /^Cannot write ".*": file too large$/];
  for (const [index, expected] of reasons.entries()) {
    assertNotRun(await fleet.station("run", "count"));
    const { reason } = await agent.logged("journal-unwritable", index + 1);
    assert.match(String(reason), expected);
  }
  assert.equal(runs(), 0);

  limitFiles(agent, "unlimited");
  assert.equal((await fleet.station("run", "count")).status, 0);
  assert.equal(runs(), 1);
  // What was refused is spent: its record is on the disk with the others.
  await agent.stop();
  const again = await fleet.agent("web1");
  for (const request of fleet.tap.requests) await publish(fleet, request);
  await again.logged("request-ignored", 3);
  assert.deepEqual(
    again.records("request-ignored").map(({ reason }) => reason),
    ["replayed", "replayed", "replayed"],
  );
  assert.equal(runs(), 1);
});

async function publish(fleet: Fleet, request: Uint8Array | undefined): Promise<void> {
  assert.ok(request !== undefined);
  const receivers = await askRedis(fleet.redisSocket, ["PUBLISH", "cb:0:{default}:request", request]);
  assert.equal(receivers, ":1");
}

test("cb agent that cannot write its state directory at the start ends with 1 and one line", async () => {
  await using fleet = await Fleet.start();
  const full = ["sh", "-c", 'trap "" XFSZ; ulimit -f 0; exec "$@"', "sh"];
  const cases = [
    [fleet.file("file", ""), [], "not a directory"],
    ["/proc/cb", [], "no such file or directory"],
    [fleet.path("full"), full, "file too large"],
  ] as const;
  for (const [directory, wrapper, reason] of cases) {
    const { program } = fleet.startAgent("web1", ["--state-directory", directory], { wrapper });
    const { status, stdout, stderr } = await program.finished;
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, new RegExp(`^cb: error: Cannot (create|write) "${directory}.*": ${reason}\n$`));
  }
});

test("cb agent whose disk is full at the start ends with 75, after which systemd tries again", async () => {
  await using fleet = await Fleet.start();
  const state = fleet.path("small");
  mkdirSync(state);
  const script = 'mount -t tmpfs -o size=4k tmpfs "$0" && exec "$@"';
  const wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, state];
  const { program } = fleet.startAgent("web1", ["--state-directory", state], { wrapper });
  const { status, stderr } = await program.finished;
  assert.equal(status, 75, stderr);
  assert.match(stderr, /^cb: error: Cannot write ".*": no space left on device\n$/);
});

test("cb agent whose journal is deleted serves on, writes it anew, and forgets nothing", async () => {
  const { fleet, runs } = await countingFleet();
  await using _ = fleet;
  const agent = await fleet.agent("web1");
  assert.equal((await fleet.station("run", "count")).status, 0);
  const [recorded] = fleet.tap.requests;
  rmSync(`${agent.state}/journal`);

  assert.equal((await fleet.station("run", "count")).status, 0);
  assert.ok(existsSync(`${agent.state}/journal`));
  await publish(fleet, recorded);
  assert.equal((await agent.logged("request-ignored"))["reason"], "replayed");
  await agent.stop();
  const again = await fleet.agent("web1");
  await publish(fleet, recorded);
  assert.equal((await again.logged("request-ignored"))["reason"], "replayed");
  assert.equal(runs(), 2);
});

test("cb agent whose journal was lost refuses everybody for 30 s, says why, and serves again", async () => {
  const { fleet, runs } = await countingFleet();
  await using _ = fleet;
  const clock = new ShiftedClock(fleet);
  const first = await fleet.agent("web1");
  await first.stop();
  rmSync(`${first.state}/journal`);

  const agent = await fleet.agent("web1", [], clock.surroundings);
  const run = () => fleet.cb(["station", "run", "count"], clock.surroundings);
  const refused = await run();
  assert.equal(refused.status, 16, refused.stderr);
  assert.match(
    refused.stderr,
    /^cb: web1 refused: its state directory is new or was lost, try again in \d+ s$/m,
  );
  const { decision, reason, detail } = await agent.logged("request");
  assert.deepEqual([decision, reason, detail], ["refused", "clock", "born"]);
  assert.equal(runs(), 0);

  clock.set(31_000);
  const served = await run();
  assert.equal(served.status, 0, served.stderr);
  assert.equal(runs(), 1);
});

/**
 * Output that other tools were measured to lose, hide or hold back, and commands that they let wait: a test for each.
 *
 * Held by tests of what they belong to:
 *   20 MB and 100 MB as lines: output.test.ts, limits.test.ts; what an agent's memory does meanwhile: limits.test.ts
 *   a command that lasts longer than the reply wait: endings.test.ts "gives up a command that is silent …"
 *   a queue of one, and how it says so: execution.test.ts "--jobs 1 lets the next command wait, and says so"
 */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { Fleet } from "../support/fleet.ts";
import { lines } from "../support/running-program.ts";

/** Two agents that listen. */
let fleet: Fleet;

before(async () => {
  fleet = await Fleet.start();
  fleet.command("reload", '[ "$1" != web1 ] || { echo half done; echo oops >&2; exit 3; }', "echo fine");
  fleet.command("waits", "echo first", `until [ -e ${fleet.path("go")} ]; do sleep 0.02; done`, "echo last");
  await Promise.all(["web1", "web2"].map((name) => fleet.agent(name)));
  assert.equal((await fleet.station("ping")).status, 0);
});

after(() => fleet[Symbol.asyncDispose]());

for (const form of ["live", "both", "raw", "ndjson"] as const) {
  test(`the first line is shown while the command still runs, with --output ${form}`, async () => {
    rmSync(fleet.path("go"), { force: true });
    const station = fleet.start(["station", "--to", "web1", "run", "waits", "--output", form]);
    await station.says(/\bfirst\b/);
    assert.doesNotMatch(station.stdout, /\blast\b/);
    writeFileSync(fleet.path("go"), "");
    const { status, stdout } = await station.finished;
    assert.equal(status, 0);
    assert.match(stdout, /\blast\b/);
  });
}

test("who failed is shown by default with his output, his name and the reason", async () => {
  const live = await fleet.station("run", "reload");
  assert.equal(live.status, 4);
  assert.deepEqual(lines(live.stdout).toSorted(), ["web1 │ half done", "web2 │ fine"]);
  assert.match(live.stderr, /^web1 ! oops$/m);
  assert.match(live.stderr, /^cb: web1: exit status 3\b/m);
  // On a terminal the default is "both", at the end of which is what "folded" shows alone.
  for (const form of ["folded", "both"]) {
    const { stdout, stderr } = await fleet.station("run", "reload", "--output", form);
    const [, block = ""] = /^── web1 ── exit status 3 · .*\n((?:(?!── ).*\n)*)/m.exec(stdout) ?? [];
    assert.match(block, /half done/, stdout);
    assert.match(block, /oops/, stdout);
    assert.match(stderr, /^cb: web1: exit status 3\b/m);
  }
});

test("1 200 B, 500 kB, 4 MB and 50 MB arrive whole, with status 0", async () => {
  const data = randomBytes(50_000_000);
  writeFileSync(fleet.path("data"), data);
  // The sum comes where the output would.
  const wrapper = ["bash", "-c", 'set -o pipefail; "$@" | sha256sum', "bash"];
  for (const size of [1_200, 500_000, 4_000_000, 50_000_000]) {
    fleet.command("prints", `head -c ${size} ${fleet.path("data")}`);
    const args = ["station", "--to", "web1", "run", "prints", "--output", "raw"];
    const { status, stdout, stderr } = await fleet.cb(args, { wrapper });
    assert.equal(status, 0, stderr);
    const sum = createHash("sha256").update(data.subarray(0, size)).digest("hex");
    assert.equal(stdout, `${sum}  -\n`, `${size} bytes`);
  }
  rmSync(fleet.path("data"));
});

test("a command that runs keeps no other command of that agent waiting", async () => {
  rmSync(fleet.path("go"), { force: true });
  const slow = fleet.start(["station", "--to", "web2", "run", "waits"]);
  await slow.says(/\bfirst\b/);
  const quick = await fleet.station("--to", "web2", "run", "reload");
  assert.deepEqual([quick.status, quick.stdout], [0, "web2 │ fine\n"]);
  assert.ok(slow.isRunning);
  writeFileSync(fleet.path("go"), "");
  assert.equal((await slow.finished).stdout, "web2 │ first\nweb2 │ last\n");
});

test("a command about as long as the reply wait is shown whole, or the status says that it is not", async () => {
  const lengths = ["0.85", "0.95", "1.05", "1.15"] as const;
  // A command runs once at a time at an agent, so each has a name of its own.
  for (const length of lengths) fleet.command(`lasts-${length}`, `sleep ${length}`, "echo done");
  const runs = lengths.map(async (length) => {
    const args = ["--to", "web1", "--reply-wait", "1", "run", `lasts-${length}`];
    const { status, stdout, stderr } = await fleet.station(...args);
    const isWhole = stdout === "web1 │ done\n";
    assert.equal(status, isWhole ? 0 : 8, `${length} s\n${stderr}`);
    if (!isWhole) assert.match(stderr, /^cb: web1 .*its command may still run\b/m);
  });
  await Promise.all(runs);
});

test("a command that is ended at its time limit is shown as far as it came, and the status says so", async () => {
  fleet.command("stalls", "echo half done", "exec sleep 600");
  const { status, stdout, stderr } = await fleet.station("--to", "web1", "--timeout", "1", "run", "stalls");
  assert.deepEqual([status, stdout], [4, "web1 │ half done\n"]);
  assert.match(stderr, /^cb: web1: ended at its time limit\b/m);
});

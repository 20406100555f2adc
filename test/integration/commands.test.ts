/** Which commands agents have, as `cb station commands` shows it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { Fleet, RUNTIMES } from "../support/fleet.ts";
import { type Finished, lines } from "../support/running-program.ts";

/** Asserts status and standard error; times as `#`. */
function said(ended: Finished, status: number, ...stderr: readonly string[]): void {
  assert.deepEqual(
    [ended.status, ...lines(ended.stderr.replace(/\d+\.\d+ s$/gm, "# s"))],
    [status, ...stderr],
  );
}

/** An agent with a run-directory of its own, which has the scripts of these names. */
async function agentWith(fleet: Fleet, identity: string, scripts: Readonly<Record<string, string>>) {
  mkdirSync(fleet.path(`run-${identity}`));
  for (const [name, text] of Object.entries(scripts))
    fleet.file(`run-${identity}/${name}`, text, name.endsWith(".toml") ? 0o644 : 0o755);
  return fleet.agent(identity, ["--run-directory", fleet.path(`run-${identity}`)]);
}

const RELOAD = "#!/bin/sh\necho reloaded\n";
const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");

for (const runtime of RUNTIMES) {
  test(`cb station commands on ${runtime} shows who has which version of what`, async () => {
    await using fleet = await Fleet.start({ runtime });
    const manifest = 'description = "Reload nginx"\n';
    for (const identity of ["web1", "web2", "web3"]) {
      await agentWith(fleet, identity, { reload: RELOAD, "reload.toml": manifest });
    }
    await agentWith(fleet, "db1", {
      reload: `${RELOAD}#old\n`,
      scan: RELOAD,
      broken: RELOAD,
      "broken.toml": "x = 1",
    });
    symlinkSync("/dev/null", fleet.path("run-db1/masked"));
    writeFileSync(fleet.path("run-db1/notes"), "no command");

    const table = await fleet.station("commands");
    const [usual, odd] = [sha256(RELOAD).slice(0, 12), sha256(`${RELOAD}#old\n`).slice(0, 12)];
    said(table, 0, "cb: 4 new agents: db1, web[1-3]", "4 agents · 4 ok · # s");
    const rows = lines(table.stdout).map((line) => line.trim().split(/ {3,}/));
    assert.deepEqual(
      rows.map((row) => row.slice(0, row[0] === "≠" ? 5 : 4)).toSorted(),
      [
        ["broken", "manifest", "-", "1 of 4 agents: db1"],
        ["masked", "masked", "-", "1 of 4 agents: db1"],
        ["notes", "not executable", "-", "1 of 4 agents: db1"],
        ["reload", usual, `manifest ${sha256(manifest).slice(0, 12)}`, "3 of 4 agents: web[1-3]"],
        ["scan", usual, "-", "1 of 4 agents: db1"],
        ["≠", "reload", odd, "-", "1 of 4 agents: db1"],
      ].toSorted(),
    );

    const json = JSON.parse((await fleet.station("commands", "--json", "--to", "web1,db1")).stdout);
    assert.equal(json.agents, 2);
    const scan = json.commands.find(({ command }: { command: string }) => command === "scan");
    assert.deepEqual([scan.agents, scan.sha256, scan.differs], [["db1"], sha256(RELOAD), false]);
    const reloads = json.commands.filter(({ command }: { command: string }) => command === "reload");
    assert.deepEqual(
      reloads.map(({ differs }: { differs: boolean }) => differs),
      [true, true],
    );
    const { detail } = json.commands.find(({ command }: { command: string }) => command === "broken");
    assert.match(detail, /no such key/);
  });
}

test("cb station commands shows a key what that key may run, and nothing else", async () => {
  await using fleet = await Fleet.start();
  const keys = `${fleet.config}/base-station.pub`;
  const key = readFileSync(keys, "utf8").trim();
  writeFileSync(keys, `${key} name=deploy commands=re*\n`);
  await agentWith(fleet, "web1", { reload: RELOAD, restart: RELOAD, secret: RELOAD });
  const ended = await fleet.station("commands");
  assert.deepEqual(
    lines(ended.stdout).map((line) => line.split(" ")[0]),
    ["reload", "restart"],
  );
});

test("cb station commands has a thousand commands of an agent, and digests a large one once", async () => {
  await using fleet = await Fleet.start();
  const names = Array.from({ length: 1000 }, (_, number) => `command-${1000 + number}`);
  const agent = await agentWith(fleet, "web1", Object.fromEntries(names.map((name) => [name, `#${name}\n`])));
  const large = fleet.file("run-web1/large", "", 0o755);
  writeFileSync(large, new Uint8Array(100 * 1024 * 1024));
  const first = await fleet.station("commands");
  assert.deepEqual([first.status, lines(first.stdout).length], [0, 1001], first.stderr);
  assert.ok(first.stdout.includes(sha256(new Uint8Array(100 * 1024 * 1024)).slice(0, 12)));
  // What it is asked meanwhile, it answers.
  const [again, ping] = await Promise.all([fleet.station("commands"), fleet.station("ping")]);
  assert.deepEqual([again.stdout, ping.status], [first.stdout, 0]);
  await agent.stop();
});

test("cb station commands says of an agent whose run-directory cannot be read that it could not list them", async () => {
  await using fleet = await Fleet.start();
  const loop = fleet.path("loop");
  symlinkSync(loop, loop);
  await fleet.agent("web1", ["--run-directory", loop]);
  const ended = await fleet.station("commands");
  assert.equal(ended.status, 16);
  assert.match(ended.stderr, /^cb: web1 could not list its commands: Cannot read "/m);
});

test("cb station commands has no option for what it does not do", async () => {
  await using fleet = await Fleet.start();
  const { status, stderr } = await fleet.station("commands", "--timeout", "5");
  assert.deepEqual(
    [status, lines(stderr)[0]],
    [
      1,
      'cb: error: Cannot use option "--timeout" with "cb station commands": it belongs to "cb station run"',
    ],
  );
});

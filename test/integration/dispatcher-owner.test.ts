/**
 * `cb dispatcher` as root beside a dispatcher of another user, as that of the service is.
 *
 * Whoever is not root can neither give files away nor use those of others: there each test has nothing to look at.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { lines } from "../support/running-program.ts";
import { ScanBox } from "../support/scan-box.ts";

const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const isRoot = process.getuid?.() === 0;

/** Registered, with a state directory of nobody's. */
async function nobodysBox(): Promise<ScanBox> {
  const box = await ScanBox.start();
  box.executor("fine", `echo '{"hosts":[{"ip":"192.0.2.1","description":"'$(id -u)'"}]}'`);
  box.register();
  execFileSync("chown", ["-R", "65534:65534", box.directory]);
  return box;
}

test("cb dispatcher run as root refuses the state directory of another user, and touches nothing", async () => {
  if (!isRoot) return;
  await using box = await nobodysBox();
  const { status, stdout, stderr } = await box.startDispatcher().program.finished;
  assert.deepEqual([status, stdout], [1, ""]);
  assert.deepEqual(lines(stderr), [
    `cb: error: Cannot use "${box.state}": it belongs to nobody, who could not use what root leaves there`,
    "cb: hint: Run runuser -u nobody -- cb dispatcher run, or take another --state-directory",
  ]);
  assert.equal(execFileSync("ls", [box.state]).toString(), "agent.json\n");
  assert.equal(box.server.asked.length, 0);
});

test("cb dispatcher status, stop and spool work for root on a dispatcher of another user", async () => {
  if (!isRoot) return;
  await using box = await nobodysBox();
  box.executor("waits", box.waitFor("go"));
  const dispatcher = box.startDispatcher([], { wrapper: NOBODY });
  await dispatcher.logged("joined");
  assert.deepEqual((await dispatcher.run("fine")).hosts, ["192.0.2.1"]);
  const [id = 0] = box.server.run("waits");
  await dispatcher.logged("run-start", 2);
  assert.match((await box.ask("status")).stdout, new RegExp(`^ +${id} +waits +running `, "m"));
  assert.match((await box.ask("spool", "list")).stderr, /; 0 posts refused$/m);
  assert.equal((await box.ask("stop", `${id}`)).status, 0);
  assert.match((await dispatcher.ending(id)).message, /^stopped by the operator/);
  await dispatcher.program.end();
  assert.equal(execFileSync("find", [box.state, "!", "-user", "nobody"]).toString(), "");
});

test("cb dispatcher check as root looks at what the owner of the state directory can use", async () => {
  if (!isRoot) return;
  await using box = await nobodysBox();
  const secret = box.file("secret", "hush\n", 0o600);
  box.manifest(
    "fine",
    `checks = ["id -u >${box.path("home")}/who"]`,
    "[environment]",
    `SECRET = { file = "${secret}" }`,
  );
  const closed = await box.check();
  assert.equal(closed.status, 1, closed.stderr);
  const [user, ...rows] = lines(closed.stdout);
  assert.match(user ?? "", /^ok +user +nobody, the owner of ".*\/state"$/);
  assert.equal(
    rows.at(-1),
    `FAILED   executor fine   Cannot read "${secret}" as nobody, run: chown nobody ${secret}`,
  );
  assert(!existsSync(box.path("home/who")));
  execFileSync("chown", ["nobody", secret]);
  const open = await box.check();
  assert.equal(open.status, 0, open.stdout);
  assert.equal(box.read("home/who"), "65534\n");
});

/** `cb dispatcher` and the servers of before Faraday 5, whose channel is a plain WebSocket. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Authority } from "../support/certificates.ts";
import { RUNTIMES } from "../support/fleet.ts";
import { ScanBox } from "../support/scan-box.ts";

const RESULT = `echo '{"hosts":[{"ip":"192.0.2.1","vulnerabilities":[{"name":"v","type":"Vulnerability",'\\
'"severity":"low","refs":[{"name":"http://a","type":"other"}]}]}]}'`;

let directory: string;
let authority: Authority;

before(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-legacy-"));
  authority = new Authority(directory, "authority");
});

after(() => rmSync(directory, { recursive: true }));

type Old = Parameters<typeof ScanBox.start>[0];

/** A box with an executor that prints, waits for the file `go`, and prints again, and one that does not wait. */
async function oldBox(options: Old = {}): Promise<ScanBox> {
  const box = await ScanBox.start({ generation: 4, ...options });
  box.executor("waits", RESULT, `echo >>${box.path("started")}`, box.waitFor("go"), RESULT);
  box.executor("quick", RESULT);
  return box;
}

/** What was said of a run: whether it runs, and whether it was a success. */
function said(box: ScanBox, id: number): readonly (readonly [boolean | null, boolean | null])[] {
  const statuses = box.server.record.statuses.filter(({ execution_ids: ids }) => ids.includes(id));
  return statuses.map(({ running, successful }) => [running, successful] as const);
}

for (const runtime of RUNTIMES) {
  test(`cb dispatcher on ${runtime} registers at Faraday 4, runs for two workspaces, and leaves`, async () => {
    await using box = await oldBox({ runtime });
    const dispatcher = box.startDispatcher(["--token", "123456"]);
    const joined = await dispatcher.logged("joined");
    assert.deepEqual([joined["protocol"], joined["acknowledges"]], ["legacy", true]);
    const { ids, successful, hosts } = await dispatcher.run("quick", {}, ["w1", "w2"]);
    assert.deepEqual([successful, hosts], [true, ["192.0.2.1"]]);
    for (const id of ids) {
      assert.equal(box.server.accepted(id).length, 2);
      const { running, successful: ok } = box.server.executions.get(id) ?? {};
      assert.deepEqual([running, ok], [false, true]);
    }
    assert.deepEqual(said(box, ids[0] ?? 0), [
      [true, null],
      [false, true],
    ]);
    await dispatcher.stop();
    assert.equal(box.server.rawChannel.messages.at(-1)?.["action"], "LEAVE_AGENT");
    assert.equal(box.server.rawChannel.online, false);
  });

  test(`cb dispatcher on ${runtime} serves Faraday 3 behind a reverse proxy with TLS`, async () => {
    const { certificate, key } = authority.issue(`server-${runtime}`);
    const tls = { cert: readFileSync(certificate), key: readFileSync(key) };
    await using box = await oldBox({ runtime, tls, generation: 3, isProxied: true, baseRoute: "/faraday" });
    const dispatcher = await box.dispatcher(["--tls-ca", authority.certificate]);
    const { id, successful, hosts } = await dispatcher.run("quick");
    assert.deepEqual([successful, hosts], [true, ["192.0.2.1"]]);
    assert.equal(box.server.executions.get(id)?.successful, true);
    await dispatcher.stop();
    assert.equal(box.server.rawChannel.online, false);
  });
}

test("cb dispatcher whose old server goes away in a run and comes back tells it how the run ended", async () => {
  await using box = await oldBox();
  const dispatcher = await box.dispatcher();
  const [id = 0] = box.server.run("waits");
  await dispatcher.until("the executor", () => box.read("started") !== "" && said(box, id).length === 1);
  await box.server.stop();
  await dispatcher.logged("channel-lost");
  await dispatcher.logged("join-failed");
  await box.server.start();
  await dispatcher.logged("joined", 2);
  await dispatcher.until("the run to be announced again", () => said(box, id).length === 2);
  box.file("go", "");
  const { successful, message } = await dispatcher.ending(id);
  assert.equal(successful, true, message);
  // Results that have to wait are posted together.
  assert.equal(box.server.accepted(id).flatMap(({ hosts = [] }) => hosts).length, 2);
  await dispatcher.forgets(id);
  assert.deepEqual(said(box, id), [
    [true, null],
    [true, null],
    [false, true],
  ]);
});

test("cb dispatcher whose join an old server refuses says why, and tries again with a new token", async () => {
  await using box = await oldBox();
  let refusals = 0;
  box.server.rawChannel.refuses = () => {
    refusals += 1;
    return refusals === 1;
  };
  const dispatcher = await box.dispatcher();
  const [failed] = dispatcher.records("join-failed");
  assert.equal(failed?.["reason"], "it refuses the join: Invalid agent token!");
  assert.equal(box.server.rawChannel.tokens.size, 2);
  assert.equal((await dispatcher.run("quick")).successful, true);
});

for (const generation of [3, 4] as const) {
  test(`cb dispatcher that is killed in a run tells Faraday ${generation} at the next start how that ended`, async () => {
    await using box = await oldBox({ generation });
    const dispatcher = await box.dispatcher();
    const [id = 0] = box.server.run("waits");
    await dispatcher.until("the first result", () => box.server.accepted(id).length === 1);
    dispatcher.program.kill("SIGKILL");
    await dispatcher.program.finished;
    const next = box.startDispatcher();
    const { successful, message } = await next.ending(id);
    assert.equal(successful, false);
    assert.match(message, /^cut off: the dispatcher was killed, 1 result/);
    const { running, successful: ok } = box.server.executions.get(id) ?? {};
    assert.deepEqual([running, ok], [false, false]);
    await next.forgets(id);
  });
}

test("cb dispatcher says in status and check which protocol it speaks", async () => {
  await using box = await oldBox();
  const dispatcher = await box.dispatcher();
  const { stdout } = await box.ask("status");
  assert.match(stdout, /^server +http:\/\/localhost:\d+, connected \(legacy protocol\), since /m);
  const { link } = JSON.parse((await box.ask("status", "--output", "json")).stdout);
  assert.deepEqual([link.connected, link.protocol], [true, "legacy"]);
  const check = await box.check();
  assert.equal(check.status, 0, check.stdout);
  assert.match(check.stdout, /^ok +command channel +opens, in the way of Faraday 4 and older$/m);
  // It has put nobody out.
  assert.equal((await dispatcher.run("quick")).successful, true);
  assert.equal(box.server.rawChannel.joins.length, 1);

  await using today = await ScanBox.start();
  today.executor("quick", RESULT);
  await today.dispatcher();
  const status = JSON.parse((await today.ask("status", "--output", "json")).stdout);
  assert.equal(status.link.protocol, "socket.io");
});

test("cb dispatcher speaks the protocol that is set and no other, and says what keeps it from that", async () => {
  await using old = await oldBox();
  const stubborn = await old.check(["--channel-protocol", "socket.io"]);
  assert.equal(stubborn.status, 1);
  assert.match(stubborn.stdout, /^FAILED +command channel +\S/m);
  old.register();
  const asked = old.startDispatcher(["--channel-protocol", "legacy"]);
  assert.equal((await asked.logged("joined"))["protocol"], "legacy");
  await asked.stop();
  const given = old.startDispatcher([
    "--channel-protocol",
    "legacy",
    "--channel-server",
    old.server.channelUrl.href,
  ]);
  await given.logged("joined");
  await given.stop();

  await using today = await ScanBox.start();
  today.executor("quick", RESULT);
  const { status, stdout } = await today.check(["--channel-protocol", "legacy"]);
  assert.equal(status, 1);
  assert.match(
    stdout,
    /^FAILED +command channel +no WebSocket at "http:\/\/localhost:\d+\/websockets": it answers with a web page$/m,
  );
  const wrong = await today.check(["--channel-protocol", "raw"]);
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /^cb: error: Cannot use --channel-protocol "raw": .*socket\.io/);
});

test("cb dispatcher finds the port of an old server's WebSocket where that is all it is given", async () => {
  await using box = await oldBox();
  const dispatcher = await box.dispatcher(["--channel-server", box.server.channelUrl.href]);
  assert.equal((await dispatcher.run("quick")).successful, true);
});

/** The command channel of `cb dispatcher` beside strangers, and over losses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ScanBox } from "../support/scan-box.ts";

const RESULT = `echo '{"hosts":[{"ip":"192.0.2.1"}]}'`;

/** A box with an executor that prints, waits for the file `go`, and prints again. */
async function waitingBox(): Promise<ScanBox> {
  const box = await ScanBox.start();
  const wait = box.waitFor("go");
  box.executor("waits", RESULT, `echo >>${box.path("started")}`, wait, RESULT);
  box.executor("quick", RESULT);
  return box;
}

/** What was said of a run: whether it runs, and whether it was a success. */
function said(box: ScanBox, id: number): readonly (readonly [boolean | null, boolean | null])[] {
  const statuses = box.server.channel.statuses.filter(({ execution_ids: ids }) => ids.includes(id));
  return statuses.map(({ running, successful }) => [running, successful] as const);
}

test("cb dispatcher goes on where strangers join and are refused: its run ends well, and it joins once", async () => {
  await using box = await waitingBox();
  const dispatcher = await box.dispatcher();
  const [id = 0] = box.server.run("waits");
  await dispatcher.until("the executor", () => box.read("started") !== "");
  for (let stranger = 0; stranger < 5; stranger += 1) {
    box.server.channel.strangerJoins();
    box.server.channel.strangerIsRefused();
  }
  box.server.channel.broadcastRaw('2/dispatcher,["leave",{}]');
  box.server.channel.broadcastRaw(
    '2/dispatcher,["message",["Agent joined correctly to dispatcher namespace"]]',
  );
  assert.equal((await dispatcher.run("quick")).successful, true);
  box.file("go", "");
  const { successful, message } = await dispatcher.ending(id);
  assert.deepEqual([successful, box.server.accepted(id).length], [true, 3], message);
  assert.equal(box.server.channel.joins.length, 1);
  assert.deepEqual(dispatcher.records("channel-lost"), []);
  assert.deepEqual(said(box, id), [
    [true, null],
    [false, true],
  ]);
});

test("cb dispatcher that joins while a stranger is refused is in, with a new token, and takes runs", async () => {
  await using box = await waitingBox();
  let joins = 0;
  box.server.channel.handlerDelay = (event) => {
    if (event !== "join_agent") return 0;
    joins += 1;
    // In between the join and its acknowledgement.
    if (joins === 1) box.server.channel.strangerIsRefused();
    return 50;
  };
  const dispatcher = await box.dispatcher();
  assert.equal((await dispatcher.run("quick")).successful, true);
  assert.deepEqual([joins, box.server.channel.tokens.size], [2, 2]);
  assert.equal(box.server.channel.members, 1);
});

test("cb dispatcher whose join is refused tries again with a new token, and says so", async () => {
  await using box = await waitingBox();
  let refusals = 0;
  box.server.channel.refuses = () => {
    refusals += 1;
    return refusals <= 2;
  };
  const dispatcher = await box.dispatcher();
  assert.equal(refusals, 3);
  assert.equal(box.server.channel.tokens.size, 3);
  assert.equal((await dispatcher.run("quick")).successful, true);
});

for (const [how, lose] of [
  ["breaks", (box: ScanBox) => box.server.channel.cut()],
  ["is ended by the server", (box: ScanBox) => box.server.channel.broadcastRaw("1/dispatcher,")],
] as const) {
  test(`cb dispatcher whose channel ${how} joins again, and each run gets its true end`, async () => {
    await using box = await waitingBox();
    const dispatcher = await box.dispatcher();
    const [id = 0] = box.server.run("waits");
    await dispatcher.until("the executor", () => box.read("started") !== "" && said(box, id).length === 1);
    lose(box);
    await dispatcher.logged("joined", 2);
    await dispatcher.until("the run to be announced again", () => said(box, id).length === 2);
    // The server took it for failed meanwhile.
    assert.deepEqual(box.server.executions.get(id)?.running, true);
    box.file("go", "");
    const { successful, message } = await dispatcher.ending(id);
    assert.equal(successful, true, message);
    assert.deepEqual(said(box, id), [
      [true, null],
      [true, null],
      [false, true],
    ]);
    assert.equal(box.read("started"), "\n");
    const { running, successful: ok } = box.server.executions.get(id) ?? {};
    assert.deepEqual([running, ok], [false, true]);
  });
}

test("cb dispatcher tells a final status again that was lost with its connection", async () => {
  await using box = await waitingBox();
  const { channel } = box.server;
  let isLost = false;
  channel.handlerDelay = (event, status) => {
    if (isLost || event !== "run_status" || !String(status).includes('"running":false')) return 0;
    isLost = true;
    channel.cut();
    // Longer than the test: nobody deals with it.
    return 60_000;
  };
  const dispatcher = await box.dispatcher();
  const { id, successful } = await dispatcher.run("quick");
  assert.equal(successful, true);
  assert.deepEqual(dispatcher.endings(id).length, 1);
  assert.equal(channel.joins.length, 2);
  // Only then has it forgotten the run.
  await dispatcher.forgets(id);
});

test("cb dispatcher runs a run once that the server asks for twice", async () => {
  await using box = await waitingBox();
  const dispatcher = await box.dispatcher();
  const [id = 0] = box.server.run("waits");
  box.server.channel.sendRun({ execution_ids: [id], workspaces: ["w1"], executor: "waits", args: {} });
  await dispatcher.logged("run-repeated");
  box.file("go", "");
  assert.equal((await dispatcher.ending(id)).successful, true);
  assert.equal((await dispatcher.run("quick")).successful, true);
  assert.deepEqual([box.read("started"), dispatcher.endings(id).length], ["\n", 1]);
});

test("cb dispatcher that was stopped for longer than a heartbeat runs what was sent to it meanwhile", async () => {
  await using box = await ScanBox.start({ pingInterval: 200, pingTimeout: 300 });
  box.executor("quick", RESULT);
  const dispatcher = await box.dispatcher();
  dispatcher.program.kill("SIGSTOP");
  const [id = 0] = box.server.run("quick");
  await dispatcher.until("the server to miss the heartbeat", () => !box.server.channel.online);
  dispatcher.program.kill("SIGCONT");
  const { successful, message } = await dispatcher.ending(id);
  assert.equal(successful, true, message);
  assert.equal(box.server.accepted(id).length, 2);
});

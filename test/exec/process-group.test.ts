import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, notedNumber, noteFile, outcome, record, recordWith, start, textOf } from "./run.ts";

test("execute() ends a child in the group that ignores SIGTERM, also when the leader has died", async (t) => {
  const note = noteFile(t);
  const controller = new AbortController();
  let stoppedAt = 0;
  let wasRunning = false;
  const events = start("leaves-child-ignoring-sigterm", { note, signal: controller.signal, stopGrace: 500 });
  const { end } = await recordWith(events, async () => {
    stoppedAt = performance.now();
    controller.abort("stopped");
    await sleep(200);
    wasRunning = isRunning(notedNumber(note));
  });
  const waited = performance.now() - stoppedAt;
  assert.ok(wasRunning, "the child did not get its grace");
  assert.ok(!isRunning(notedNumber(note)), "the child was left");
  assert.deepEqual(outcome(end), {
    reason: "stopped",
    status: undefined,
    signal: "SIGTERM",
    leftOpen: false,
  });
  assert.ok(waited >= 490 && waited < 3000, `${waited} ms`);
});

test("execute() does not wait for a member of the group that is dead and only not waited for", async (t) => {
  const note = noteFile(t);
  const controller = new AbortController();
  let stoppedAt = 0;
  await recordWith(start("leaves-zombie", { note, signal: controller.signal, stopGrace: 30_000 }), () => {
    stoppedAt = performance.now();
    controller.abort("stopped");
  });
  const waited = performance.now() - stoppedAt;
  process.kill(notedNumber(note), "SIGKILL");
  assert.ok(waited < 3000, `${waited} ms`);
});

test("execute() leaves the background child of a command that exits alone, and does not wait for it", async (t) => {
  const note = noteFile(t);
  const { outputs, end } = await record(start("leaves-silent-child", { note, drainGrace: 30_000 }));
  const child = notedNumber(note);
  const survived = isRunning(child);
  process.kill(child, "SIGKILL");
  assert.ok(survived);
  assert.equal(textOf(outputs), "done\n");
  assert.deepEqual(outcome(end), { reason: "exited", status: 0, signal: undefined, leftOpen: false });
});

test("execute() ends although a daemon that left the group holds stdout, and says so", async (t) => {
  const note = noteFile(t);
  const controller = new AbortController();
  const events = start("starts-daemon", { note, signal: controller.signal, drainGrace: 300 });
  const { end } = await recordWith(events, () => controller.abort("stopped"));
  process.kill(notedNumber(note), "SIGKILL");
  assert.deepEqual(outcome(end), { reason: "stopped", status: undefined, signal: "SIGTERM", leftOpen: true });
});

for (const fixture of ["speaks-then-stays", "ignores-sigterm", "leaves-child-ignoring-sigterm"]) {
  test(`execute() kills the group of ${fixture} at once when the consumer leaves`, async (t) => {
    const note = noteFile(t);
    let leader = 0;
    let leftAt = 0;
    for await (const event of start(fixture, { note, stopGrace: 30_000 })) {
      if (event.kind === "end") assert.fail("it ended by itself");
      leader = Number(textOf([event]).slice("ready ".length));
      assert.ok(isRunning(leader));
      leftAt = performance.now();
      break;
    }
    assert.ok(performance.now() - leftAt < 3000);
    assert.ok(!isRunning(leader), "the leader was left");
    if (fixture === "leaves-child-ignoring-sigterm") assert.ok(!isRunning(notedNumber(note)));
  });
}

test("execute() kills the group at once when the consumer leaves during the stop grace", async () => {
  const controller = new AbortController();
  let leader = 0;
  let leftAt = 0;
  for await (const event of start("chatters-on-sigterm", { signal: controller.signal, stopGrace: 30_000 })) {
    if (event.kind === "end") assert.fail("it ended by itself");
    if (leader === 0) {
      leader = Number(textOf([event]).slice("ready ".length));
      controller.abort("stopped");
      continue;
    }
    leftAt = performance.now();
    break;
  }
  assert.ok(performance.now() - leftAt < 3000);
  assert.ok(!isRunning(leader));
});

test("execute() leaves the background child alone when the consumer leaves after the exit", async (t) => {
  const note = noteFile(t);
  for await (const event of start("leaves-child-holding-stdout", { note, drainGrace: 30_000 })) {
    assert.equal(event.kind, "output");
    await sleep(300);
    break;
  }
  const survived = isRunning(notedNumber(note));
  process.kill(notedNumber(note), "SIGKILL");
  assert.ok(survived);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Hold } from "../../src/agent/hold.ts";
import { NOW } from "./scene.ts";

function scene() {
  const clock = { wall: () => NOW, monotonic: () => 0 };
  const [leaveQueue, end] = [new AbortController(), new AbortController()];
  const hold = new Hold();
  const wait = (milliseconds = 60_000) =>
    hold.wait(NOW + milliseconds, { clock, leaveQueue: leaveQueue.signal }, end.signal);
  return { hold, leaveQueue, end, wait };
}

const NEVER = { release: undefined };

test("Hold ends with its release, which may come before anybody waits", async () => {
  const { hold, wait } = scene();
  assert.equal(hold.isOpen, true);
  const waiting = wait();
  hold.end(undefined);
  assert.equal(await waiting, undefined);
  assert.equal(hold.isOpen, false);
  const early = scene();
  early.hold.end(undefined);
  assert.equal(await early.wait(), undefined);
});

test("Hold gives up when its time is over, and takes no release any more", async () => {
  const { hold, wait } = scene();
  const detail = "it was not released in time";
  assert.deepEqual(await wait(5), { ...NEVER, ending: "never-released", detail });
  assert.equal(hold.isOpen, false);
  assert.deepEqual(await scene().wait(-5), { ...NEVER, ending: "never-released", detail });
});

test("Hold says why a release was no good", async () => {
  const { hold, wait } = scene();
  hold.end("too late");
  hold.end(undefined);
  assert.deepEqual(await wait(), { ...NEVER, ending: "never-released", detail: "too late" });
});

test("Hold ends with its cancel, and with its agent", async () => {
  const cancelled = scene();
  const one = cancelled.wait();
  cancelled.end.abort("cancelled");
  assert.deepEqual(await one, { ...NEVER, ending: "cancelled", detail: undefined });
  assert.equal(cancelled.hold.isOpen, false);
  const detail = "the agent is stopping";
  for (const how of ["leaveQueue", "end"] as const) {
    const stopping = scene();
    const waiting = stopping.wait();
    await sleep(1);
    stopping[how].abort("stopped");
    assert.deepEqual(await waiting, { ...NEVER, ending: "never-started", detail });
  }
});

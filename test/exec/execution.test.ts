import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import {
  isRunning,
  notedNumber,
  noteFile,
  outcome,
  record,
  recordWith,
  start,
  textOf,
  until,
} from "./run.ts";

test("execute() reports the exit status", async () => {
  const { end } = await record(start("exits-3"));
  assert.deepEqual(outcome(end), { reason: "exited", status: 3, signal: undefined, leftOpen: false });
  assert.deepEqual(end.bytes, { stdout: 0, stderr: 0 });
});

test("execute() tells the id of the process before its output, and of one that does not start none", async () => {
  const told: (number | string)[] = [];
  const onStart = (pid: number) => told.push(pid);
  const { outputs } = await recordWith(start("speaks-then-stays", { onStart, timeLimit: 300 }), () => {
    told.push("output");
  });
  assert.deepEqual(told, [Number(textOf(outputs).slice("ready ".length)), "output"]);
  await record(start("no-hashbang", { onStart }));
  assert.equal(told.length, 2);
});

test("execute() reports the signal that ended the command", async () => {
  const { end } = await record(start("kills-itself"));
  assert.deepEqual(outcome(end), {
    reason: "signalled",
    status: undefined,
    signal: "SIGKILL",
    leftOpen: false,
  });
});

test("execute() measures the run time up to the exit of the command itself", async (t) => {
  const { end } = await record(start("prints-to-both-streams"));
  assert.ok(end.runTime >= 790 && end.runTime < 5000, `${end.runTime} ms`);

  const note = noteFile(t);
  const held = await record(start("leaves-child-holding-stdout", { note, drainGrace: 700 }));
  process.kill(notedNumber(note), "SIGKILL");
  assert.ok(held.end.runTime < 700, `${held.end.runTime} ms`);
});

test("execute() ends the command at the time limit", async () => {
  const { outputs, end } = await record(start("speaks-then-stays", { timeLimit: 300 }));
  assert.match(textOf(outputs), /^ready \d+\n$/);
  assert.deepEqual(outcome(end), {
    reason: "time-limit",
    status: undefined,
    signal: "SIGTERM",
    leftOpen: false,
  });
  assert.ok(end.runTime >= 290 && end.runTime < 3000, `${end.runTime} ms`);
});

test("execute() ends the command at the time limit although the consumer stands still", async () => {
  const events = start("speaks-then-stays", { timeLimit: 300 });
  const first = await events.next();
  if (first.done || first.value.kind === "end") assert.fail("it ended by itself");
  const leader = Number(textOf([first.value]).slice("ready ".length));
  assert.ok(isRunning(leader));
  assert.ok(await until(() => !isRunning(leader)), "it went on after the time limit");
  const last = await events.next();
  assert.ok(!last.done && last.value.kind === "end" && last.value.reason === "time-limit");
});

for (const reason of ["stopped", "cancelled"] as const) {
  test(`execute() ends the command when it is ${reason}`, async () => {
    const controller = new AbortController();
    const events = start("speaks-then-stays", { signal: controller.signal });
    const { end } = await recordWith(events, () => controller.abort(reason));
    assert.deepEqual(outcome(end), { reason, status: undefined, signal: "SIGTERM", leftOpen: false });
  });

  test(`execute() starts nothing that was ${reason} before`, async (t) => {
    const note = noteFile(t);
    const { outputs, end } = await record(
      start("leaves-silent-child", { note, signal: AbortSignal.abort(reason) }),
    );
    assert.deepEqual(outputs, []);
    assert.equal(end.reason, reason);
    assert.throws(() => notedNumber(note), { code: "ENOENT" });
  });
}

test("execute() kills a command that ignores SIGTERM after the stop grace, not before", async () => {
  const controller = new AbortController();
  let stoppedAt = 0;
  const events = start("ignores-sigterm", { signal: controller.signal, stopGrace: 400 });
  const { end } = await recordWith(events, () => {
    stoppedAt = performance.now();
    controller.abort("stopped");
  });
  const waited = performance.now() - stoppedAt;
  assert.deepEqual(outcome(end), {
    reason: "stopped",
    status: undefined,
    signal: "SIGKILL",
    leftOpen: false,
  });
  assert.ok(waited >= 390 && waited < 3000, `${waited} ms`);
});

test("execute() gives a command that is ended the time to say its last words", async () => {
  const controller = new AbortController();
  const events = start("exits-0-on-sigterm", { signal: controller.signal });
  const { outputs, end } = await recordWith(events, () => controller.abort("stopped"));
  assert.equal(textOf(outputs), "ready\ngoodbye\n");
  assert.deepEqual(outcome(end), { reason: "stopped", status: 0, signal: undefined, leftOpen: false });
});

test("execute() keeps the first reason: an abort after the time limit", async () => {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort("cancelled"), 500);
  const events = start("ignores-sigterm", { signal: controller.signal, timeLimit: 200, stopGrace: 600 });
  const { end } = await record(events);
  clearTimeout(timer);
  assert.equal(end.reason, "time-limit");
});

test("execute() keeps the first reason: a time limit after the abort", async () => {
  const controller = new AbortController();
  const events = start("ignores-sigterm", { signal: controller.signal, timeLimit: 500, stopGrace: 900 });
  const { end } = await recordWith(events, () => controller.abort("cancelled"));
  assert.equal(end.reason, "cancelled");
});

test("execute() keeps the first reason: an abort after the exit", async (t) => {
  const note = noteFile(t);
  const controller = new AbortController();
  const events = start("leaves-child-holding-stdout", { note, signal: controller.signal, drainGrace: 800 });
  const timer = setTimeout(() => controller.abort("stopped"), 400);
  const { end } = await record(events);
  clearTimeout(timer);
  assert.ok(isRunning(notedNumber(note)));
  process.kill(notedNumber(note), "SIGKILL");
  assert.deepEqual(outcome(end), { reason: "exited", status: 0, signal: undefined, leftOpen: true });
});

test("execute() lets a command run whose time limit is longer than a timer can be", async () => {
  const { end } = await record(start("prints-small-pieces", { timeLimit: 2 ** 40 }));
  assert.equal(end.reason, "exited");
});

test("execute() takes its listener from a signal that lives longer than the command", async () => {
  const { signal } = new AbortController();
  await record(start("exits-3", { signal }));
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionEnd } from "../../src/exec/execution.ts";
import { OutputReader } from "../../src/exec/output-reader.ts";
import {
  bytesOf,
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

test("execute() gives the output of both streams in the order it comes", async () => {
  const { outputs } = await record(start("prints-to-both-streams"));
  assert.deepEqual(
    outputs.map(({ stream, data }) => [stream, Buffer.from(data).toString()]),
    [1, 2].flatMap((number) => [
      ["stdout", `out ${number}\n`],
      ["stderr", `err ${number}\n`],
    ]),
  );
});

test("execute() gives output within the gathering time, not at the end", async () => {
  const controller = new AbortController();
  const events = start("speaks-then-stays", { signal: controller.signal, timeLimit: 4000 });
  const { end } = await recordWith(events, () => controller.abort("stopped"));
  assert.equal(end.reason, "stopped");
});

test("execute() gathers small pieces of one stream", async () => {
  const { outputs, end } = await record(start("prints-small-pieces"));
  const lines = Array.from({ length: 40 }, (_, number) => `line ${number}\n`);
  assert.equal(textOf(outputs), lines.join(""));
  const most = end.runTime / 50 + 2;
  assert.ok(outputs.length > 1 && outputs.length <= most, `${outputs.length} chunks in ${end.runTime} ms`);
});

test("execute() gives chunks of at most 64 KiB and loses nothing at the exit", async () => {
  const { outputs } = await record(start("prints-4-mb"));
  assert.equal(bytesOf(outputs, "stdout").length, 4_000_000);
  for (const { data } of outputs) assert.ok(data.length > 0 && data.length <= 65_536, `${data.length} bytes`);
});

test("execute() loses nothing for a consumer that is slower than the drain grace", async () => {
  let length = 0;
  let end: ExecutionEnd | undefined;
  for await (const event of start("prints-4-mb", { drainGrace: 50 })) {
    if (event.kind === "end") end = event;
    else length += event.data.length;
    // The longest wait by far falls into the time after the exit: little is left to come.
    await sleep(length > 3_700_000 ? 150 : 5);
  }
  assert.equal(length, 4_000_000);
  assert.equal(end?.leftOpen, false);
});

test("execute() passes a last line without newline", async () => {
  const { outputs } = await record(start("prints-no-newline"));
  assert.equal(textOf(outputs), "no newline");
});

test("execute() passes any octets unchanged", async () => {
  const { outputs } = await record(start("prints-binary"));
  assert.deepEqual([...bytesOf(outputs, "stdout")], [0, 13, 10, 27, 91, 50, 74, 0xc3, 0xff]);
});

test("execute() reads less than 1 MiB ahead of a consumer that stands still", async (t) => {
  const note = noteFile(t);
  const controller = new AbortController();
  const events = start("floods", { note, signal: controller.signal });
  let given = 0;
  let ahead = 0;
  let total = 0;
  for await (const event of events) {
    if (event.kind === "end") continue;
    total += event.data.length;
    if (given++ !== 3) continue;
    await sleep(1000);
    // Whole pieces of 64 KiB and the one that it is writing: system buffers and ours together.
    const first = notedNumber(note);
    await sleep(200);
    assert.equal(notedNumber(note), first, "the command is not blocked");
    ahead = (first + 1) * 65_536 - total;
    controller.abort("cancelled");
  }
  assert.ok(ahead > 0 && ahead < 1024 * 1024, `${ahead} bytes ahead`);
});

test("execute() goes on with a flood when the consumer does", async (t) => {
  const controller = new AbortController();
  let total = 0;
  for await (const event of start("floods", { note: noteFile(t), signal: controller.signal })) {
    if (event.kind === "end") continue;
    total += event.data.length;
    if (total === event.data.length) await sleep(300);
    if (total > 8 * 1024 * 1024) controller.abort("cancelled");
  }
  assert.ok(total > 8 * 1024 * 1024);
});

test("execute() stops reading after the drain grace when a background child holds stdout, and says so", async (t) => {
  const note = noteFile(t);
  const startedAt = performance.now();
  const { outputs, end } = await record(start("leaves-child-holding-stdout", { note, drainGrace: 400 }));
  const waited = performance.now() - startedAt;
  const child = notedNumber(note);
  const survived = isRunning(child);
  process.kill(child, "SIGKILL");
  assert.ok(survived);
  assert.equal(textOf(outputs), "done\n");
  assert.deepEqual(outcome(end), { reason: "exited", status: 0, signal: undefined, leftOpen: true });
  assert.ok(waited >= 390 && waited < 3000, `${waited} ms`);
});

test("execute() closes the output of a background child that floods", async (t) => {
  const note = noteFile(t);
  const { end } = await record(start("leaves-child-flooding", { note, drainGrace: 200 }));
  assert.equal(end.leftOpen, true);
  assert.ok(await until(() => !isRunning(notedNumber(note))), "the flood did not meet a closed pipe");
});

test("execute() ends a background flood that only a slow consumer keeps alive", async (t) => {
  const note = noteFile(t);
  const events = start("leaves-child-flooding", { note, drainGrace: 50 });
  let end: ExecutionEnd | undefined;
  const startedAt = performance.now();
  for await (const event of events) {
    if (event.kind === "end") end = event;
    else await sleep(5);
  }
  assert.equal(end?.leftOpen, true);
  assert.ok(performance.now() - startedAt < 4000);
  assert.ok(await until(() => !isRunning(notedNumber(note))));
});

test("OutputReader.drain() gives the grace again when the consumer held reading back in it", async () => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const reader = new OutputReader(stdout, stderr);
  const leftOpen = reader.drain(300);
  stdout.write(new Uint8Array(128 * 1024));
  await sleep(100);
  for (let taken = 0; taken < 128 * 1024; taken += (await reader.next())?.data.length ?? Infinity);
  await sleep(300);
  stdout.end("last words");
  stderr.end();
  assert.equal(new TextDecoder().decode((await reader.next())?.data), "last words");
  assert.equal(await leftOpen, false);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { StatusMessage } from "../../src/faraday/command-channel.ts";
import { StatusReports } from "../../src/faraday/status-reports.ts";

const RUN = { executionIds: [41, 42], executor: "nmap" };
const OK = { successful: true, message: "finished" };

/** A channel that has one answer after the other, the last one for ever. */
function channel(...answers: readonly boolean[]) {
  const said: StatusMessage[] = [];
  const tell = async (status: StatusMessage, signal: AbortSignal) => {
    signal.throwIfAborted();
    said.push(status);
    return answers[Math.min(said.length, answers.length) - 1] ?? false;
  };
  return { said, tell };
}

test("StatusReports.finished() resolves when the server has it, with all ids and a boolean", async () => {
  const { said, tell } = channel(true);
  const reports = new StatusReports(tell, new AbortController().signal);
  assert.equal(await reports.finished(RUN, OK), true);
  assert.deepEqual(said, [{ ...RUN, running: false, successful: true, message: "finished" }]);
});

test("StatusReports.finished() is told again after each join until the server has it, and then no more", async () => {
  const { said, tell } = channel(false, false, true);
  const reports = new StatusReports(tell, new AbortController().signal);
  const known = reports.finished(RUN, OK);
  await sleep(1);
  assert.equal(said.length, 1);
  reports.onJoined();
  await sleep(1);
  reports.onJoined();
  assert.equal(await known, true);
  reports.onJoined();
  await sleep(1);
  assert.equal(said.length, 3);
});

test("StatusReports.running() is announced anew after a join, and not after the run has finished", async () => {
  const { said, tell } = channel(true);
  const reports = new StatusReports(tell, new AbortController().signal);
  reports.running(RUN);
  reports.onJoined();
  await reports.finished(RUN, OK);
  reports.onJoined();
  await sleep(1);
  assert.deepEqual(
    said.map(({ running, successful }) => [running, successful]),
    [
      [true, null],
      [true, null],
      [false, true],
    ],
  );
});

test("StatusReports.finished() is of no use to one that was refused once the process gives up", async () => {
  const { tell } = channel(false);
  const end = new AbortController();
  const reports = new StatusReports(tell, end.signal);
  const known = reports.finished(RUN, OK);
  end.abort();
  assert.equal(await known, false);
  assert.equal(await reports.finished(RUN, OK), false);
});

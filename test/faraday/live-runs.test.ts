import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveRuns } from "../../src/faraday/live-runs.ts";

const clock = { wall: () => 1_000, monotonic: () => 0 };

/** A run that is under way until it is let go. */
function begin(runs: LiveRuns, id: string, state: "waiting" | "posting" = "waiting") {
  let letGo: () => void = () => {};
  let signal = new AbortController().signal;
  let enter: (state: "running" | "posting") => void = () => {};
  const over = runs.during({ id, executor: "nmap", workspaces: ["w1"], state }, (live) => {
    signal = live.end.signal;
    enter = (next) => runs.enter(live, next);
    return new Promise<void>((resolve) => {
      letGo = resolve;
    });
  });
  const end = async () => {
    letGo();
    await over;
  };
  return { end, signal, enter };
}

/** Whether a promise has resolved by now. */
async function isResolved(promise: Promise<void>): Promise<boolean> {
  const later = new Promise<false>((resolve) => setImmediate(() => resolve(false)));
  return Promise.race([promise.then(() => true as const), later]);
}

test("LiveRuns.during() lists a run with its state until its work is done, also where that fails", async () => {
  const runs = new LiveRuns(clock);
  const run = begin(runs, "41");
  const listed = { id: "41", executor: "nmap", workspaces: ["w1"], since: 1_000 };
  assert.deepEqual(runs.states, [{ ...listed, state: "waiting" }]);
  run.enter("running");
  assert.deepEqual(runs.states, [{ ...listed, state: "running" }]);
  assert.equal(runs.has("41"), true);
  await run.end();
  assert.deepEqual([runs.states, runs.has("41")], [[], false]);
  const failing = runs.during({ id: "42", executor: "x", workspaces: [], state: "waiting" }, () => {
    return Promise.reject(new Error("no"));
  });
  await assert.rejects(failing, /no/);
  assert.deepEqual(runs.states, []);
});

test("LiveRuns.cancel() ends one run that waits or runs, with the operator's reason, and no other", async () => {
  const runs = new LiveRuns(clock);
  const [one, other, posting] = [begin(runs, "1"), begin(runs, "2"), begin(runs, "3", "posting")];
  one.enter("running");
  assert.deepEqual([runs.cancel("1"), runs.cancel("3"), runs.cancel("4")], [true, false, false]);
  assert.equal(one.signal.reason, "cancelled");
  assert.deepEqual([other.signal.aborted, posting.signal.aborted], [false, false]);
});

test("LiveRuns.stop() ends those that wait, or all of them, as the dispatcher's wish", () => {
  const runs = new LiveRuns(clock);
  const [waiting, running] = [begin(runs, "1"), begin(runs, "2")];
  running.enter("running");
  runs.stop("waiting");
  assert.deepEqual([waiting.signal.reason, running.signal.aborted], ["stopped", false]);
  runs.stop("all");
  assert.equal(running.signal.reason, "stopped");
});

test("LiveRuns.quiet() waits for processes and turns, idle() for posts as well", async () => {
  const runs = new LiveRuns(clock);
  const [one, two] = [begin(runs, "1"), begin(runs, "2")];
  const [quiet, idle] = [runs.quiet(), runs.idle()];
  one.enter("posting");
  assert.equal(await isResolved(quiet), false);
  two.enter("posting");
  assert.equal(await isResolved(quiet), true);
  await one.end();
  assert.equal(await isResolved(idle), false);
  await two.end();
  assert.equal(await isResolved(idle), true);
  assert.equal(await isResolved(new LiveRuns(clock).quiet()), true);
});

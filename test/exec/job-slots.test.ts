import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as settle } from "node:timers/promises";
import fc from "fast-check";
import type { CommandName } from "../../src/core/names.ts";
import { JobSlots, MAX_WAITING } from "../../src/exec/job-slots.ts";
import { name } from "../agent/scene.ts";

const never = new AbortController().signal;

/** Takes a slot that must be there at once. */
async function takeNow(slots: JobSlots, command: CommandName): Promise<() => void> {
  assert.equal(slots.placeFor(command), "free");
  const release = await slots.take(command, never);
  assert.ok(release !== undefined);
  return release;
}

/** Waits for slots and notes who got one, in which order. */
function waiters(slots: JobSlots) {
  const got: string[] = [];
  const releases: (() => void)[] = [];
  const wait = async (label: string, command: string, signal = never, most?: number) => {
    const release = await slots.take(name(command), signal, most);
    got.push(release === undefined ? `${label} gave up` : label);
    if (release !== undefined) releases.push(release);
  };
  return { got, releases, wait };
}

test("JobSlots.take() reserves at once, before anybody can await it", () => {
  const slots = new JobSlots(2);
  void slots.take(name("a"), never);
  assert.equal(slots.running, 1);
  assert.equal(slots.placeFor(name("a")), "queue");
  assert.equal(slots.placeFor(name("b")), "free");
  void slots.take(name("b"), never);
  assert.equal(slots.placeFor(name("c")), "queue");
  assert.equal(slots.running, 2);
});

test("JobSlots lets one command run once at a time, though there is room", async () => {
  const slots = new JobSlots(4);
  const release = await takeNow(slots, name("a"));
  const { got, releases, wait } = waiters(slots);
  void wait("second", "a");
  void wait("third", "a");
  await settle();
  assert.deepEqual(got, []);
  release();
  await settle();
  assert.deepEqual(got, ["second"]);
  assert.equal(slots.running, 1);
  releases.shift()?.();
  await settle();
  assert.deepEqual(got, ["second", "third"]);
});

test("JobSlots lets one command run as often at a time as it may, within what may run in all", async () => {
  const slots = new JobSlots(3);
  const { got, releases, wait } = waiters(slots);
  for (const label of ["first", "second", "third"]) void wait(label, "a", never, 2);
  await settle();
  assert.deepEqual([got, slots.running], [["first", "second"], 2]);
  assert.deepEqual(
    [1, 2, 3].map((most) => slots.placeFor(name("a"), most)),
    ["queue", "queue", "free"],
  );
  void wait("b", "b");
  assert.equal(slots.placeFor(name("a"), 3), "queue");
  releases.shift()?.();
  await settle();
  assert.deepEqual([got, slots.running], [["first", "second", "b", "third"], 3]);
  for (const release of releases) release();
  assert.equal(slots.running, 0);
});

test("JobSlots serves in the order of arrival", async () => {
  const slots = new JobSlots(1);
  const release = await takeNow(slots, name("a"));
  const { got, releases, wait } = waiters(slots);
  for (const command of ["d", "c", "b", "a"]) void wait(command, command);
  release();
  for (let count = 0; count < 4; count++) {
    await settle();
    releases.shift()?.();
  }
  assert.deepEqual(got, ["d", "c", "b", "a"]);
  assert.equal(slots.running, 0);
});

test("JobSlots lets nobody wait for a turn that only the command in front of him cannot use", async () => {
  const slots = new JobSlots(2);
  const releaseA = await takeNow(slots, name("a"));
  const releaseB = await takeNow(slots, name("b"));
  const { got, wait } = waiters(slots);
  void wait("a again", "a");
  void wait("c", "c");
  releaseB();
  await settle();
  assert.deepEqual(got, ["c"]);
  releaseA();
  await settle();
  assert.deepEqual(got, ["c", "a again"]);
});

test("JobSlots.take() is undefined for whoever gives up, whose place the next one takes", async () => {
  const slots = new JobSlots(1);
  const release = await takeNow(slots, name("a"));
  const { got, wait } = waiters(slots);
  const controller = new AbortController();
  void wait("first", "b", controller.signal);
  void wait("second", "c");
  controller.abort();
  await settle();
  assert.deepEqual(got, ["first gave up"]);
  release();
  await settle();
  assert.deepEqual(got, ["first gave up", "second"]);
  await wait("late", "d", AbortSignal.abort());
  assert.equal(got.at(-1), "late gave up");
});

test("JobSlots.take() keeps its slot when the signal comes after the turn", async () => {
  const slots = new JobSlots(1);
  const release = await takeNow(slots, name("a"));
  const { got, wait } = waiters(slots);
  const controller = new AbortController();
  void wait("first", "b", controller.signal);
  release();
  controller.abort();
  await settle();
  assert.deepEqual(got, ["first"]);
  assert.equal(slots.running, 1);
});

test("JobSlots.take() gives up for a timeout that nobody but the queue holds", async () => {
  const slots = new JobSlots(1);
  await takeNow(slots, name("a"));
  const waiting = slots.take(name("b"), AbortSignal.any([never, AbortSignal.timeout(30)]));
  // A runtime could take the signal for garbage while the timer runs.
  Reflect.get(globalThis, "Bun").gc(true);
  assert.equal(await waiting, undefined);
});

test("JobSlots.placeFor() finds the queue full at its bound, and free again after somebody left", async () => {
  const slots = new JobSlots(1);
  const release = await takeNow(slots, name("a"));
  const { wait } = waiters(slots);
  const controller = new AbortController();
  for (let count = 0; count < MAX_WAITING - 1; count++) void wait("", `x${count}`);
  assert.equal(slots.placeFor(name("b")), "queue");
  void wait("", "last", controller.signal);
  assert.equal(slots.placeFor(name("b")), "full");
  controller.abort();
  assert.equal(slots.placeFor(name("b")), "queue");
  void wait("", "last");
  assert.equal(slots.placeFor(name("b")), "full");
  release();
  assert.equal(slots.placeFor(name("b")), "queue");
});

test("JobSlots.idle() resolves when the last command has gone, waiting ones included", async () => {
  const slots = new JobSlots(2);
  await slots.idle();
  const { got, releases, wait } = waiters(slots);
  const first = await takeNow(slots, name("a"));
  const second = await takeNow(slots, name("b"));
  let isIdle = false;
  const idle = slots.idle().then(() => {
    isIdle = true;
  });
  void wait("third", "a");
  first();
  second();
  await settle();
  assert.deepEqual([got, isIdle], [["third"], false]);
  releases[0]?.();
  await idle;
});

test("JobSlots.take() leaves no listener on a signal that outlives it", async () => {
  const slots = new JobSlots(1);
  const release = await takeNow(slots, name("a"));
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = AbortSignal.prototype;
  const count = (change: number, method: (...args: Parameters<typeof addEventListener>) => void) =>
    function (this: AbortSignal, ...args: Parameters<typeof addEventListener>) {
      listeners += change;
      method.apply(this, args);
    };
  signal.addEventListener = count(1, addEventListener) as typeof addEventListener;
  signal.removeEventListener = count(-1, removeEventListener) as typeof removeEventListener;
  const { got, wait } = waiters(slots);
  void wait("b", "b", signal);
  assert.equal(listeners, 1);
  release();
  await settle();
  assert.deepEqual(got, ["b"]);
  assert.equal(listeners, 0);
});

/** What can happen to slots: somebody comes, the n-th of those that run ends, the n-th of all gives up. */
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.record({ come: fc.constantFrom("a", "b", "c", "d") }) },
  { weight: 3, arbitrary: fc.record({ end: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ leave: fc.nat(9) }) },
);

test("JobSlots never runs too many, nor one command twice, and in the end everybody had a turn", async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 4 }),
    fc.array(happening, { maxLength: 60 }),
    async (jobs, happenings) => {
      const slots = new JobSlots(jobs);
      const running: { readonly command: string; readonly release: () => void }[] = [];
      type Guest = {
        command: CommandName;
        controller: AbortController;
        state: "waiting" | "served" | "gone";
      };
      const guests: Guest[] = [];
      const come = async (command: string) => {
        const guest: Guest = { command: name(command), controller: new AbortController(), state: "waiting" };
        guests.push(guest);
        const isFree = slots.placeFor(name(command)) === "free";
        const release = await slots.take(name(command), guest.controller.signal);
        guest.state = release === undefined ? "gone" : "served";
        if (release === undefined) {
          assert.ok(guest.controller.signal.aborted && !isFree);
          return;
        }
        assert.ok(
          running.every((other) => other.command !== command),
          `${command} runs twice`,
        );
        running.push({ command, release });
        assert.ok(running.length <= jobs, `${running.length} run`);
      };
      const end = (index: number) => running.splice(index % Math.max(1, running.length), 1)[0]?.release();
      const failures: unknown[] = [];
      for (const what of happenings) {
        if ("come" in what) come(what.come).catch((error: unknown) => failures.push(error));
        else if ("end" in what) end(what.end);
        else guests[what.leave]?.controller.abort();
        await settle();
        assert.deepEqual(failures, []);
        assert.equal(slots.running, running.length);
        // No slot is idle while somebody who waits could use it.
        const isServable = ({ command, state }: Guest) =>
          state === "waiting" && slots.placeFor(command) === "free";
        assert.ok(!guests.some(isServable));
      }
      // When all have ended, nobody is left.
      for (let rounds = guests.length; rounds > 0 && running.length > 0; rounds--) {
        end(0);
        await settle();
      }
      assert.deepEqual(failures, []);
      assert.equal(slots.running, 0);
      assert.ok(
        guests.every(({ state }) => state !== "waiting"),
        "somebody starves",
      );
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

test("JobSlots.resize() lets more start at once, and ends nobody where there are fewer", async () => {
  const seen: number[] = [];
  const slots = new JobSlots(1, (running) => seen.push(running));
  const { got, releases, wait } = waiters(slots);
  for (const label of ["a", "b", "c", "d"]) void wait(label, label);
  await settle();
  assert.deepEqual(got, ["a"]);
  slots.resize(3);
  await settle();
  assert.deepEqual([got, slots.running], [["a", "b", "c"], 3]);
  slots.resize(1);
  releases.shift()?.();
  releases.shift()?.();
  await settle();
  assert.deepEqual([got, slots.running], [["a", "b", "c"], 1]);
  releases.shift()?.();
  await settle();
  assert.deepEqual(got, ["a", "b", "c", "d"]);
  releases.shift()?.();
  assert.deepEqual([Math.max(...seen), seen.at(-1)], [3, 0]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as settle, setTimeout as sleep } from "node:timers/promises";
import { stalenessAtTurn } from "../../src/agent/freshness.ts";
import { type RunAnswer, type Turn, takeTurn } from "../../src/agent/turn.ts";
import { JobSlots } from "../../src/exec/job-slots.ts";
import { hex } from "../../src/protocol/bytes.ts";
import type { CborValue } from "../../src/protocol/cbor.ts";
import {
  EXPIRES,
  envelope,
  expectDecision,
  fields,
  ISSUED,
  moment,
  NOW,
  name,
  policy,
  receive,
} from "./scene.ts";

/** What the hub says of a station: whether it is there, nothing until it is told to give up, or that it refuses. */
type Word = boolean | "silence" | "refusal";

const HOUR = 3_600_000;
const GONE = 10_000;

/**
 * An agent of one slot, whose clocks and hub do what the test says.
 *
 * @param words of the hub, one for each time that it is asked; the last one holds on
 */
function scene(words: readonly Word[] = []) {
  const clock = { now: NOW, wall: () => clock.now, up: HOUR, monotonic: () => clock.up };
  const replay = { born: 0, floor: 0, has: () => false };
  const slots = new JobSlots(1);
  const leaveQueue = new AbortController();
  const end = new AbortController();
  const asked: string[] = [];
  const hub = {
    backlog: async (address: Uint8Array, signal: AbortSignal) => {
      const word = words[Math.min(asked.push(hex(address)), words.length) - 1];
      if (word === "refusal") throw new Error("refused");
      if (word === "silence") await sleep(60_000, undefined, { signal });
      return { length: 0, isStationThere: word === true };
    },
  };
  const parts = {
    slots,
    clock,
    hub,
    leaveQueue: leaveQueue.signal,
    staleness: (request: RunAnswer["request"]) =>
      stalenessAtTurn(request, { now: clock.now, uptime: clock.up, replay })?.detail,
  };
  return { clock, replay, slots, leaveQueue, end, asked, parts };
}

type Scene = ReturnType<typeof scene>;

function answerTo(queued: boolean, changes: Readonly<Record<string, CborValue>> = {}): RunAnswer {
  const load = { placeFor: () => (queued ? ("queue" as const) : ("free" as const)) };
  const when = moment({ load });
  return expectDecision(receive(envelope(fields(changes)), policy(), when), "run");
}

test("takeTurn() lets a command run as often at a time as it was admitted for", async () => {
  const all = { ...scene(), slots: new JobSlots(3) };
  const parts = { ...all.parts, slots: all.slots };
  const answer = { ...answerTo(false), concurrency: 2 };
  const starts = [1, 2, 3].map(() => takeTurn(answer, parts, all.end.signal));
  for (const start of starts.slice(0, 2)) assert.ok((await start).release !== undefined);
  assert.equal(all.slots.running, 2);
  const [first] = starts;
  (await first)?.release?.();
  assert.ok((await starts[2])?.release !== undefined);
});

function take({ parts, end }: Scene, answer: RunAnswer): Promise<Turn> {
  return takeTurn(answer, parts, end.signal);
}

/** A command that waits for the one in front of it, which `release` ends. */
async function queueUp(setting: Scene, changes: Readonly<Record<string, CborValue>> = {}) {
  const release = await setting.slots.take(name("other"), new AbortController().signal);
  assert.ok(release !== undefined);
  const answer = answerTo(true, changes);
  return { release, answer, turn: take(setting, answer) };
}

/** Asserts that it never starts, and that its slot is free for others. */
async function assertNever(setting: Scene, turn: Promise<Turn>, detail: string): Promise<void> {
  const { release, ...why } = await turn;
  assert.deepEqual([release, why], [undefined, { ending: "never-started", detail }]);
  assert.equal(setting.slots.running, 0);
}

async function assertStarts(setting: Scene, turn: Promise<Turn>): Promise<void> {
  const { release } = await turn;
  assert.equal(setting.slots.running, 1);
  assert.ok(release !== undefined);
  release();
  assert.equal(setting.slots.running, 0);
}

test("takeTurn() takes a free slot before anybody can await it, and asks for no station", async () => {
  const setting = scene([false]);
  const turn = take(setting, answerTo(false));
  assert.equal(setting.slots.running, 1);
  await assertStarts(setting, turn);
  assert.deepEqual(setting.asked, []);
});

test("takeTurn() asks for the station of a command that waited, once, when its turn comes", async () => {
  const setting = scene([true]);
  const { release, answer, turn } = await queueUp(setting);
  await settle();
  assert.deepEqual(setting.asked, []);
  release();
  await assertStarts(setting, turn);
  assert.deepEqual(setting.asked, [hex(answer.request.replyAddress)]);
});

test("takeTurn() gives the slot to others while a station is away, and starts when it is back", async () => {
  const setting = scene([false, true]);
  const { release, turn } = await queueUp(setting);
  release();
  await settle();
  const other = await setting.slots.take(name("third"), new AbortController().signal);
  assert.ok(other !== undefined);
  setting.clock.up += GONE; // a station that is there is there, however long it was away
  while (setting.asked.length < 2) await sleep(10);
  await settle();
  assert.equal(setting.asked.length, 2, "not asked again before its turn");
  other();
  await assertStarts(setting, turn);
  assert.equal(setting.asked.length, 3);
});

test("takeTurn() never starts what waited for a station that has gone, as soon as it counts as gone", async () => {
  const setting = scene([false]);
  const { release, turn } = await queueUp(setting);
  release();
  await settle();
  setting.clock.up += GONE - 1;
  while (setting.asked.length < 2) await sleep(10);
  await settle();
  assert.equal(await Promise.race([turn, "still waiting"]), "still waiting");
  setting.clock.up += 1;
  await assertNever(setting, turn, "its station has gone");
  assert.equal(setting.asked.length, 3);
});

const silences = {
  "a hub that does not answer while the request is valid": ["silence"],
  "a hub that refuses to say": ["refusal"],
  "a hub that says that the station is away, and then nothing more": [false, "refusal"],
} as const satisfies Record<string, readonly Word[]>;

for (const [what, words] of Object.entries(silences)) {
  test(`takeTurn() never starts what waited, with ${what}`, async () => {
    const setting = scene(words);
    const expires = words.some((word) => word === "silence") ? NOW + 100 : EXPIRES;
    const { release, turn } = await queueUp(setting, { expires });
    release();
    await assertNever(setting, turn, "the hub did not say whether its station is there");
    assert.equal(setting.asked.length, words.length);
  });
}

test("takeTurn() waits for a station that is away no longer than the request is valid", async () => {
  const setting = scene([false]);
  const { release, turn } = await queueUp(setting, { expires: NOW + 50 });
  release();
  await assertNever(setting, turn, "its turn did not come while the request was valid");
  assert.equal(setting.asked.length, 1);
});

test("takeTurn() leaves the queue when the request expires, whatever becomes of the clock", async () => {
  const setting = scene();
  const { release, turn } = await queueUp(setting, { expires: NOW + 50 });
  setting.clock.now -= HOUR;
  const { ending, detail } = await notStarted(turn);
  assert.deepEqual([ending, detail], ["never-started", "its turn did not come while the request was valid"]);
  release();
});

async function notStarted(turn: Promise<Turn>) {
  const outcome = await turn;
  assert.ok(outcome.release === undefined);
  return outcome;
}

/** Where a command can be that has not started, and how it got there. */
const places = {
  "the queue": async (setting: Scene) => (await queueUp(setting)).turn,
  "the wait for its station": async (setting: Scene) => {
    const { release, turn } = await queueUp(setting);
    release();
    await settle();
    return turn;
  },
  "the wait for its time of issue": async (setting: Scene) => {
    const turn = take(setting, answerTo(false, { issued: NOW + 20_000 }));
    await settle();
    return turn;
  },
} as const;

for (const [place, enter] of Object.entries(places)) {
  test(`takeTurn() takes a command out of ${place} when it is cancelled`, async () => {
    const setting = scene([false]);
    const turn = enter(setting);
    await settle();
    setting.end.abort("cancelled");
    const { ending, detail } = await notStarted(turn);
    assert.deepEqual([ending, detail], ["cancelled", undefined]);
  });

  for (const step of ["leaveQueue", "end"] as const) {
    test(`takeTurn() takes a command out of ${place} when the agent stops (${step})`, async () => {
      const setting = scene([false]);
      const turn = enter(setting);
      await settle();
      setting[step].abort("stopped");
      const { ending, detail } = await notStarted(turn);
      assert.deepEqual([ending, detail], ["never-started", "the agent is stopping"]);
    });
  }
}

const CHANGED = "the agent's clock was changed";
const TOO_LATE = "its turn did not come while the request was valid";

const changes: readonly (readonly [string, (setting: Scene) => void, string])[] = [
  ["an hour back", ({ clock }) => (clock.now -= HOUR), CHANGED],
  [
    "so far back that the request is 1 ms too far ahead",
    ({ clock }) => (clock.now = ISSUED - 30_001),
    CHANGED,
  ],
  ["past the end of the request", ({ clock }) => (clock.now += HOUR), TOO_LATE],
  ["ahead of how long the agent has been up", ({ clock }) => (clock.up = 999), CHANGED],
  ["back from where others had expired", ({ replay }) => (replay.floor = NOW + HOUR), TOO_LATE],
];

for (const [what, change, detail] of changes) {
  for (const queued of [true, false]) {
    const whose = queued ? "that waited" : "in a free slot";
    test(`takeTurn() never starts a command ${whose}, at once, when the clock was set ${what}`, async () => {
      const setting = scene([true]);
      if (queued) {
        const { release, turn } = await queueUp(setting);
        change(setting);
        release();
        await assertNever(setting, turn, detail);
      } else {
        const answer = answerTo(false);
        change(setting);
        await assertNever(setting, take(setting, answer), detail);
      }
    });
  }
}

/** A clock that runs, and can be set. */
function runningScene() {
  const setting = scene();
  const startedAt = performance.now();
  let shift = 0;
  setting.clock.wall = () => Math.floor(NOW + shift + performance.now() - startedAt);
  const set = (by: number) => {
    shift += by;
    setting.clock.now += by; // what staleness goes by
  };
  return { setting, set };
}

test("takeTurn() starts nothing before it was issued, though the clock is set back meanwhile", async () => {
  const { setting, set } = runningScene();
  const issued = NOW + 60;
  const turn = take(setting, answerTo(false, { issued }));
  const startedAt = turn.then(() => setting.clock.wall());
  await sleep(30);
  set(-60);
  assert.ok((await startedAt) >= issued, `${(await startedAt) - issued} ms`);
  await assertStarts(setting, turn);
});

test("takeTurn() judges the clock again after the wait for the time of issue", async () => {
  const { setting, set } = runningScene();
  const turn = take(setting, answerTo(false, { issued: NOW + 300 }));
  await settle();
  set(-HOUR);
  await assertNever(setting, turn, CHANGED);
});

test("takeTurn() waits for the time of issue no longer than the request is valid", async () => {
  const setting = scene(); // its clock stands still
  const turn = take(setting, answerTo(false, { issued: NOW + 20, expires: NOW + 100 }));
  await assertNever(setting, turn, TOO_LATE);
});

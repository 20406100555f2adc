import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Exit } from "../../src/protocol/reply.ts";
import { histogram } from "../../src/station/histogram.ts";
import type { AgentRecord } from "../../src/station/roster.ts";
import { medianOf, type RunTime, runTimesOf, typicalAndSlowest } from "../../src/station/run-times.ts";
import { widthOf } from "../../src/station/text-width.ts";
import { exit, hello, id, NOW } from "./scene.ts";

const BARS = { columns: 80, isUnicode: true };

function ended(name: string, changes: Partial<Exit> | undefined): AgentRecord {
  const end = changes && exit(changes);
  const times = { roundTrip: 1, heardAt: NOW, startedAfter: 1, endedAfter: 2 };
  return { hello: hello(name), exit: end, isGone: false, isSilenced: false, lastSign: 0, ...times };
}

function times(...milliseconds: readonly number[]): readonly RunTime[] {
  return milliseconds.map((one, index) => ({ identity: id(`web${index + 1}`), milliseconds: one }));
}

test("runTimesOf() has those that ran and ended, the shortest first", () => {
  const agents = [
    ended("web1", { runTime: 500 }),
    ended("web2", { runTime: 20, ending: "signalled", signal: "SIGKILL" }),
    ended("web3", { runTime: 0, ending: "not-started" }),
    ended("web4", { runTime: 0, ending: "never-started" }),
    ended("web5", { runTime: 0, ending: "state" }),
    ended("web6", undefined),
    ended("web7", { runTime: 0, ending: "never-released" }),
    // Cancelled while it waited for its turn.
    { ...ended("web8", { runTime: 0, ending: "cancelled" }), startedAfter: undefined },
  ];
  assert.deepEqual(
    runTimesOf(agents).map(({ identity, milliseconds }) => [identity, milliseconds]),
    [
      ["web2", 20],
      ["web1", 500],
    ],
  );
});

test("medianOf() is the middle one, or between the two in the middle", () => {
  assert.equal(medianOf(times(5)), 5);
  assert.equal(medianOf(times(1, 2, 90)), 2);
  assert.equal(medianOf(times(1, 2, 4, 90)), 3);
});

test("typicalAndSlowest() says nothing of fewer than three", () => {
  assert.deepEqual(typicalAndSlowest([]), []);
  assert.deepEqual(typicalAndSlowest(times(1, 2)), []);
  assert.deepEqual(typicalAndSlowest(times(1, 400, 12_800)), ["median 0.40 s, slowest web3 12.8 s"]);
});

test("histogram() draws nothing where times are few or much the same", () => {
  assert.deepEqual(histogram([], BARS), []);
  assert.deepEqual(histogram(times(1, 100, 1000, 10_000), BARS), []);
  assert.deepEqual(histogram(times(1000, 1010, 1020, 1030, 1040), BARS), []);
  assert.deepEqual(histogram(times(1, 2, 3, 4, 5), BARS), []);
});

test("histogram() takes steps that grow with times that spread, and names the few", () => {
  const rows = histogram(times(...Array<number>(16).fill(120), 250, 300, 300, 300, 1500, 9000), BARS);
  assert.deepEqual(rows, [
    `  0.1–0.2 s  ${"█".repeat(37)}  16`,
    `  0.2–0.5 s  ${"█".repeat(9)}▎${" ".repeat(27)}   4`,
    `  0.5–1 s    ${" ".repeat(37)}   0`,
    `  1–2 s      ██▍${" ".repeat(34)}   1  web21`,
    `  2–5 s      ${" ".repeat(37)}   0`,
    `  5–10 s     ██▍${" ".repeat(34)}   1  web22`,
  ]);
});

test("histogram() takes equal steps for times that lie close, and is plain where that is all there is", () => {
  const rows = histogram(times(1000, 1100, 1100, 1500, 1900), { columns: 60, isUnicode: false });
  assert.deepEqual(rows, [
    `  1-1.2 s    ${"#".repeat(18)}  3  web[1-3]`,
    `  1.2-1.4 s  ${" ".repeat(18)}  0`,
    `  1.4-1.6 s  ${"#".repeat(6)}${" ".repeat(12)}  1  web4`,
    `  1.6-1.8 s  ${" ".repeat(18)}  0`,
    `  1.8-2 s    ${"#".repeat(6)}${" ".repeat(12)}  1  web5`,
  ]);
});

test("histogram() counts every time once, in few rows of 80 columns at most", () => {
  const time = fc.oneof(fc.nat(50), fc.nat(10_000), fc.nat(100_000_000));
  fc.assert(
    fc.property(fc.array(time, { minLength: 1 }), fc.integer({ min: 20, max: 200 }), (all, columns) => {
      const sorted = times(...all.toSorted((one, other) => one - other));
      const rows = histogram(sorted, { columns, isUnicode: true });
      const counted = rows.map((row) => Number(/ s +[█▉▊▋▌▍▎▏]* +(\d+)/.exec(row)?.[1]));
      const sum = counted.reduce((before, one) => before + one, 0);
      assert.ok(rows.length === 0 || sum === all.length, rows.join("\n"));
      assert.ok(rows.length <= 12, rows.join("\n"));
      for (const row of rows) assert.ok(widthOf(row) <= 80, row);
    }),
  );
});

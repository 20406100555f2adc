import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inLanes, LONGEST, shareOut } from "../../build/lanes.ts";
import { ROOT } from "../../build/paths.ts";

test("shareOut() makes one share of a folder of units, and of each file of whole programs, the longest first", () => {
  const files = [
    "test/core/text.test.ts",
    "test/architecture.test.ts",
    "test/integration/tls.test.ts",
    "test/core/ago.test.ts",
    "test/integration/bugs.test.ts",
    "test/hostile/report.test.ts",
    "test/hostile/hostile.test.ts",
  ];
  assert.deepEqual(shareOut(files), [
    { name: "test/hostile/hostile.test.ts", files: ["test/hostile/hostile.test.ts"] },
    { name: "test/integration/tls.test.ts", files: ["test/integration/tls.test.ts"] },
    { name: "test/integration/bugs.test.ts", files: ["test/integration/bugs.test.ts"] },
    { name: "test", files: ["test/architecture.test.ts"] },
    { name: "test/core", files: ["test/core/ago.test.ts", "test/core/text.test.ts"] },
    { name: "test/hostile/report.test.ts", files: ["test/hostile/report.test.ts"] },
  ]);
  assert.deepEqual(shareOut([]), []);
});

test("LONGEST names what there is", () => {
  for (const name of LONGEST) assert.ok(existsSync(join(ROOT, name)), name);
});

test("inLanes() works on so many items at a time, in their order, each once", async () => {
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  await inLanes([30, 1, 1, 1, 1], 2, async (milliseconds) => {
    begun.push(milliseconds);
    running += 1;
    most = Math.max(most, running);
    await sleep(milliseconds);
    running -= 1;
  });
  assert.deepEqual([begun, most, running], [[30, 1, 1, 1, 1], 2, 0]);
});

test("inLanes() does the rest and ends all lanes before it throws", async () => {
  const done: number[] = [];
  const work = async (item: number) => {
    if (item === 0) throw new Error("struck");
    await sleep(1);
    done.push(item);
  };
  await assert.rejects(inLanes([0, 1, 2, 3], 2, work), /struck/);
  assert.deepEqual(done, [1, 2, 3]);
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { isThere, markOf } from "../../src/faraday/process-mark.ts";

test("isThere() knows a process that lives, and not one that has ended", async () => {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const mark = markOf(child.pid ?? 0);
  assert.equal(isThere(mark), true);
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal(isThere(mark), false);
});

test("isThere() takes no other process for it: of another start, of another boot", () => {
  const mark = markOf(process.pid);
  assert.equal(isThere(mark), true);
  assert.equal(isThere({ ...mark, startTime: "1" }), false);
  assert.equal(isThere({ ...mark, bootId: "another" }), false);
  assert.equal(isThere({ ...markOf(process.pid), startTime: "" }), false);
});

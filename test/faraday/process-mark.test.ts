import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { groupsWith, isThere, markOf } from "../../src/faraday/process-mark.ts";

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

test("groupsWith() finds the group of a process with that TMPDIR, whose leader has ended, and no other", async () => {
  const directory = mkdtempSync(join(tmpdir(), "cb-mark-"));
  const script = "sleep 60 & echo $!";
  const options = { detached: true, env: { PATH: process.env["PATH"], TMPDIR: directory } } as const;
  const child = spawn("sh", ["-c", script], { ...options, stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(child.stdout, "data");
  await once(child, "exit");
  assert.deepEqual(groupsWith(directory), [child.pid]);
  assert.deepEqual(groupsWith(`${directory}/`), []);
  process.kill(Number(String(line)), "SIGKILL");
  rmSync(directory, { recursive: true });
});

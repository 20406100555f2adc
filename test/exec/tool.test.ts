import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findTool, runTool, type ToolEnd } from "../../src/exec/tool.ts";
import { processIsGone } from "../support/running-program.ts";

const NEVER = new AbortController().signal;

/** What a shell script says and how it ends; `seen` is told each piece. */
async function run(script: string, signal = NEVER, seen: (text: string) => void = () => {}) {
  let end: ToolEnd | undefined;
  const said = { stdout: "", stderr: "" };
  const environment = { PATH: "/usr/bin:/bin", X: "1" };
  for await (const event of runTool("/bin/sh", { arguments: ["-c", script], environment, signal })) {
    if (event.kind === "end") end = event;
    else {
      said[event.stream] += Buffer.from(event.data).toString();
      seen(said.stdout);
    }
  }
  return { ...said, end };
}

test("runTool() gives both outputs, and then the exit status", async () => {
  const { stdout, stderr, end } = await run("echo $X; pwd; echo b >&2; exit 3");
  assert.deepEqual([stdout, stderr], ["1\n/\n", "b\n"]);
  assert.deepEqual(end, { kind: "end", status: 3, signal: undefined, detail: undefined });
});

test("runTool() says why a program was not started", async () => {
  const events = [];
  for await (const event of runTool("/nonexistent/x", { arguments: [], environment: {}, signal: NEVER })) {
    events.push(event);
  }
  assert.equal(events.length, 1);
  assert.match(String((events[0] as ToolEnd).detail), /does not exist/);
});

test("runTool() leaves the program in our process group, so that nobody who ends us leaves it behind", async () => {
  const { stdout } = await run("cut -d' ' -f5 /proc/$$/stat; cut -d' ' -f5 /proc/$PPID/stat");
  const [own, ours] = stdout.trim().split("\n");
  assert.equal(own, ours);
});

test("runTool() ends the program when it is told to, and gives what it said", async () => {
  const stop = new AbortController();
  const { stdout, end } = await run("echo ready; exec sleep 60", stop.signal, () => stop.abort());
  assert.equal(stdout, "ready\n");
  assert.deepEqual([end?.status, end?.signal], [undefined, "SIGTERM"]);
});

test("runTool() forces a program that ignores SIGTERM, after the grace and not before", async () => {
  const stop = new AbortController();
  // What it says to SIGTERM shows that it was given time.
  const script = "trap 'echo heard' TERM; echo ready; while :; do sleep 0.1; done";
  const options = { arguments: ["-c", script], environment: { PATH: "/usr/bin:/bin" }, signal: stop.signal };
  const said: string[] = [];
  let end: ToolEnd | undefined;
  for await (const event of runTool("/bin/sh", { ...options, stopGrace: 3_000 })) {
    if (event.kind === "end") end = event;
    else said.push(Buffer.from(event.data).toString());
    stop.abort();
  }
  assert.equal(said.join(""), "ready\nheard\n");
  assert.deepEqual([end?.status, end?.signal], [undefined, "SIGKILL"]);
});

test("runTool() forces a program that ignores SIGTERM where the consumer leaves", async () => {
  let pid = "";
  const script = "trap '' TERM; echo $$; while :; do sleep 0.1; done";
  const options = { arguments: ["-c", script], environment: { PATH: "/usr/bin:/bin" }, signal: NEVER };
  for await (const event of runTool("/bin/sh", { ...options, stopGrace: 50 })) {
    if (event.kind === "output") pid = Buffer.from(event.data).toString().trim();
    break;
  }
  await processIsGone(pid);
});

test("runTool() ends the program of a consumer that leaves", async () => {
  let pid = "";
  const options = { arguments: ["-c", "echo $$; exec sleep 60"], environment: {}, signal: NEVER };
  for await (const event of runTool("/bin/sh", options)) {
    if (event.kind === "output") pid = Buffer.from(event.data).toString().trim();
    break;
  }
  await processIsGone(pid);
});

test("runTool() does not wait for what the program leaves behind with its output", async () => {
  const { stdout, end } = await run("sleep 30 & echo $!");
  assert.equal(end?.status, 0);
  process.kill(Number(stdout), "SIGKILL");
});

test("findTool() takes the first executable of the name in a PATH, and nothing relative", () => {
  const directory = mkdtempSync(join(tmpdir(), "cb-tool-"));
  try {
    for (const name of ["a", "b", "c"]) mkdirSync(join(directory, name));
    writeFileSync(join(directory, "a/tool"), "", { mode: 0o644 });
    for (const name of ["b", "c"]) symlinkSync("/bin/sh", join(directory, name, "tool"));
    const path = ["", ".", ...["none", "a", "b", "c"].map((name) => join(directory, name))].join(":");
    assert.equal(findTool("tool", path), join(directory, "b/tool"));
    assert.equal(findTool("tool", join(directory, "a")), undefined);
    assert.equal(findTool("sh", undefined)?.endsWith("/sh"), true);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runChecks } from "../../src/exec/checks.ts";
import { isRunning, notedNumber, noteFile, until } from "./run.ts";

const never = new AbortController().signal;
const environment = { PATH: "/usr/bin:/bin", TOOL: "sh" };

test("runChecks() runs each in the shell with the environment, in order, and one that fails stops no other", async (t) => {
  const note = noteFile(t);
  const checks = [
    `echo one >>${note}`,
    'echo "no such $TOOL" >&2; exit 3',
    'command -v "$TOOL"',
    `echo two >>${note}`,
  ];
  const results = await runChecks({ checks }, environment, never);
  assert.deepEqual(
    results.map(({ ok, detail }) => [ok, detail]),
    [
      [true, ""],
      [false, "exit status 3: no such sh"],
      [true, ""],
      [true, ""],
    ],
  );
  assert.deepEqual(
    results.map(({ command }) => command),
    checks,
  );
  assert.equal(readFileSync(note, "utf8"), "one\ntwo\n");
});

test("runChecks() finds nothing wrong where there are no checks", async () => {
  assert.deepEqual(await runChecks({ checks: [] }, environment, never), []);
});

test("runChecks() says what ended a check, and the end of its last line, harmless to a terminal", async () => {
  const checks = [
    "kill -KILL $$",
    "printf 'a\\n\\033[2J'; exit 1",
    "printf '%0300d' 7; exit 1",
    "cat; test -t 0",
  ];
  const results = await runChecks({ checks }, environment, never);
  assert.deepEqual(
    results.map(({ detail }) => detail),
    ["ended by SIGKILL", "exit status 1: ^[[2J", `exit status 1: ${"7".padStart(200, "0")}`, "exit status 1"],
  );
});

test("runChecks() hides what it is told to before it cuts a line short", async () => {
  const checks = [`printf '%0300d-secret-%0190d' 0 0; exit 1`];
  const hide = (text: string) => text.replaceAll("secret", "***");
  const [result] = await runChecks({ checks }, environment, never, { hide });
  assert.equal(result?.detail, `exit status 1: ${`-***-${"0".repeat(190)}`.padStart(200, "0")}`);
});

test("runChecks() ends a check at its time limit, with whatever it has started", async (t) => {
  const note = noteFile(t);
  const checks = [`sleep 30 & echo $! >${note}; wait`];
  const [result] = await runChecks({ checks }, environment, never, { timeLimit: 300 });
  assert.deepEqual([result?.ok, result?.detail], [false, "not finished after 0.3 s"]);
  assert.ok(await until(() => !isRunning(notedNumber(note))));
});

test("runChecks() starts none once the signal has come", async (t) => {
  const note = noteFile(t);
  const [result] = await runChecks({ checks: [`echo 1 >${note}`] }, environment, AbortSignal.abort());
  assert.deepEqual([result?.ok, result?.detail], [false, "stopped"]);
  assert.throws(() => notedNumber(note), { code: "ENOENT" });
});

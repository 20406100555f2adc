import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, closeSync, copyFileSync, openSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execute } from "../../src/exec/execution.ts";
import { executors, noteFile, optionsWith, record, start, textOf } from "./run.ts";

const launcher = fileURLToPath(new URL("launcher.ts", import.meta.url));

/** Facts of `prints-surroundings`, by name. */
function factsIn(text: string): ReadonlyMap<string, string> {
  const lines = text.trimEnd().split("\n");
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]));
}

/**
 * Runs a fixture from a program that was itself started in bad surroundings: SIGHUP ignored, umask 077, a
 * variable with a secret, an open descriptor 7. Like the agent it then sets its umask.
 */
async function launch(
  ...words: readonly string[]
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const runtime = "Deno" in globalThis ? [process.execPath, "run", "-A"] : [process.execPath];
  const descriptor = openSync("/etc/passwd", "r");
  const nulls = Array.from({ length: 4 }, () => "ignore" as const);
  const parent = spawn(
    "/bin/sh",
    ["-c", `trap '' HUP; umask 077; exec "$@"`, "sh", ...runtime, launcher, ...words],
    {
      env: { ...process.env, REDIS_CONNECTION_STRING: "redis://:secret@localhost" },
      stdio: ["ignore", "pipe", "pipe", ...nulls, descriptor],
    },
  );
  closeSync(descriptor);
  const output = { stdout: "", stderr: "" };
  parent.stdout?.on("data", (data) => (output.stdout += data));
  parent.stderr?.on("data", (data) => (output.stderr += data));
  await once(parent, "close");
  return output;
}

test("execute() gives the arguments, after the path as it was called", async () => {
  const { outputs } = await record(start("prints-arguments"));
  assert.equal(textOf(outputs), `${join(executors, "prints-arguments")}\n1\nweb1\n`);
});

test("execute() runs a path as the interpreter of another, with as many arguments as it is given", async () => {
  const script = join(executors, "prints-arguments");
  const { outputs } = await record(
    execute("/bin/sh", optionsWith({ arguments: [script, "a b", "", "$HOME"] })),
  );
  assert.equal(textOf(outputs), `${script}\n3\na b\n\n$HOME\n`);
});

test("execute() starts in the directory that it is given", async () => {
  const { outputs } = await record(start("prints-surroundings", { directory: executors }));
  assert.equal(factsIn(textOf(outputs)).get("cwd"), executors);
});

test("execute() says why a variable that is too long keeps a command from starting, whatever the runtime", async () => {
  const withNote = async (length: number) =>
    (await record(start("exits-3", { note: "x".repeat(length) }))).end;
  const longest = 128 * 1024 - "NOTE=\0".length;
  assert.equal((await withNote(longest)).reason, "exited");
  const { reason, detail } = await withNote(longest + 1);
  assert.deepEqual([reason, detail], ["not-started", "environment too long"]);
});

test("execute() gives the environment of its options and nothing else", async () => {
  const { outputs } = await record(start("prints-environment", { note: "/tmp/note" }));
  assert.deepEqual(textOf(outputs).split("\0").filter(Boolean).sort(), [
    "NOTE=/tmp/note",
    "PATH=/usr/bin:/bin",
  ]);
});

test("execute() gives / as cwd, /dev/null as stdin, and a session and process group of its own", async () => {
  const { outputs } = await record(start("prints-surroundings"));
  const facts = factsIn(textOf(outputs));
  assert.equal(facts.get("cwd"), "/");
  assert.equal(facts.get("stdin"), "/dev/null");
  assert.equal(facts.get("group"), facts.get("pid"));
  assert.equal(facts.get("session"), facts.get("pid"));
});

test("execute() passes on nothing of the program that runs it but its umask", async () => {
  const { stdout, stderr } = await launch("prints-surroundings");
  assert.equal(stderr, "");
  const facts = factsIn(stdout);
  assert.equal(facts.get("ignored"), "0000000000000000");
  assert.equal(facts.get("blocked"), "0000000000000000");
  assert.equal(facts.get("umask"), "0022");
  assert.ok(!facts.get("descriptors")?.split(" ").includes("7"), facts.get("descriptors"));
});

test("execute() passes on no variable of the program that runs it", async () => {
  const { stdout } = await launch("prints-environment");
  assert.ok(stdout.includes("PATH=/usr/bin:/bin"));
  assert.ok(!stdout.includes("secret"));
});

for (const [fixture, detail] of [
  ["no-hashbang", "exec format error"],
  ["bad-interpreter", "it or its interpreter does not exist"],
  ["was-removed", "it or its interpreter does not exist"],
] as const) {
  test(`execute() does not start ${fixture}: ${detail}`, async () => {
    const { outputs, end } = await record(start(fixture));
    assert.deepEqual(outputs, []);
    assert.equal(end.reason, "not-started");
    assert.equal(end.detail, detail);
    assert.deepEqual([end.status, end.signal, end.runTime], [undefined, undefined, 0]);
  });
}

test("execute() does not start a program that is being written", async (t) => {
  const program = noteFile(t);
  copyFileSync("/bin/true", program);
  chmodSync(program, 0o755);
  const descriptor = openSync(program, "r+");
  const { end } = await record(execute(program, optionsWith()));
  closeSync(descriptor);
  assert.equal(end.reason, "not-started");
  assert.match(end.detail ?? "", /^(file is being written|refused by the system)$/);
});

for (const words of [["floods", "leave-early"], ["exits-3"], ["bad-interpreter"], ["no-hashbang"]]) {
  test(`execute() leaves no noise and no open handle behind: ${words.join(", ")}`, async () => {
    const { stderr } = await launch(...words);
    assert.equal(stderr, "");
  });
}

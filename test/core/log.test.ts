import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import type { LogOptions } from "../../src/core/log.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-log-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

/** A program that does `body`, in which `log`, a log on its standard error, is there. */
function program(body: string, options: Partial<LogOptions> = {}): string {
  const file = join(directory, "program.mjs");
  const all: LogOptions = { format: "text", level: "info", colors: false, ...options };
  writeFileSync(
    file,
    `import { createLog, suitingFormat } from ${JSON.stringify(join(import.meta.dirname, "../../src/core/log.ts"))};
     const log = createLog(${JSON.stringify(all)});
     ${body}`,
  );
  return file;
}

/** What the program writes to standard error, line by line. */
function linesOf(body: string, options: Partial<LogOptions> = {}): readonly string[] {
  const { stderr, stdout, status } = spawnSync(process.execPath, [program(body, options)], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "");
  return stderr.split("\n").slice(0, -1);
}

const ALL_LEVELS = `
  log.error({ event: "a" }, "1");
  log.warn({ event: "b" }, "2");
  log.info({ event: "c" }, "3");
  log.debug({ event: "d" }, "4");
  log.trace({ event: "e" }, "5");`;

test("createLog() writes text with the time, the level, the message and its fields", () => {
  const [line] = linesOf(
    `log.info({ event: "command", status: 3, seconds: 0.05, signal: undefined }, "Ran command")`,
  );
  const [, time, rest] = /^(\S+) (.*)$/.exec(String(line)) ?? [];
  assert.equal(rest, "INFO  Ran command event=command status=3 seconds=0.05");
  assert.equal(new Date(String(time)).toISOString(), time);
  assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
});

test("createLog() writes what is as serious as its level, or more so", () => {
  const levels = ["error", "warn", "info", "debug", "trace"] as const;
  for (const [index, level] of levels.entries()) {
    const lines = linesOf(ALL_LEVELS, { level });
    assert.deepEqual(
      lines.map((line) => line.split(/ +/)[1]),
      levels.slice(0, index + 1).map((name) => name.toUpperCase()),
    );
  }
});

test("createLog() writes the priorities of syslog for the journal, and leaves the time to it", () => {
  assert.deepEqual(linesOf(ALL_LEVELS, { format: "journal", level: "trace" }), [
    "<3>1 event=a",
    "<4>2 event=b",
    "<6>3 event=c",
    "<7>4 event=d",
    "<7>5 event=e",
  ]);
});

test("createLog() writes one JSON object a line for programs", () => {
  const [line, ...more] = linesOf(`log.warn({ event: "x", text: "a\\nb", count: 2 }, "Say")`, {
    format: "json",
  });
  assert.deepEqual(more, []);
  const { time, ...record } = JSON.parse(String(line));
  assert.deepEqual(record, { level: "warn", event: "x", text: "a\nb", count: 2, msg: "Say" });
  assert.equal(new Date(time).toISOString(), time);
});

test("createLog() colors levels where it is told to, in text alone", () => {
  const colored = linesOf(ALL_LEVELS, { colors: true, level: "debug" }).map((line) =>
    line.replace(/^\S+ /, ""),
  );
  assert.deepEqual(colored, [
    "\u001b[31mERROR\u001b[39m 1 event=a",
    "\u001b[33mWARN \u001b[39m 2 event=b",
    "\u001b[32mINFO \u001b[39m 3 event=c",
    "DEBUG 4 event=d",
  ]);
  for (const format of ["journal", "json"] as const) {
    assert.ok(linesOf(ALL_LEVELS, { colors: true, format }).every((line) => !line.includes("\u001b")));
  }
});

test("createLog() makes every field one word or one quoted text, from which nobody can break out", () => {
  const rows: readonly (readonly [value: unknown, shown: string])[] = [
    ["web1", "web1"],
    ["two words", '"two words"'],
    ["", '""'],
    ["a=b", '"a=b"'],
    ['say "x"', '"say \\"x\\""'],
    ["line\nline", "line^Jline"],
    ["\u001b]0;x\u0007 \u202e", '"^[]0;x^G <U+202E>"'],
    ["back\\slash", "back\\slash"],
    [["a", "b"], '"[\\"a\\",\\"b\\"]"'],
    [{ a: 1 }, '"{\\"a\\":1}"'],
    [null, "null"],
    [true, "true"],
  ];
  const body = `for (const value of ${JSON.stringify(rows.map(([value]) => value))}) log.info({ value }, "x");`;
  for (const format of ["text", "journal"] as const) {
    const lines = linesOf(body, { format });
    assert.deepEqual(
      lines.map((line) => line.slice(line.indexOf("x value=") + 8)),
      rows.map(([, shown]) => shown),
    );
  }
});

test("createLog() writes each record before it returns, so that a crash loses none", () => {
  const file = program(`log.info({ event: "last" }, "Words"); process.kill(process.pid, "SIGKILL");`);
  const { stderr, signal } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  assert.equal(signal, "SIGKILL");
  assert.match(stderr, /Words event=last\n$/);
});

test("createLog() does not end its program where it cannot write", async () => {
  const file = program(`for (let count = 0; count < 3; count++) log.error({}, "x"); console.log("well");`);
  const full = openSync("/dev/full", "w");
  try {
    const { stdout, status } = spawnSync(process.execPath, [file], { stdio: ["ignore", "pipe", full] });
    assert.deepEqual([String(stdout), status], ["well\n", 0]);
  } finally {
    closeSync(full);
  }

  const late = program(
    `process.stdin.once("data", () => { log.error({}, "x"); console.log("well"); process.stdin.pause(); });`,
  );
  const child = spawn(process.execPath, [late], { stdio: ["pipe", "pipe", "pipe"] });
  const closed = once(child, "close");
  child.stderr.destroy();
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk;
  });
  await once(child.stderr, "close");
  child.stdin.end("go\n");
  assert.deepEqual(await closed, [0, null]);
  assert.equal(said, "well\n");
});

test("suitingFormat() is the journal's where systemd says so, text on a terminal, else JSON", () => {
  const target = join(directory, "stderr");
  const file = openSync(target, "w");
  const { dev, ino } = fstatSync(file);
  const journal = `${dev}:${ino}`;
  const body = `
    const say = (environment, isTerminal) => console.log(suitingFormat(environment, isTerminal));
    say({ JOURNAL_STREAM: "${journal}" }, false);
    say({ JOURNAL_STREAM: "${journal}" }, true);
    say({ JOURNAL_STREAM: "${dev}:${ino + 1}" }, false);
    say({ JOURNAL_STREAM: "${dev}:${ino + 1}" }, true);
    say({ JOURNAL_STREAM: "" }, true);
    say({}, true);
    say({}, false);`;
  const { stdout } = spawnSync(process.execPath, [program(body)], { stdio: ["ignore", "pipe", file] });
  closeSync(file);
  assert.equal(readFileSync(target, "utf8"), "");
  assert.deepEqual(String(stdout).trimEnd().split("\n"), [
    "journal",
    "journal",
    "json",
    "text",
    "text",
    "text",
    "json",
  ]);
});

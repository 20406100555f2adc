/** Option values that mean nothing: `cb station run` says so in one line, with status 1, and publishes nothing. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { Fleet } from "../support/fleet.ts";
import { RedisAdmin } from "../support/redis-admin.ts";

/** What no number, time, share, name or list is; none of it is a path that could not be made. */
const NO_TIME = [
  "",
  " ",
  "-1",
  "1e3",
  "0x10",
  "1,5",
  "1s",
  "NaN",
  "Infinity",
  "1000000",
  "1.2345",
  "١",
  "\u001b[2J",
];
const NO_NUMBER = ["", "-1", "1.5", "1e3", "0x10", "+1", " 1", "many", "9".repeat(400), "1\n"];
const NO_NAME = ["", " ", "a b", "../x", "a/b", "ü", "a".repeat(65), "-x", ".x", "a\n", "a\u001b[2J"];
const NO_LIST = [
  "",
  ",",
  "web1,",
  "web[",
  "web]",
  "web[]",
  "web[3-1]",
  "web[1-999999999]",
  "[".repeat(40_000),
  "a b",
  "!x",
];
const NO_PATH = [""];

const GARBAGE: Readonly<Record<string, readonly string[]>> = {
  "--hello-wait": ["", "-1", "1s"],
  "--reply-wait": NO_TIME,
  "--minimum-wait": ["", "-1", "1s"],
  "--timeout": ["", "-1", "1s", "0", "0.000"],
  "--pause": ["", "-1", "1s", "0"],
  "--parallel": [...NO_NUMBER, "0", "0%", "101%", "1.5%", "%", "5%%", "-5%", "1000000"],
  "--max-failures": ["", "-1", "0", "0%", "101%"],
  "--canary": [...NO_NUMBER, "0", "10%", "1000000"],
  "--expect": ["", "-1", "many", "0", "100001", "50%"],
  "--guard": ["", "-1", "many", "100001"],
  "--output": ["", "json", "LIVE", "live,folded", "live ", "\u001b[2J"],
  "--tags": [...NO_NAME, "web,,eu", "web,!web", "!", "!!web"],
  "--to": NO_LIST,
  "--not-to": ["", ",", "web[", "a b"],
  "--to-file": [...NO_PATH, "/nowhere/hosts", "/", "/dev/null"],
  "--param": ["", "a", "=b", "a b=c", "1=2", `a=${"x".repeat(5_000)}`],
  "--channel": NO_NAME,
  "--identity": ["", "a b", "../x"],
  "--to-directory": [...NO_PATH, "/proc/nowhere", "/dev/null", "/dev/null/x"],
  "--report": [...NO_PATH, "/proc/nowhere.html", "/", "/dev/null/x.html"],
  "--discovery-file": NO_PATH,
  "--state-directory": NO_PATH,
};

test("cb station run says in one line what an option cannot be, ends with 1, and publishes nothing", async () => {
  await using fleet = await Fleet.start();
  const marks = fleet.path("marks");
  fleet.command("mark", `echo ran >>${marks}`);
  await fleet.agent("web1");
  const rows = Object.entries(GARBAGE).flatMap(([option, values]) =>
    values.map((value) => [option, value] as const),
  );
  const problems: string[] = [];
  const one = async ([option, value]: readonly [string, string]) => {
    // So that a rollout's options are looked at for themselves.
    const rest = ["--max-failures", "--pause"].includes(option) ? ["--parallel", "1"] : [];
    const { status, stdout, stderr } = await fleet.station("run", "mark", ...rest, `${option}=${value}`);
    const [error = "", ...more] = stderr.split("\n");
    const isOneLine = more.at(-1) === "" && more.slice(0, -1).every((line) => line.startsWith("cb: hint: "));
    const isClear = /^cb: error: Cannot \S+ .+: .{5,}$/.test(error) && error.length < 500;
    const isHarmless = !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(stderr);
    if (status === 1 && stdout === "" && isOneLine && isClear && isHarmless) return;
    problems.push(`${option}=${value.slice(0, 80)}: ${status} ${stdout}${stderr.slice(0, 600)}`);
  };
  // As many at a time as there may be processors.
  const queue = [...rows];
  const worker = async () => {
    for (let row = queue.shift(); row !== undefined; row = queue.shift()) await one(row);
  };
  await Promise.all([worker(), worker(), worker()]);
  assert.deepEqual(problems, []);

  await using admin = await RedisAdmin.connect(fleet);
  const published = async () =>
    /cmdstat_publish:calls=(\d+)/.exec(String(await admin.ask("INFO", "commandstats")))?.[1];
  assert.deepEqual([await published(), existsSync(marks)], [undefined, false]);
  assert.equal((await fleet.station("run", "mark")).status, 0);
  assert.deepEqual([await published(), existsSync(marks)], ["1", true], "what is published is seen");
});

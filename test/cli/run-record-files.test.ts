import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { forgetRuns, RunRecordFile, readRunRecord } from "../../src/cli/run-record-files.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { Channel, CommandName } from "../../src/core/names.ts";
import type { Word } from "../../src/station/run-record.ts";
import { until } from "../hub/hub-fixture.ts";
import { id, NOW } from "../station/scene.ts";

const CHANNEL = "default" as Channel;
const RELOAD = { command: "reload" as CommandName, begun: NOW };
const LATER = { ...RELOAD, begun: NOW + 5 };

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-record-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

const pathOf = (command: string) => join(directory, "last-runs", CHANNEL, `${command}.json`);
const runs = (command: string) => ({ channel: CHANNEL, command: command as CommandName });

/** @param jump milliseconds that the clock has gone on, by which it is asked for the time */
function file(meant: readonly string[], { command = "reload", jump = (): number => 0 } = {}): RunRecordFile {
  const clock = { wall: () => NOW, monotonic: () => systemClock.monotonic() + jump() };
  const whom = { identities: meant.map(id), isKept: () => true };
  return new RunRecordFile(directory, runs(command), whom, clock);
}

function changes(of: Readonly<Record<string, Word | undefined>>) {
  return new Map(Object.entries(of).map(([name, word]) => [id(name), word]));
}

function kept(command = "reload"): Readonly<Record<string, unknown>> {
  const record = readRunRecord(directory, runs(command)) ?? assert.fail("nothing is kept");
  return { [record.command]: record.begun, ...Object.fromEntries(record.agents) };
}

test("RunRecordFile has a run on disk when it begins, for its owner alone, and then what became of it", () => {
  assert.equal(readRunRecord(directory, runs("reload")), undefined);
  const record = file(["web1", "web2"]);
  assert.deepEqual(record.begin(RELOAD), ["web1", "web2"]);
  assert.deepEqual(kept(), { reload: NOW, web1: "in doubt", web2: "in doubt" });
  assert.equal(statSync(pathOf("reload")).mode & 0o777, 0o600);
  record.change(changes({ web1: "ok" }));
  record.change(changes({ web2: "failed", web3: "ok" }));
  record.end();
  assert.deepEqual(kept(), { reload: NOW, web1: "ok", web2: "failed", web3: "ok" });
  assert.deepEqual(record.failures, []);
  assert.deepEqual(readdirSync(join(directory, "last-runs", CHANNEL)).toSorted(), [
    "reload.json",
    "reload.json.lock",
  ]);
});

test("RunRecordFile writes what it is told soon, though nobody ends it, and not again at once", async () => {
  let jumped = 0;
  const record = file(["web1", "web2"], { jump: () => jumped });
  record.begin(RELOAD);
  jumped = 3_600_000;
  record.change(changes({ web1: "ok" }));
  await until("the first is written", () => kept()["web1"] === "ok");
  record.change(changes({ web2: "ok" }));
  assert.deepEqual(kept(), { reload: NOW, web1: "ok", web2: "in doubt" });
  record.end();
  assert.deepEqual(kept(), { reload: NOW, web1: "ok", web2: "ok" });
});

test("RunRecordFile.withdraw() leaves what was there before", () => {
  const first = file(["web1"]);
  first.begin(RELOAD);
  first.withdraw();
  assert.equal(readRunRecord(directory, runs("reload")), undefined);

  const second = file(["web1"]);
  second.begin(RELOAD);
  second.change(changes({ web1: "failed" }));
  second.end();
  const before = readFileSync(pathOf("reload"), "utf8");
  const third = file(["web1", "web2"]);
  third.begin(LATER);
  assert.deepEqual(kept(), { reload: NOW + 5, web1: "in doubt", web2: "in doubt" });
  third.withdraw();
  assert.equal(readFileSync(pathOf("reload"), "utf8"), before);
  assert.deepEqual([...first.failures, ...second.failures, ...third.failures], []);
});

test("RunRecordFile.withdraw() leaves a run that was begun since as it is", () => {
  const [one, other] = [file(["web1"]), file(["web2"])];
  one.begin(RELOAD);
  other.begin(LATER);
  one.withdraw();
  assert.deepEqual(kept(), { reload: NOW + 5, web1: "in doubt", web2: "in doubt" });
});

test("RunRecordFile loses nothing of two runs of one command at a time", () => {
  const [one, other] = [file(["web1", "web2"]), file(["web2", "web3"])];
  one.begin(RELOAD);
  one.change(changes({ web1: "ok" }));
  other.begin({ ...RELOAD, begun: NOW + 1 });
  other.change(changes({ web2: "failed", web3: "ok" }));
  other.end();
  one.end();
  assert.deepEqual(kept(), { reload: NOW + 1, web1: "ok", web2: "failed", web3: "ok" });
  assert.deepEqual([...one.failures, ...other.failures], []);
});

test("RunRecordFile keeps commands apart that run at the same time, whatever they are called", () => {
  const commands = [
    "reload",
    "reload.json",
    "reload.json.lock",
    "reload.json.lock.json",
    `reload.json.damaged-${NOW}`,
  ];
  const records = commands.map((command, at) => [command, file([`web${at}`], { command }), at] as const);
  for (const [command, record, at] of records) record.begin({ ...runs(command), begun: NOW + at });
  for (const [, record, at] of records) record.change(changes({ [`web${at}`]: "failed" }));
  for (const [, record] of records) record.end();
  for (const [command, record, at] of records) {
    assert.deepEqual(kept(command), { [command]: NOW + at, [`web${at}`]: "failed" });
    assert.deepEqual(record.failures, []);
  }
});

test("RunRecordFile sets a record aside that cannot be used, and says so", () => {
  const ofDeploy = JSON.stringify({
    version: 1,
    command: "deploy",
    begun: "2026-11-22T13:04:05Z",
    agents: { web2: "failed" },
  });
  const rows = [
    ["{}", "expected the record of a run, as cb writes it"],
    [ofDeploy, 'expected the record of a run of "reload"'],
  ] as const;
  mkdirSync(join(directory, "last-runs", CHANNEL), { recursive: true });
  for (const [text, expected] of rows) {
    writeFileSync(pathOf("reload"), text);
    const why = `Cannot use "${pathOf("reload")}": ${expected}`;
    assert.throws(() => readRunRecord(directory, runs("reload")), { code: "file", message: why });
    const record = file(["web1"]);
    record.begin(RELOAD);
    const aside = `${pathOf("reload")}.damaged-${NOW}`;
    assert.deepEqual(record.failures, [`${why}; set it aside as "${aside}"`]);
    assert.equal(readFileSync(aside, "utf8"), text);
    record.change(changes({ web1: "ok" }));
    record.end();
    assert.deepEqual(kept(), { reload: NOW, web1: "ok" });
  }
});

test("RunRecordFile says once where nothing can be kept, and throws nothing", () => {
  writeFileSync(join(directory, "last-runs"), "");
  const record = file(["web1"]);
  assert.deepEqual(record.begin(RELOAD), ["web1"]);
  record.change(changes({ web1: "ok" }));
  record.end();
  assert.equal(record.failures.length, 1);
  const why = /^Cannot create "[^"]*last-runs\/default": not a directory$/;
  assert.match(record.failures.join(), why);
});

test("RunRecordFile leaves no record of a run before where one cannot be begun, and writes it as soon as it can", () => {
  const before = file(["web1", "web2"]);
  before.begin(RELOAD);
  before.change(changes({ web1: "ok", web2: "failed" }));
  before.end();
  const lock = `${pathOf("reload")}.lock`;
  rmSync(lock);
  mkdirSync(lock);
  const record = file(["web1"]);
  record.begin(LATER);
  assert.equal(readRunRecord(directory, runs("reload")), undefined);
  assert.equal(record.failures.length, 1);
  rmSync(lock, { recursive: true });
  record.change(changes({ web1: "failed" }));
  record.end();
  assert.deepEqual(kept(), { reload: LATER.begun, web1: "failed" });
});

test("forgetRuns() takes agents off all records of a channel, and makes none", () => {
  assert.deepEqual(forgetRuns(directory, CHANNEL, [id("web1")]), []);
  assert.deepEqual(readdirSync(directory), []);
  for (const command of ["reload", "uptime.json"])
    file(["web1", "web2"], { command }).begin({ ...runs(command), begun: NOW });
  assert.deepEqual(forgetRuns(directory, CHANNEL, [id("web1")]), []);
  for (const command of ["reload", "uptime.json"])
    assert.deepEqual(kept(command), { [command]: NOW, web2: "in doubt" });
});

test("forgetRuns() says which record it could not change, and changes the others", () => {
  for (const command of ["reload", "deploy"])
    file(["web1", "web2"], { command }).begin({ ...runs(command), begun: NOW });
  writeFileSync(pathOf("deploy"), "{}");
  const why = `Cannot use "${pathOf("deploy")}": expected the record of a run, as cb writes it`;
  assert.deepEqual(forgetRuns(directory, CHANNEL, [id("web1")]), [why]);
  assert.deepEqual(kept(), { reload: NOW, web2: "in doubt" });
});

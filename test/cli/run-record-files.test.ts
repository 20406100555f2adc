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
const DEPLOY = { command: "deploy" as CommandName, begun: NOW + 5 };

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-record-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

const path = () => join(directory, "last-run", `${CHANNEL}.json`);

/** @param jump milliseconds that the clock has gone on, by which it is asked for the time */
function file(meant: readonly string[], jump = () => 0): RunRecordFile {
  const clock = { wall: () => NOW, monotonic: () => systemClock.monotonic() + jump() };
  return new RunRecordFile(directory, CHANNEL, { identities: meant.map(id), isKept: () => true }, clock);
}

function changes(of: Readonly<Record<string, Word | undefined>>) {
  return new Map(Object.entries(of).map(([name, word]) => [id(name), word]));
}

function kept(): Readonly<Record<string, unknown>> {
  const record = readRunRecord(directory, CHANNEL) ?? assert.fail("nothing is kept");
  return { [record.command]: record.begun, ...Object.fromEntries(record.agents) };
}

test("RunRecordFile has a run on disk when it begins, for its owner alone, and then what became of it", () => {
  assert.equal(readRunRecord(directory, CHANNEL), undefined);
  const record = file(["web1", "web2"]);
  assert.deepEqual(record.begin(RELOAD), ["web1", "web2"]);
  assert.deepEqual(kept(), { reload: NOW, web1: "in doubt", web2: "in doubt" });
  assert.equal(statSync(path()).mode & 0o777, 0o600);
  record.change(changes({ web1: "ok" }));
  record.change(changes({ web2: "failed", web3: "ok" }));
  record.end();
  assert.deepEqual(kept(), { reload: NOW, web1: "ok", web2: "failed", web3: "ok" });
  assert.deepEqual(record.failures, []);
  assert.deepEqual(readdirSync(join(directory, "last-run")).toSorted(), [
    "default.json",
    "default.json.lock",
  ]);
});

test("RunRecordFile writes what it is told soon, though nobody ends it, and not again at once", async () => {
  let jumped = 0;
  const record = file(["web1", "web2"], () => jumped);
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
  assert.equal(readRunRecord(directory, CHANNEL), undefined);

  const second = file(["web1"]);
  second.begin(RELOAD);
  second.change(changes({ web1: "failed" }));
  second.end();
  const before = readFileSync(path(), "utf8");
  const third = file(["web1", "web2"]);
  third.begin(DEPLOY);
  assert.deepEqual(kept(), { deploy: NOW + 5, web1: "in doubt", web2: "in doubt" });
  third.withdraw();
  assert.equal(readFileSync(path(), "utf8"), before);
  assert.deepEqual([...first.failures, ...second.failures, ...third.failures], []);
});

test("RunRecordFile.withdraw() leaves a run that was begun since as it is", () => {
  const [one, other] = [file(["web1"]), file(["web2"])];
  one.begin(RELOAD);
  other.begin(DEPLOY);
  one.withdraw();
  assert.deepEqual(kept(), { deploy: NOW + 5, web2: "in doubt" });
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

test("RunRecordFile leaves the record to the command that began last, and says so", () => {
  const [one, other] = [file(["web1"]), file(["web2"])];
  one.begin(RELOAD);
  other.begin(DEPLOY);
  other.change(changes({ web2: "ok" }));
  other.end();
  one.change(changes({ web1: "failed" }));
  one.end();
  one.end();
  assert.deepEqual(kept(), { deploy: NOW + 5, web2: "ok" });
  const what = 'what became of "reload" is not kept for --retry-failed';
  assert.deepEqual(one.failures, [`${what}: "deploy" was begun on channel "default" meanwhile`]);
  assert.deepEqual(other.failures, []);
});

test("RunRecordFile sets a record aside that cannot be used, and says so", () => {
  mkdirSync(join(directory, "last-run"));
  writeFileSync(path(), "{}");
  const record = file(["web1"]);
  record.begin(RELOAD);
  const aside = `${path()}.damaged-${NOW}`;
  const why = `Cannot use "${path()}": expected the record of a run, as cb writes it`;
  assert.deepEqual(record.failures, [`${why}; set it aside as "${aside}"`]);
  assert.equal(readFileSync(aside, "utf8"), "{}");
  record.change(changes({ web1: "ok" }));
  record.end();
  assert.deepEqual(kept(), { reload: NOW, web1: "ok" });
});

test("RunRecordFile says once where nothing can be kept, and throws nothing", () => {
  writeFileSync(join(directory, "last-run"), "");
  const record = file(["web1"]);
  assert.deepEqual(record.begin(RELOAD), ["web1"]);
  record.change(changes({ web1: "ok" }));
  record.end();
  assert.equal(record.failures.length, 1);
  assert.match(record.failures.join(), /^Cannot lock "[^"]*last-run\/default\.json\.lock": not a directory$/);
});

test("forgetRuns() takes agents off the record, and makes none", () => {
  forgetRuns(directory, CHANNEL, [id("web1")]);
  assert.equal(readRunRecord(directory, CHANNEL), undefined);
  file(["web1", "web2"]).begin(RELOAD);
  forgetRuns(directory, CHANNEL, [id("web1")]);
  assert.deepEqual(kept(), { reload: NOW, web2: "in doubt" });
});

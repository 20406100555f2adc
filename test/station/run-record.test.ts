import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CbError } from "../../src/core/errors.ts";
import type { CommandName } from "../../src/core/names.ts";
import {
  beginRecord,
  changeRecord,
  formatRunRecord,
  inDoubt,
  parseRunRecord,
  type RunRecord,
  timeOfRun,
  toRepeat,
  type Word,
  whenOf,
  withoutRuns,
} from "../../src/station/run-record.ts";
import { id, NOW } from "./scene.ts";

const RELOAD = { command: "reload" as CommandName, begun: NOW };

function words(of: Readonly<Record<string, Word | undefined>>) {
  return new Map(Object.entries(of).map(([name, word]) => [id(name), word]));
}

function record(of: Readonly<Record<string, Word>>, start = RELOAD): RunRecord {
  const agents = new Map(Object.entries(of).map(([name, word]) => [id(name), word]));
  return { ...start, agents, earlier: new Set() };
}

/** The same record, where the words of these agents are of a run before. */
function before(names: readonly string[], of: RunRecord): RunRecord {
  return { ...of, earlier: new Set(names.map(id)) };
}

function meant(...names: readonly string[]) {
  return { identities: names.map(id), isKept: () => true };
}

const ALL = record({
  web1: "ok",
  web2: "failed",
  web3: "refused",
  web4: "not run",
  web5: "unfinished",
  web6: "missing",
  web7: "in doubt",
});

test("beginRecord() has everybody in doubt whom a run is meant for, and keeps the others", () => {
  const again = { ...RELOAD, begun: NOW + 5 };
  const former = record({ web1: "ok", web2: "failed", web3: "missing" });
  const begun = beginRecord(former, again, meant("web1", "web4"));
  const wanted = record({ web1: "in doubt", web2: "failed", web3: "missing", web4: "in doubt" }, again);
  assert.deepEqual(begun, before(["web2", "web3"], wanted));
  assert.deepEqual(beginRecord(undefined, RELOAD, meant()), record({}));
  assert.deepEqual(former, record({ web1: "ok", web2: "failed", web3: "missing" }));
});

test("beginRecord() leaves those out whom a run for everybody does not know", () => {
  const former = record({ web1: "failed", web2: "ok", web3: "missing" });
  const isKept = (identity: string) => identity !== "web3";
  const begun = beginRecord(former, RELOAD, { identities: [id("web2")], isKept });
  assert.deepEqual(begun, before(["web1"], record({ web1: "failed", web2: "in doubt" })));
});

test("withoutRuns() forgets agents, and nothing else", () => {
  const wanted = record({ web2: "ok" });
  const both = record({ web1: "failed", web2: "ok" });
  assert.deepEqual(withoutRuns(both, [id("web1"), id("web3")]), wanted);
  const earlier = before(["web1", "web2"], both);
  assert.deepEqual(withoutRuns(earlier, [id("web1")]), before(["web2"], wanted));
});

test("changeRecord() changes those that it is known of, and gives those that were not meant what they had before", () => {
  const former = record({ web1: "ok", web2: "failed", web3: "missing" });
  const begun = beginRecord(former, RELOAD, meant("web1", "web2", "web5", "web6"));
  const changes = words({ web1: "failed", web2: undefined, web4: "ok", web5: undefined });
  assert.deepEqual(
    changeRecord(begun, former, RELOAD, changes),
    before(
      ["web2", "web3"],
      record({ web1: "failed", web2: "failed", web3: "missing", web4: "ok", web6: "in doubt" }),
    ),
  );
});

test("changeRecord() has the last say of an agent, and the time of the last run, where two runs overlap", () => {
  const first = beginRecord(undefined, RELOAD, meant("web1", "web2"));
  const later = { ...RELOAD, begun: NOW + 5 };
  const both = beginRecord(first, later, meant("web2"));
  const changed = changeRecord(both, undefined, RELOAD, words({ web1: "ok", web2: "failed" }));
  assert.deepEqual(changed, before(["web1", "web2"], record({ web1: "ok", web2: "failed" }, later)));
  assert.deepEqual(
    changeRecord(changed, first, later, words({ web2: "ok" })),
    before(["web1"], record({ web1: "ok", web2: "ok" }, later)),
  );
});

test("toRepeat() names all who are not known to be well, inDoubt() those of whom nothing is known", () => {
  assert.deepEqual(toRepeat(ALL), ["web2", "web3", "web4", "web5", "web6", "web7"]);
  assert.deepEqual(inDoubt(ALL), ["web7"]);
});

test("parseRunRecord() inverts formatRunRecord(), and takes nothing else", () => {
  for (const whole of [ALL, before(["web2", "web7"], ALL)])
    assert.deepEqual(parseRunRecord(formatRunRecord(whole), "x.json"), whole);
  const text = formatRunRecord(record({ web1: "ok" }));
  const damaged = [
    "",
    "[]",
    "null",
    text.slice(0, -3),
    text.replace('"version": 1', '"version": 0'),
    text.replace('"reload"', '"../reload"'),
    text.replace('"reload"', "7"),
    text.replace('"ok"', '"well"'),
    text.replace('"web1"', '"web*"'),
    text.replace(/"begun": "[^"]*"/, '"begun": "noon"'),
    text.replace(/"begun": "[^"]*"/, '"begun": 7'),
    text.replace(/"begun": "[^"]*",/, ""),
    text.replace(/"agents": \{[^}]*\}/, '"agents": []'),
    text.replace('"agents"', '"earlier": {}, "agents"'),
  ];
  for (const one of damaged)
    assert.throws(
      () => parseRunRecord(one, "x.json"),
      { name: "CbError", code: "file", message: /^Cannot use "x.json": expected the record of a run, as/ },
      one,
    );
  const newer = text.replace('"version": 1', '"version": 2');
  assert.throws(() => parseRunRecord(newer, "x.json"), { message: /of version 1 at most, upgrade this cb$/ });
  fc.assert(
    fc.property(fc.json(), (json) => {
      try {
        parseRunRecord(json, "x.json");
      } catch (error) {
        assert.ok(error instanceof CbError);
      }
    }),
  );
});

test("whenOf() says of which run what is known of some agents is, be it the last or one before", () => {
  const run = before(["web2", "web3"], record({ web1: "ok", web2: "failed", web3: "failed" }));
  const said = (word: "of" | "at", ...names: readonly string[]) =>
    whenOf(word, run, names.map(id), NOW).replace(/\d\d:\d\d:\d\d/, "#");
  assert.deepEqual([said("of", "web1"), said("at", "web1"), said("at")], [" of #", " at #", " at #"]);
  assert.deepEqual(
    [said("of", "web1", "web2"), said("at", "web1", "web2")],
    [" of # and before", " at # and before"],
  );
  assert.deepEqual([said("of", "web2", "web3"), said("at", "web2")], [" of before #", " before #"]);
});

test("timeOfRun() says the time of day, and the day where it is another one", () => {
  const at = (day: number, ...time: readonly [number, number, number]) =>
    new Date(2026, 10, day, ...time).getTime();
  assert.equal(timeOfRun(at(22, 3, 4, 5), at(22, 23, 59, 59)), "03:04:05");
  assert.equal(timeOfRun(at(21, 23, 59, 59), at(22, 0, 0, 0)), "2026-11-21 23:59:59");
});

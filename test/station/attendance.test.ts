import assert from "node:assert/strict";
import { test } from "node:test";
import type { NamePattern } from "../../src/core/name-pattern.ts";
import type { Tag } from "../../src/core/names.ts";
import type { Target } from "../../src/protocol/target.ts";
import { Attendance, announcement, learntFrom, missingFindings } from "../../src/station/attendance.ts";
import type { DiscoveryRecord } from "../../src/station/discovery.ts";
import { sentenceOf } from "../../src/station/finding.ts";
import { Roster } from "../../src/station/roster.ts";
import { hello, id, NOW, target } from "./scene.ts";

function seen(lastSeen: number, ...tags: readonly string[]): DiscoveryRecord {
  return { tags: tags as readonly Tag[], firstSeen: lastSeen, lastSeen };
}

const KNOWN = new Map([
  [id("web2"), seen(2, "web")],
  [id("web1"), seen(1, "web")],
  [id("db1"), seen(3, "db")],
]);

const NOTHING = { isAwaited: false, isNew: false, isNamed: false };
const NEW = { ...NOTHING, isNew: true };

/** A target of identities; those without a pattern are named. */
function names(...identities: readonly string[]) {
  return { identities: identities as readonly NamePattern[] };
}

test("Attendance awaits who was named, known or not, unless its known tags say that it is not meant", () => {
  const named = new Set([id("web1"), id("web9"), id("db1")]);
  const all = new Attendance(KNOWN, names("db1", "web1", "web9"), named);
  assert.deepEqual([all.awaited, all.unheardNames], [3, 3]);
  assert.deepEqual(all.answers(id("web9")), { isAwaited: true, isNew: true, isNamed: true });
  assert.deepEqual(all.answers(id("web9")), NEW);
  assert.deepEqual([all.awaited, all.unheardNames], [2, 2]);
  assert.deepEqual(all.missing, [
    { identity: "db1", lastSeen: 3, isNamed: true },
    { identity: "web1", lastSeen: 1, isNamed: true },
  ]);
  const web = new Attendance(KNOWN, { ...names("db1", "web1", "web9"), ...target("web") }, named);
  assert.deepEqual(
    web.missing.map(({ identity }) => identity),
    ["web1", "web9"],
  );
  const off = new Attendance(undefined, names("web1"), new Set([id("web1")]));
  assert.deepEqual(off.missing, [{ identity: "web1", lastSeen: undefined, isNamed: true }]);
});

test("Attendance knows who alone can answer where there are names, or folds, and no pattern", () => {
  const unheard = (target: Target | undefined) => new Attendance(KNOWN, target).unheardNames;
  assert.equal(unheard(names("web1", "web2")), 2);
  assert.equal(unheard({ ...names("web1", "web2"), ...target("web") }), 2);
  assert.equal(unheard(names("web1", "web?")), undefined);
  assert.equal(unheard({ ...names("web1"), excludedIdentities: ["web1" as NamePattern] }), undefined);
  assert.equal(unheard(target("web")), undefined);
  assert.equal(unheard(undefined), undefined);
  const fold = new Attendance(KNOWN, names("web1", "web7"));
  assert.deepEqual(
    fold.missing.map(({ identity, isNamed }) => [identity, isNamed]),
    [["web1", false]],
  );
});

test("missingFindings() says since when, and what is a failure", () => {
  const missing = [
    { identity: id("web1"), lastSeen: NOW - 60_000, isNamed: false },
    { identity: id("web2"), lastSeen: NOW - 60_000, isNamed: true },
    { identity: id("web3"), lastSeen: undefined, isNamed: true },
  ];
  const findings = missingFindings({ missing, now: NOW });
  assert.ok(findings.every(({ isAbsence }) => isAbsence));
  assert.deepEqual(
    findings.map((finding) => sentenceOf(finding)),
    [
      "web1 is missing, last seen 1 minute ago",
      "web2 did not answer, last seen 1 minute ago",
      "web3 did not answer, not known here",
    ],
  );
});

test("Attendance awaits the known agents that could be meant, and misses those that do not answer", () => {
  const all = new Attendance(KNOWN, undefined);
  assert.equal(all.awaited, 3);
  const web = new Attendance(KNOWN, target("web"));
  assert.equal(web.awaited, 2);
  assert.deepEqual(web.missing, [
    { identity: "web1", lastSeen: 1, isNamed: false },
    { identity: "web2", lastSeen: 2, isNamed: false },
  ]);
  assert.deepEqual(web.answers(id("web2")), { isAwaited: true, isNew: false, isNamed: false });
  assert.deepEqual(web.answers(id("db1")), NOTHING);
  assert.deepEqual(web.answers(id("web2")), NOTHING);
  assert.deepEqual([web.awaited, web.missing.map(({ identity }) => identity)], [1, ["web1"]]);
  assert.deepEqual(web.newcomers, []);
});

test("Attendance tells who is new, and whether anybody was known before", () => {
  const web = new Attendance(KNOWN, target("web"));
  assert.deepEqual([web.answers(id("web9")), web.answers(id("web3"))], [NEW, NEW]);
  assert.deepEqual([web.newcomers, web.isFirst], [["web3", "web9"], false]);
  const first = new Attendance(new Map(), undefined);
  assert.deepEqual([first.awaited, first.answers(id("web1")), first.isFirst], [0, NEW, true]);
});

test("Attendance without discovery misses nobody and finds nobody new", () => {
  const off = new Attendance(undefined, undefined);
  assert.deepEqual([off.awaited, off.answers(id("web1")), off.isFirst], [0, NOTHING, false]);
  assert.deepEqual([off.missing, off.newcomers], [[], []]);
});

test("announcement() has name, tags and fingerprint", () => {
  assert.match(announcement(hello("web3")), /^new agent web3 \(eu,web\), key [0-9a-f]{16}$/);
  assert.match(announcement(hello("web3", { tags: [] })), /^new agent web3, key [0-9a-f]{16}$/);
});

test("learntFrom() is everybody who answered, and the keys of those that are not pinned and that nobody contests", () => {
  const roster = new Roster();
  for (const one of [hello("web1"), hello("web2"), hello("web3")]) {
    roster.record({ kind: "hello", hello: one }, 0, NOW + 7);
  }
  const rival = {
    kind: "fault",
    fault: "conflict",
    identity: id("web3"),
    agentKey: hello("x").agentKey,
  } as const;
  roster.record(rival, 0, NOW);
  const pinned = new Map([[id("web1"), hello("y").agentKey]]);
  const { seen: learnt, pins } = learntFrom(roster, NOW, pinned);
  assert.deepEqual([...learnt.keys()], ["web1", "web2", "web3"]);
  assert.deepEqual(learnt.get(id("web1")), seen(NOW, "eu", "web"));
  assert.deepEqual([...pins.keys()], ["web2"]);
});

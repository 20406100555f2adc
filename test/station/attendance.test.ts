import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tag } from "../../src/core/names.ts";
import { Attendance, announcement, learntFrom } from "../../src/station/attendance.ts";
import type { DiscoveryRecord } from "../../src/station/discovery.ts";
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

test("Attendance awaits the known agents that could be meant, and misses those that do not answer", () => {
  const all = new Attendance(KNOWN, undefined);
  assert.equal(all.awaited, 3);
  const web = new Attendance(KNOWN, target("web"));
  assert.equal(web.awaited, 2);
  assert.deepEqual(web.missing, [
    { identity: "web1", lastSeen: 1 },
    { identity: "web2", lastSeen: 2 },
  ]);
  assert.equal(web.answers(id("web2")), "awaited");
  assert.equal(web.answers(id("db1")), undefined);
  assert.equal(web.answers(id("web2")), undefined);
  assert.deepEqual([web.awaited, web.missing.map(({ identity }) => identity)], [1, ["web1"]]);
  assert.deepEqual(web.newcomers, []);
});

test("Attendance tells who is new, and whether anybody was known before", () => {
  const web = new Attendance(KNOWN, target("web"));
  assert.deepEqual([web.answers(id("web9")), web.answers(id("web3"))], ["new", "new"]);
  assert.deepEqual([web.newcomers, web.isFirst], [["web3", "web9"], false]);
  const first = new Attendance(new Map(), undefined);
  assert.deepEqual([first.awaited, first.answers(id("web1")), first.isFirst], [0, "new", true]);
});

test("Attendance without discovery misses nobody and finds nobody new", () => {
  const off = new Attendance(undefined, undefined);
  assert.deepEqual([off.awaited, off.answers(id("web1")), off.isFirst], [0, undefined, false]);
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

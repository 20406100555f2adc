import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Channel, Tag } from "../../src/core/names.ts";
import { formatToml, parseToml } from "../../src/core/toml.ts";
import {
  asDiscovery,
  type Discovered,
  type DiscoveryDocument,
  type DiscoveryRecord,
  discoveredOn,
  EMPTY_DISCOVERY,
  hasNews,
  meantBy,
  mergeRecords,
  withoutAgents,
  withSeen,
} from "../../src/station/discovery.ts";
import { id, NOW, target } from "./scene.ts";

const LAB = "lab" as Channel;

function read(text: string): DiscoveryDocument {
  return asDiscovery(parseToml(new TextEncoder().encode(text), "/d.toml", "file"), "/d.toml");
}

function record(lastSeen: number, firstSeen = lastSeen, ...tags: readonly string[]): DiscoveryRecord {
  return { tags: tags as readonly Tag[], firstSeen, lastSeen };
}

/** As a plain object, for comparing. */
function listed(document: DiscoveryDocument, channel = LAB) {
  return Object.fromEntries(discoveredOn(channel, document));
}

// What cbradio 0.1.0 writes.
const ORIGINAL = `[channels.lab.agents.a1]
last_seen = 1795302946685
tags = ["web", "prod"]

[channels."the office".agents."a 1"]
last_seen = 1795302946685
tags = ["a tag"]
`;

test("discoveredOn() reads the original's file: an agent was first seen when it was last seen there", () => {
  const expected = { a1: record(1795302946685, 1795302946685, "prod", "web") };
  assert.deepEqual(listed(read(ORIGINAL)), expected);
  assert.deepEqual(listed(read(ORIGINAL), "other" as Channel), {});
  assert.deepEqual(listed(EMPTY_DISCOVERY), {});
});

test("withSeen() keeps what it does not know: other channels, keys and names that none of ours has", () => {
  const before = read(`version = 3\n${ORIGINAL}\n[channels.lab]\nnote = "x"\n[channels.lab.agents."a b"]
    last_seen = 7\ntags = ["x,y"]\nport = 22`);
  const after = withSeen(
    before,
    LAB,
    new Map([
      [id("a2"), record(NOW)],
      [id("a1"), record(NOW)],
    ]),
    NOW,
  );
  const { channels, version } = after as unknown as Record<string, Record<string, Record<string, unknown>>>;
  assert.equal(version, 3);
  assert.equal(channels?.["lab"]?.["note"], "x");
  assert.deepEqual(channels?.["the office"], (before as typeof channels)?.["channels"]?.["the office"]);
  assert.deepEqual(Object.keys(channels?.["lab"]?.["agents"] ?? {}), ["a b", "a1", "a2"]);
  assert.match(
    formatToml(after),
    /^\[channels\.lab\.agents\."a b"\]\nlast_seen = 7\ntags = \[ "x,y" \]\nport = 22$/m,
  );
  assert.match(
    formatToml(after),
    /^\[channels\.lab\.agents\.a1\]\nlast_seen = \d+\ntags = \[\]\nfirst_seen = 1795302946685$/m,
  );
});

test("withSeen() takes the later of what was seen, and what a clock that ran ahead has seen for past", () => {
  const document = withSeen(EMPTY_DISCOVERY, LAB, new Map([[id("a1"), record(NOW, NOW, "web")]]), NOW);
  const then = (seen: DiscoveryRecord, now: number) =>
    listed(withSeen(document, LAB, new Map([[id("a1"), seen]]), now))["a1"];
  assert.deepEqual(then(record(NOW + 5, NOW + 5, "eu"), NOW + 5), record(NOW + 5, NOW, "eu"));
  assert.deepEqual(then(record(NOW - 5, NOW - 5, "eu"), NOW), record(NOW, NOW - 5, "web"));
  // An hour ahead when it was written: the tags would else be those of then for an hour.
  const hourAgo = NOW - 3_600_000;
  const { lastSeen, firstSeen } = then(record(hourAgo, hourAgo, "eu"), hourAgo) ?? record(0);
  assert.deepEqual([lastSeen, firstSeen], [hourAgo, hourAgo]);
});

test("asDiscovery() names what is not as it should be", () => {
  const at = "channels.lab.agents.a1";
  const rows = {
    "channels = 1": "a table for channels",
    "[channels]\nlab = []": "a table for channels.lab",
    "[channels.lab]\nagents = 2020-01-01": "a table for channels.lab.agents",
    "[channels.lab.agents]\na1 = 5": `a table for ${at}`,
    [`[${at}]\ntags = []`]: `times in milliseconds for ${at}`,
    [`[${at}]\nlast_seen = 1.5\ntags = []`]: `times in milliseconds for ${at}`,
    [`[${at}]\nlast_seen = -1\ntags = []`]: `times in milliseconds for ${at}`,
    [`[${at}]\nlast_seen = 1\nfirst_seen = "1"\ntags = []`]: `times in milliseconds for ${at}`,
    [`[${at}]\nlast_seen = 1`]: `an array of tags for ${at}`,
    [`[${at}]\nlast_seen = 1\ntags = [1]`]: `an array of tags for ${at}`,
    [`[${at}]\nlast_seen = 1\ntags = "web"`]: `an array of tags for ${at}`,
  };
  for (const [text, expected] of Object.entries(rows)) {
    const message = `Cannot read "/d.toml": expected ${expected}`;
    assert.throws(() => read(text), { code: "file", message }, text);
  }
});

test("names that JavaScript has a meaning for are names", () => {
  const odd = ["constructor", "toString", "valueOf", "0"].map(id);
  for (const channel of ["constructor", "toString"] as readonly string[] as readonly Channel[]) {
    const seen = new Map(odd.map((identity) => [identity, record(NOW)]));
    assert.deepEqual(listed(EMPTY_DISCOVERY, channel), {});
    const after = withSeen(EMPTY_DISCOVERY, channel, seen, NOW);
    assert.deepEqual([...discoveredOn(channel, after).keys()].sort(), [...odd].sort());
  }
  const hostile = read(
    "[channels.__proto__.agents.a1]\nlast_seen = 1\ntags = []\n[channels.lab.agents.__proto__]\nlast_seen = 1\ntags = []",
  );
  assert.deepEqual(listed(hostile), {});
  const after = withSeen(hostile, LAB, new Map([[id("a1"), record(NOW)]]), NOW);
  assert.deepEqual(Object.keys(listed(after)), ["a1"]);
  assert.match(formatToml(after), /^\[channels\.lab\.agents\.__proto__\]$/m);
  assert.equal(Reflect.get({}, "agents"), undefined);
});

const names = fc.constantFrom("a1", "a2", "a3", "constructor").map(id);
const records: fc.Arbitrary<DiscoveryRecord> = fc
  .record({ lastSeen: fc.nat(9), age: fc.nat(9), tags: fc.subarray(["eu", "lab", "web"]) })
  .map(({ lastSeen, age, tags }) => record(lastSeen, Math.max(0, lastSeen - age), ...tags));
const sightings: fc.Arbitrary<Discovered> = fc
  .array(fc.tuple(names, records), { maxLength: 4 })
  .map((entries) => new Map(entries));

test("mergeRecords() gives the same in any order, however often, and of everything the latest and the earliest", () => {
  fc.assert(
    fc.property(records, records, records, (a, b, c) => {
      const ab = mergeRecords(a, b);
      assert.deepEqual(ab, mergeRecords(b, a));
      assert.deepEqual(mergeRecords(ab, b), ab);
      assert.deepEqual(mergeRecords(ab, c), mergeRecords(a, mergeRecords(b, c)));
      assert.equal(ab.lastSeen, Math.max(a.lastSeen, b.lastSeen));
      assert.equal(ab.firstSeen, Math.min(a.firstSeen, b.firstSeen));
      assert.deepEqual(
        ab.tags,
        [a, b].find(({ lastSeen, tags }) => lastSeen === ab.lastSeen && tags === ab.tags)?.tags,
      );
    }),
  );
});

test("withSeen() comes to the same in whatever order stations write, and loses nobody", () => {
  fc.assert(
    fc.property(fc.array(sightings, { maxLength: 4 }), fc.nat(), (sessions, seed) => {
      const write = (list: readonly Discovered[]) =>
        list.reduce((document, seen) => withSeen(document, LAB, seen, 10), EMPTY_DISCOVERY);
      const shuffled = sessions
        .map((session, index) => [Math.imul(seed + 1, index * 7919 + 13) >>> 0, session] as const)
        .sort(([one], [other]) => one - other)
        .map(([, session]) => session);
      const written = listed(write(sessions));
      assert.deepEqual(listed(write(shuffled)), written);
      assert.deepEqual(listed(write([...sessions, ...sessions])), written);
      const everybody = new Set(sessions.flatMap((seen) => [...seen.keys()]));
      assert.deepEqual(new Set<string>(Object.keys(written)), new Set<string>(everybody));
      // And what is read back is what was written.
      assert.deepEqual(listed(read(formatToml(write(sessions)))), written);
    }),
  );
});

test("withoutAgents() takes away those named, on this channel alone", () => {
  const other = "other" as Channel;
  const seen = new Map(["a1", "a2", "a3"].map((identity) => [id(identity), record(NOW)]));
  const both = withSeen(withSeen(EMPTY_DISCOVERY, LAB, seen, NOW), other, seen, NOW);
  const left = withoutAgents(both, LAB, [id("a1"), id("a3"), id("a9")]);
  assert.deepEqual(Object.keys(listed(left)), ["a2"]);
  assert.deepEqual(Object.keys(listed(left, other)), ["a1", "a2", "a3"]);
});

test("meantBy() are those whose tags contain all that are asked for", () => {
  const known = new Map([
    [id("a1"), record(NOW, NOW, "eu", "web")],
    [id("a2"), record(NOW, NOW, "web")],
    [id("a3"), record(NOW)],
  ]);
  assert.deepEqual([...meantBy(undefined, known)], ["a1", "a2", "a3"]);
  assert.deepEqual([...meantBy(target("web"), known)], ["a1", "a2"]);
  assert.deepEqual([...meantBy(target("eu", "web"), known)], ["a1"]);
  assert.deepEqual([...meantBy(target("db"), known)], []);
});

test("hasNews() is for whoever is new, has other tags, or was seen ten seconds away from what is known", () => {
  const known = new Map([[id("a1"), record(NOW, NOW, "eu", "web")]]);
  const isNews = (identity: string, seen: DiscoveryRecord) => hasNews(new Map([[id(identity), seen]]), known);
  assert.equal(hasNews(new Map(), known), false);
  assert.equal(isNews("a1", record(NOW + 9_999, NOW + 9_999, "eu", "web")), false);
  assert.equal(isNews("a1", record(NOW + 10_000, NOW + 10_000, "eu", "web")), true);
  assert.equal(isNews("a1", record(NOW - 10_000, NOW - 10_000, "eu", "web")), true);
  assert.equal(isNews("a1", record(NOW, NOW, "web")), true);
  assert.equal(isNews("a2", record(NOW, NOW, "eu", "web")), true);
});

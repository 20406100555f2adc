import assert from "node:assert/strict";
import { test } from "node:test";
import type { Identity } from "../../src/core/names.ts";
import { utf8 } from "../../src/protocol/bytes.ts";
import type { Disposition, Exit } from "../../src/protocol/reply.ts";
import { Roster } from "../../src/station/roster.ts";
import { statusLine } from "../../src/station/status-line.ts";
import { exit, hello, id, NOW } from "./scene.ts";

/** Nobody was silent. */
const NOW_HEARD = { publishedAt: 0, listeningSince: 0, provenAt: 0 };

test("statusLine counts who is done, who runs, who failed and who has not answered", () => {
  const roster = new Roster();
  for (const name of ["web1", "web2", "web3", "web4"])
    roster.record({ kind: "hello", hello: hello(name) }, 5, NOW);
  const others = hello("db1", { disposition: { is: "not-targeted" } });
  roster.record({ kind: "hello", hello: others }, 5, NOW);
  roster.record({ kind: "exit", identity: id("web1"), exit: exit() }, 5, NOW);
  roster.record({ kind: "exit", identity: id("web2"), exit: exit({ status: 1 }) }, 5, NOW);
  const progress = {
    agents: roster.agents,
    awaited: 2,
    isRollCalled: false,
    listening: NOW_HEARD,
    elapsed: 12_345,
  };
  assert.equal(statusLine(progress, 79), "2/6 done · 2 running (web[3-4]) · 1 failed · 2 awaited · 12.3 s");
  const held = { is: "held" as const };
  for (const name of ["db2", "db3"])
    roster.record({ kind: "hello", hello: hello(name, { disposition: held }) }, 5, NOW);
  const released = [id("db2"), id("db4")];
  const rollout = {
    inFlight: new Map([[id("db2"), { releasedAt: 0 }]]),
    lost: new Set<Identity>(),
    hasReleased: (identity: Identity) => released.includes(identity),
    progress: { released: 1, batch: 2, batches: 5 },
  };
  assert.equal(
    statusLine({ ...progress, agents: roster.agents, rollout }, 120),
    "2/8 done · batch 2/5 · 3 running (db2, web[3-4]) · 1 waiting · 1 failed · 2 awaited · 12.3 s",
  );
  // It was released and is lost; the other one's hold was ended.
  for (const name of ["db4", "db5"])
    roster.record({ kind: "hello", hello: hello(name, { disposition: held }) }, 5, NOW);
  const cancelled = exit({ ending: "cancelled", status: undefined });
  roster.record({ kind: "exit", identity: id("db5"), exit: cancelled }, 5, NOW);
  const lost = { ...rollout, lost: new Set([id("db4")]) };
  assert.equal(
    statusLine({ ...progress, agents: roster.agents, rollout: lost }, 140),
    "4/10 done · batch 2/5 · 3 running (db2, web[3-4]) · 1 waiting · 1 failed · 1 not run · 1 unfinished · " +
      "2 awaited · 12.3 s",
  );
  const later = statusLine({ ...progress, isRollCalled: true }, 79);
  assert.equal(later, "2/6 done · 2 running (web[3-4]) · 1 failed · 2 missing · 12.3 s");
});

test("statusLine says of a rollout where it is, and while nothing runs when it goes on", () => {
  const roster = new Roster();
  for (const name of ["web1", "web2"])
    roster.record({ kind: "hello", hello: hello(name, { disposition: { is: "held" } }) }, 5, NOW);
  roster.record({ kind: "exit", identity: id("web1"), exit: exit() }, 5, NOW);
  const line = (batch: number, isCanary: boolean, nextBatchIn?: number, inFlight: readonly string[] = []) => {
    const rollout = {
      inFlight: new Map(inFlight.map((name) => [id(name), { releasedAt: 0 }])),
      lost: new Set<Identity>(),
      hasReleased: (identity: Identity) => identity === "web1" || inFlight.includes(identity),
      progress: { released: batch, batch, batches: 4 },
    };
    const stage = { isCanary, nextBatchIn };
    const known = { agents: roster.agents, awaited: 0, isRollCalled: true, listening: NOW_HEARD };
    const all = statusLine({ ...known, elapsed: 400, rollout, stage }, 120);
    return all.replace(" · 0 failed · 0 missing · 0.4 s", "");
  };
  assert.equal(line(1, false, 1_001), "1/2 done · batch 1/4 · next batch in 2 s · 1 waiting");
  assert.equal(line(1, true, 0), "1/2 done · canary · next batch in 1 s · 1 waiting");
  assert.equal(line(1, true, undefined, ["web2"]), "1/2 done · canary · 1 running (web2)");
  assert.equal(line(0, false), "1/2 done · 0 running · 1 waiting", "nobody is released yet");
});

test("statusLine names those that run as far as there is room, and never at the cost of the rest", () => {
  const roster = new Roster();
  for (const name of ["alpha", "beta", "gamma", "delta"])
    roster.record({ kind: "hello", hello: hello(name) }, 5, NOW);
  const progress = {
    agents: roster.agents,
    awaited: 0,
    isRollCalled: false,
    listening: NOW_HEARD,
    elapsed: 400,
  };
  const rest = "0 failed · 0 awaited · 0.4 s";
  const line = (columns: number) => statusLine(progress, columns);
  assert.equal(line(79), `0/4 done · 4 running (alpha, beta, delta, gamma) · ${rest}`);
  assert.equal(line(70), `0/4 done · 4 running (alpha, beta, de…) · ${rest}`);
  assert.equal(line(60), `0/4 done · 4 running · ${rest}`);
  const many = (count: number) => {
    for (let index = 0; index < count; index += 1)
      roster.record({ kind: "hello", hello: hello(`web${index}`) }, 5, NOW);
    return statusLine({ ...progress, agents: roster.agents }, 200);
  };
  assert.equal(many(20), `0/24 done · 24 running (alpha, beta, delta, gamma, web[0-19]) · ${rest}`);
  assert.equal(many(300), `0/304 done · 304 running · ${rest}`);
});

test("statusLine counts as the summary does: who refused is not among those that failed", () => {
  const roster = new Roster();
  const say = (name: string, disposition: Disposition) =>
    roster.record({ kind: "hello", hello: hello(name, { disposition }) }, 5, NOW);
  for (const name of ["web1", "web2", "web3"]) say(name, { is: "running" });
  say("web4", { is: "refused", reason: "no-such-command" });
  say("web5", { is: "declined", reason: "busy" });
  const ends = (name: string, changes: Partial<Exit>) =>
    roster.record({ kind: "exit", identity: id(name), exit: exit(changes) }, 5, NOW);
  ends("web1", {});
  ends("web2", { status: 1 });
  ends("web3", { ending: "not-started", status: undefined });
  const progress = {
    agents: roster.agents,
    awaited: 1,
    isRollCalled: true,
    listening: NOW_HEARD,
    elapsed: 900,
  };
  const line = "5/6 done · 0 running · 1 failed · 1 refused · 2 not run · 1 missing · 0.9 s";
  assert.equal(statusLine(progress, 100), line);
});

test("statusLine says who runs and has not been heard for 12 s, the longest silent first, by time in which it could be", () => {
  const roster = new Roster();
  const say = (name: string, at: number, disposition: Disposition = { is: "running" }) =>
    roster.record({ kind: "hello", hello: hello(name, { disposition }) }, at, NOW);
  for (const name of ["web1", "web2", "web3", "web4"]) say(name, 100);
  say("web5", 100, { is: "queued" });
  roster.record({ kind: "output", identity: id("web2"), stream: "stdout", data: utf8("x") }, 3000, NOW);
  roster.record({ kind: "state", identity: id("web3"), state: "running" }, 16_000, NOW);
  const publishedAt = 50_000;
  const lineAt = (provenAt: number, listeningSince = 0, columns = 120) => {
    const listening = {
      publishedAt,
      provenAt: publishedAt + provenAt,
      listeningSince: publishedAt + listeningSince,
    };
    const progress = { agents: roster.agents, awaited: 0, isRollCalled: true, listening, elapsed: 20_000 };
    return /running(?: \((.*)\))? · 0/.exec(statusLine(progress, columns))?.[1];
  };
  assert.equal(lineAt(12_099), "web[1-5]");
  assert.equal(lineAt(12_100), "web[1,4], silent for 12 s; web[2-3,5]");
  assert.equal(lineAt(17_500), "web[1,4], silent for 17 s; web2, silent for 14 s; web[3,5]");
  assert.equal(lineAt(17_500, 0, 80), "web[1,4], silent for 17 …");
  // A hub that was silent until then kept it from being heard, and gives it time to come back.
  assert.equal(lineAt(17_500, 5000), "web[1-2,4], silent for 12 s; web[3,5]");
  assert.equal(lineAt(17_500, 30_000), "web[1-5]");
  for (let index = 0; index < 300; index += 1) say(`db${index}`, 17_000);
  assert.equal(lineAt(17_500), "web[1,4], silent for 17 s; web2, silent for 14 s; …");
});

test("statusLine takes nobody for silent who waits for its release", () => {
  const roster = new Roster();
  for (const name of ["web1", "web2"])
    roster.record({ kind: "hello", hello: hello(name, { disposition: { is: "held" } }) }, 5, NOW);
  const rollout = {
    inFlight: new Map([[id("web1"), { releasedAt: 60_000 }]]),
    lost: new Set<Identity>(),
    hasReleased: (identity: Identity) => identity === "web1",
    progress: { released: 1, batch: 1, batches: 2 },
  };
  const lineAt = (provenAt: number) => {
    const listening = { publishedAt: 0, listeningSince: 0, provenAt };
    const progress = {
      agents: roster.agents,
      awaited: 0,
      isRollCalled: true,
      rollout,
      listening,
      elapsed: 400,
    };
    return statusLine(progress, 120);
  };
  const rest = "1 waiting · 0 failed · 0 missing · 0.4 s";
  assert.equal(lineAt(61_000), `0/2 done · batch 1/2 · 1 running (web1) · ${rest}`);
  assert.equal(lineAt(75_000), `0/2 done · batch 1/2 · 1 running (web1, silent for 15 s) · ${rest}`);
});

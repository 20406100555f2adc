import assert from "node:assert/strict";
import { test } from "node:test";
import type { FaultEvent, ReplyEvent } from "../../src/station/reply-reader.ts";
import { Roster } from "../../src/station/roster.ts";
import { exit, hello, id, NOW } from "./scene.ts";

test("Roster.agents is in alphabetical order, with when each was heard and how it ended", () => {
  const roster = new Roster();
  for (const [index, identity] of ["web2", "db1", "web1"].entries()) {
    roster.record({ kind: "hello", hello: hello(identity) }, index + 0.5, NOW + index);
  }
  const last = exit({ status: 3 });
  roster.record({ kind: "exit", identity: id("web1"), exit: last }, 9, NOW);
  assert.deepEqual(
    roster.agents.map(({ hello: { identity }, roundTrip, heardAt, exit: ended, isSilenced }) => {
      return [identity, roundTrip, heardAt - NOW, ended, isSilenced];
    }),
    [
      ["db1", 1.5, 1, undefined, false],
      ["web1", 2.5, 2, last, false],
      ["web2", 0.5, 0, undefined, false],
    ],
  );
});

test("Roster takes down when each command started and ended", () => {
  const roster = new Roster();
  const queued = hello("web2", { disposition: { is: "queued" } });
  const events: readonly ReplyEvent[] = [
    { kind: "hello", hello: hello("web1") },
    { kind: "hello", hello: queued },
    { kind: "hello", hello: hello("web3", { disposition: { is: "queued" } }) },
    { kind: "hello", hello: hello("web4", { disposition: { is: "held" } }) },
    { kind: "state", identity: id("web2"), state: "running" },
    { kind: "exit", identity: id("web1"), exit: exit() },
    { kind: "exit", identity: id("web2"), exit: exit() },
    { kind: "state", identity: id("web4"), state: "queued" },
    { kind: "state", identity: id("web4"), state: "running" },
    { kind: "state", identity: id("web4"), state: "running" },
  ];
  for (const [index, event] of events.entries()) roster.record(event, 10 * index, NOW);
  assert.deepEqual(
    roster.agents.map(({ startedAfter, endedAfter }) => [startedAfter, endedAfter]),
    [
      [0, 50],
      [40, 60],
      [undefined, undefined],
      [80, undefined],
    ],
  );
});

test("Roster takes down when each agent was last heard, by its own replies, and nothing of who said no hello", () => {
  const roster = new Roster();
  const events: readonly ReplyEvent[] = [
    { kind: "hello", hello: hello("web1") },
    { kind: "hello", hello: hello("web2") },
    { kind: "hello", hello: hello("web3") },
    { kind: "state", identity: id("web2"), state: "running" },
    { kind: "output", identity: id("web3"), stream: "stdout", data: new Uint8Array(1) },
    { kind: "fault", fault: "conflict", identity: id("web1") },
    { kind: "repeat", identity: id("web1") },
    { kind: "state", identity: id("web4"), state: "running" },
    { kind: "output", identity: id("web4"), stream: "stdout", data: new Uint8Array(1) },
  ];
  for (const [index, event] of events.entries()) roster.record(event, 10 * index, NOW);
  assert.deepEqual(
    roster.agents.map(({ hello: { identity }, lastSign }) => [identity, lastSign]),
    [
      ["web1", 0],
      ["web2", 30],
      ["web3", 40],
    ],
  );
});

test("Roster adds up the same fault of the same agent, keeping the first detail", () => {
  const roster = new Roster();
  const record = (event: Partial<FaultEvent> & Pick<FaultEvent, "fault">) => {
    roster.record({ kind: "fault", ...event }, 0, NOW);
  };
  const web1 = id("web1");
  record({ fault: "gap", identity: web1, missing: 2 });
  record({ fault: "incomplete", identity: web1, detail: "first" });
  record({ fault: "foreign" });
  record({ fault: "gap", identity: web1, missing: 7 });
  record({ fault: "incomplete", identity: web1, detail: "second" });
  record({ fault: "gap", identity: id("web2"), missing: 1 });
  record({ fault: "foreign" });
  record({ fault: "foreign" });
  assert.deepEqual(roster.faults, [
    { fault: "gap", identity: "web1", detail: undefined, times: 2, missing: 9 },
    { fault: "incomplete", identity: "web1", detail: "first", times: 2, missing: 0 },
    { fault: "foreign", identity: undefined, detail: undefined, times: 3, missing: 0 },
    { fault: "gap", identity: "web2", detail: undefined, times: 1, missing: 1 },
  ]);
});

test("Roster.record() gives the first fault of each kind and agent, and nothing else", () => {
  const roster = new Roster();
  const web1 = id("web1");
  const first = (event: ReplyEvent) => {
    const { fault, identity } = roster.record(event, 0, NOW) ?? {};
    return fault && `${fault} ${identity}`;
  };
  const fault = (name: FaultEvent["fault"], identity: string, detail?: string): ReplyEvent => {
    return { kind: "fault", fault: name, identity: id(identity), detail };
  };
  assert.equal(first({ kind: "hello", hello: hello("web1") }), undefined);
  assert.equal(first(fault("conflict", "web1", "one")), "conflict web1");
  assert.equal(first(fault("conflict", "web1", "two")), undefined);
  assert.equal(first(fault("pin-mismatch", "web1")), "pin-mismatch web1");
  assert.equal(first(fault("conflict", "web2")), "conflict web2");
  assert.equal(first({ kind: "exit", identity: web1, exit: exit() }), undefined);
  assert.equal(first({ kind: "repeat", identity: web1 }), undefined);
});

test("Roster knows which agent was silenced: one that ran, not another that took its name", () => {
  const roster = new Roster();
  for (const identity of ["web1", "web2"]) roster.record({ kind: "hello", hello: hello(identity) }, 1, NOW);
  roster.record({ kind: "fault", fault: "conflict", identity: id("web1"), silences: "answer" }, 1, NOW);
  roster.record({ kind: "fault", fault: "malformed", identity: id("web2"), silences: "run" }, 1, NOW);
  roster.record({ kind: "fault", fault: "malformed", identity: id("web3"), silences: "run" }, 1, NOW);
  assert.deepEqual(
    roster.agents.map(({ isSilenced }) => isSilenced),
    [false, true],
  );
});

test("Roster counts repeats, and needs nothing of output and of states", () => {
  const roster = new Roster();
  roster.record({ kind: "hello", hello: hello("web1") }, 1, NOW);
  for (let count = 0; count < 3; count++) roster.record({ kind: "repeat", identity: id("web1") }, 1, NOW);
  roster.record({ kind: "state", identity: id("web1"), state: "running" }, 1, NOW);
  roster.record({ kind: "output", identity: id("web1"), stream: "stdout", data: new Uint8Array(1) }, 1, NOW);
  // Of one who never said hello nothing can come; were it so, it would not be an agent.
  roster.record({ kind: "exit", identity: id("web2"), exit: exit() }, 1, NOW);
  assert.equal(roster.repeats, 3);
  assert.equal(roster.agents.length, 1);
  assert.deepEqual(roster.faults, []);
});

test("Roster.claims are those who answered under one key alone, with a key that is nobody else's", () => {
  const roster = new Roster();
  const hellos = ["web1", "web2", "web3", "web4", "web5"].map((identity) => hello(identity));
  for (const one of hellos) roster.record({ kind: "hello", hello: one }, 0, NOW);
  const [, web2, web3, web4, web5] = hellos.map(({ agentKey }) => agentKey);
  const rival = (identity: string, agentKey = hello("x").agentKey) =>
    roster.record({ kind: "fault", fault: "conflict", identity: id(identity), agentKey }, 0, NOW);
  assert.equal(roster.claims.size, 5);
  rival("web1");
  rival("web9", web2);
  // A copy of web3 claims no other name, and no other key.
  rival("web3", web3);
  assert.deepEqual(
    roster.claims,
    new Map([web3, web4, web5].map((key, index) => [id(`web${index + 3}`), key])),
  );
  rival("web4", web5);
  assert.deepEqual([...roster.claims.keys()], ["web3"]);
  // Who was shown first has not been right for that.
  roster.record({ kind: "hello", hello: hello("web9") }, 0, NOW);
  assert.deepEqual([...roster.claims.keys()], ["web3"]);
});

test("Roster.recordLatePin() counts as a key that is not the one pinned", () => {
  const roster = new Roster();
  roster.recordLatePin(id("web1"));
  assert.deepEqual(
    roster.faults.map(({ fault, identity }) => [fault, identity]),
    [["pin-mismatch", "web1"]],
  );
});

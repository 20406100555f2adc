import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { NamePattern } from "../../src/core/name-pattern.ts";
import { hex } from "../../src/protocol/bytes.ts";
import { boxPublicKey } from "../../src/protocol/crypto.ts";
import { agentKeyPair, keyIdText, newSeed, type SessionKeyPair } from "../../src/protocol/keys.ts";
import type { Disposition } from "../../src/protocol/reply.ts";
import { FAULTS, type ReplyEvent, ReplyReader } from "../../src/station/reply-reader.ts";
import { readVectors } from "../support/vectors.ts";
import {
  type Agent,
  exit,
  id,
  listRequest,
  nameOf,
  output,
  pingRequest,
  runRequest,
  Scene,
  target,
} from "./scene.ts";

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

for (const vector of readVectors("reply")) {
  test(`ReplyReader holds for the vector ${vector.name}: ${vector.comment}`, () => {
    const challenge = bytes(vector.get("challenge"));
    const tags = vector.all("target-tag");
    const [until] = vector.all("hold-until");
    const changes = { challenge, target: tags.length > 0 ? target(...tags) : undefined };
    const hold = until === undefined ? {} : { holdUntil: Number(until) };
    const run = (all: Parameters<typeof runRequest>[0]) => runRequest({ ...all, ...hold });
    const make = { ping: pingRequest, list: listRequest, run }[vector.get("request-type")];
    assert.ok(make);
    const request = make(changes);
    const secretKey = bytes(vector.get("session-secret"));
    const session = { secretKey, publicKey: boxPublicKey(secretKey) } as SessionKeyPair;
    const reader = new ReplyReader({ request, session, pins: new Map(), maxHellos: 1000 });
    const all = vector.all("envelope").map((envelope) => reader.read(bytes(envelope)));
    assert.equal(all.map(nameOf).join(", "), vector.expect);
    const expected = vector.all("reply").map((text) => JSON.parse(text));
    const taken = all.flat().filter(({ kind }) => ["hello", "state", "output", "exit"].includes(kind));
    assert.equal(taken.length, expected.length);
    for (const [index, event] of taken.entries()) isOnWire(event, expected[index]);
  });
}

/** Asserts that an event says what a reply of a vector says. */
function isOnWire(event: ReplyEvent, expected: Readonly<Record<string, unknown>>): void {
  const actual = JSON.parse(
    JSON.stringify(contentOf(event), (_key, value) => (value instanceof Uint8Array ? hex(value) : value)),
  );
  for (const [key, value] of Object.entries(actual)) assert.deepEqual(value, expected[key], key);
  const left = Object.keys(expected).filter((key) => !(key in actual));
  // An event does not say again where output stood.
  assert.deepEqual(left, event.kind === "output" ? ["offset"] : []);
}

function contentOf(event: ReplyEvent): unknown {
  switch (event.kind) {
    case "hello": {
      const { disposition, agentKey, ...rest } = event.hello;
      const { is, ...why } = disposition;
      return { ...rest, key: agentKey, disposition: is, ...why };
    }
    case "output":
      return { type: "output", stream: event.stream, data: event.data };
    case "exit":
      return { ...event.exit, leftOpen: event.exit.leftOpen || undefined };
    case "state":
      return { type: "state", state: event.state };
    default:
      return { type: event.kind };
  }
}

/** A scene in which an agent runs our command. */
function running(): { readonly scene: Scene; readonly web1: Agent } {
  const scene = new Scene();
  const web1 = scene.agent("web1");
  assert.deepEqual(scene.says(web1.sealHello()), ["hello"]);
  return { scene, web1 };
}

test("ReplyReader gives the events of a session in which all is well", () => {
  const scene = new Scene();
  const [web1, web2] = [scene.agent("web1"), scene.agent("web2")];
  const events = [
    web1.sealHello(),
    web2.sealHello({ is: "queued" }),
    web1.seal(output(0, "one\n")),
    web1.seal(output(0, "warning\n", "stderr")),
    web2.seal({ type: "state", state: "running" }),
    web1.seal(output(4, "two\n")),
    web2.seal(exit({ status: 3 })),
    web1.seal(exit({ stdout: 8, stderr: 8 })),
  ].flatMap((envelope) => scene.reader.read(envelope));
  assert.equal(nameOf(events), "hello+hello+output+output+state+output+exit+exit");
  const text = events.map((event) =>
    event.kind === "output" ? `${event.identity} ${event.stream} ${Buffer.from(event.data)}` : "",
  );
  assert.equal(text.join(""), "web1 stdout one\nweb1 stderr warning\nweb1 stdout two\n");
  const last = events.flatMap((event) => (event.kind === "exit" ? [event] : []));
  assert.deepEqual(
    last.map(({ identity, exit: { status } }) => [identity, status]),
    [
      ["web2", 3],
      ["web1", 0],
    ],
  );
});

test("ReplyReader takes the refusal of an agent too old to read the target as that of one that is not meant", () => {
  const hellos = [
    { is: "refused", reason: "version" },
    { is: "refused", reason: "clock" },
  ] as const;
  const target = { identities: ["web1"] as string[] as NamePattern[] };
  for (const [identity, expected] of [
    ["web1", ["refused", "refused"]],
    ["web2", ["not-targeted", "refused"]],
  ] as const) {
    const heard = hellos.map((disposition) => {
      const scene = new Scene(runRequest({ target }));
      const [event] = scene.reader.read(scene.agent(identity).sealHello(disposition));
      return event?.kind === "hello" && event.hello.disposition.is;
    });
    assert.deepEqual(heard, expected);
  }
});

test("ReplyReader takes a list for something that runs, and not for a ping", () => {
  const scene = new Scene(listRequest());
  const [web1, web2] = [scene.agent("web1"), scene.agent("web2")];
  assert.deepEqual(scene.says(web1.sealHello(), web2.sealHello({ is: "present" })), [
    "hello",
    "out-of-order",
  ]);
});

test("ReplyReader lets a command that waited its turn end without having run", () => {
  const scene = new Scene();
  const web1 = scene.agent("web1");
  const never = exit({ ending: "never-started", status: undefined });
  assert.deepEqual(scene.says(web1.sealHello({ is: "queued" }), web1.seal(never)), ["hello", "exit"]);
});

test("ReplyReader names `foreign` what nobody of this network sealed for this session", () => {
  const { scene, web1 } = running();
  const elsewhere = new Scene().agent("web2").sealHello();
  const genuine = web1.seal(output(0, "x"));
  assert.deepEqual(scene.says(new Uint8Array(), elsewhere, genuine.with(0, 0), genuine), [
    "foreign",
    "foreign",
    "foreign",
    "output",
  ]);
  assert.deepEqual(scene.fault(elsewhere), {
    kind: "fault",
    fault: "foreign",
    identity: undefined,
    detail: undefined,
  });
});

test("ReplyReader names `no-hello` what comes before the hello, which may still come", () => {
  const scene = new Scene();
  const web1 = scene.agent("web1");
  const [first, second] = [web1.sealHello(), web1.seal(output(0, "x"))];
  assert.deepEqual(scene.says(second, first, second), ["no-hello", "hello", "output"]);
});

test("ReplyReader opens no more hellos than it may, be they genuine or not", () => {
  const scene = new Scene(runRequest(), 2);
  const [web1, web2, web3] = [scene.agent("web1"), scene.agent("web2"), scene.agent("web3")];
  const bad = web2.sealHello({ is: "running" }, { challenge: new Uint8Array(32) });
  const foreign = new Scene().agent("web4").sealHello();
  assert.deepEqual(
    scene.says(foreign, web1.sealHello(), bad, web3.sealHello(), foreign, web1.seal(output(0, "x"))),
    ["foreign", "hello", "wrong-challenge", "too-many", "too-many", "output"],
  );
  assert.equal(scene.fault(web3.sealHello()).fault, "no-hello");
});

test("ReplyReader names `altered` what does not open, whatever its sequence, and takes the genuine one", () => {
  const { scene, web1 } = running();
  const [first, second, third] = [output(0, "a"), output(1, "b"), output(2, "c")].map((reply) =>
    web1.seal(reply),
  );
  assert.ok(first && second && third);
  const flipped = (envelope: Uint8Array) => envelope.with(100, (envelope[100] ?? 0) ^ 1);
  assert.deepEqual(scene.says(flipped(first), flipped(third), first, flipped(first), second, third), [
    "altered",
    "altered",
    "output",
    "altered",
    "output",
    "output",
  ]);
  assert.equal(scene.fault(flipped(first)).identity, "web1");
});

test("ReplyReader drops exact repeats, also of old replies and after the end, and counts them", () => {
  const { scene, web1 } = running();
  const [first, second, last] = [output(0, "a"), output(1, "b"), exit({ stdout: 2 })].map((reply) =>
    web1.seal(reply),
  );
  assert.ok(first && second && last);
  assert.deepEqual(scene.says(first, first, second, first, last, last, second), [
    "output",
    "repeat",
    "output",
    "repeat",
    "exit",
    "repeat",
    "repeat",
  ]);
  assert.deepEqual(scene.reader.read(first), [{ kind: "repeat", identity: "web1" }]);
});

test("ReplyReader names what is missing in a gap and uses the rest; what comes too late is a repeat", () => {
  const { scene, web1 } = running();
  web1.lose(1);
  const late = web1.seal(output(0, "a"));
  const next = web1.seal(output(1, "b"));
  const events = scene.reader.read(next);
  assert.equal(nameOf(events), "gap+hole+output");
  assert.deepEqual(events[0], {
    kind: "fault",
    fault: "gap",
    identity: "web1",
    detail: undefined,
    missing: 2,
  });
  assert.deepEqual(scene.says(late, web1.seal(output(2, "c"))), ["repeat", "output"]);
});

test("ReplyReader is deaf to a reply key after a hello that is worth nothing, and says so once [S19]", () => {
  type Bad = readonly [fault: string, bad: (agent: Agent, scene: Scene) => Uint8Array];
  const other = new Scene();
  const rows: readonly Bad[] = [
    ["malformed", (agent) => agent.sealBody(new Uint8Array([0xa0]))],
    ["out-of-order", (agent) => agent.seal(output(0, "x"))],
    ["wrong-challenge", (agent) => agent.sealHello({ is: "running" }, { challenge: new Uint8Array(32) })],
    ["bad-signature", (agent) => agent.sealHello({ is: "running" }, { signature: new Uint8Array(64) })],
    // Signed by the same agent key, for another session.
    [
      "bad-signature",
      (agent) =>
        agent.sealHello(
          { is: "running" },
          { signature: other.agent("bad", agent.keyPair).hello().signature },
        ),
    ],
    ["bad-signature", (agent) => agent.seal({ ...agent.hello(), identity: other.agent("worse").identity })],
    [
      "bad-signature",
      (agent) => agent.seal({ ...agent.hello(), agentKey: agentKeyPair(newSeed()).publicKey }),
    ],
    ["not-targeted", (agent) => agent.sealHello({ is: "running" }, { tags: [] })],
    ["not-targeted", (agent) => agent.sealHello({ is: "queued" }, { tags: target("db").tags })],
    ["conflict", (_agent, scene) => scene.agent("web1").sealHello()],
    ["pin-mismatch", (_agent, scene) => scene.agent("pinned").sealHello()],
    ["out-of-order", (agent) => agent.sealHello({ is: "present" })],
  ];
  for (const [fault, bad] of rows) {
    const pins = new Map([[id("pinned"), agentKeyPair(newSeed()).publicKey]]);
    const scene = new Scene(runRequest({ target: target("web") }), 1000, pins);
    const [web1, agent] = [scene.agent("web1"), scene.agent("bad")];
    assert.deepEqual(scene.says(web1.sealHello()), ["hello"]);
    const envelope = bad(agent, scene);
    const event = scene.fault(envelope);
    assert.equal(event.fault, fault);
    assert.equal(event.silences, "answer");
    const isStranger = fault === "conflict" || fault === "pin-mismatch";
    if (!isStranger) assert.deepEqual(scene.says(agent.seal(exit())), ["nothing"], fault);
    assert.deepEqual(scene.says(envelope), ["nothing"], fault);
    // Nor has it taken anything from those that are well.
    assert.deepEqual(scene.says(web1.seal(exit()), scene.agent("web2").sealHello()), ["exit", "hello"]);
  }
});

test("ReplyReader names an agent only where its hello was genuine", () => {
  const unsigned = (agent: Agent) => agent.sealHello({ is: "running" }, { signature: new Uint8Array(64) });
  const scene = new Scene(runRequest({ target: target("db") }));
  assert.equal(scene.fault(unsigned(scene.agent("web1"))).identity, undefined);
  assert.equal(scene.fault(scene.agent("web1").sealHello()).identity, "web1");
});

test("ReplyReader names `conflict` a second agent under one identity, and one agent under two", () => {
  const { scene, web1 } = running();
  const twin = scene.agent("web1");
  const twins = scene.fault(twin.sealHello());
  assert.deepEqual([twins.fault, twins.detail], ["conflict", "two agents call themselves web1"]);
  const renamed = scene.fault(scene.agent("web2", web1.keyPair).sealHello());
  assert.deepEqual(
    [renamed.fault, renamed.identity, renamed.detail],
    ["conflict", "web2", "web2 answers with the key of web1"],
  );
  // Whoever was first goes on, and whoever failed has not taken the name.
  assert.deepEqual(scene.says(web1.seal(output(0, "x")), scene.agent("web2").sealHello()), [
    "output",
    "hello",
  ]);
});

test("ReplyReader names `pin-mismatch` who answers with another key than the one pinned, and waits for the right one", () => {
  const pair = agentKeyPair(newSeed());
  const pins = new Map([[id("web1"), pair.publicKey]]);
  const scene = new Scene(runRequest(), 1000, pins);
  const impostor = scene.agent("web1");
  const { fault, identity, detail, agentKey } = scene.fault(impostor.sealHello());
  assert.deepEqual([fault, identity, agentKey], ["pin-mismatch", "web1", impostor.keyPair.publicKey]);
  const [now, pinned] = [impostor.keyPair, pair].map((keys) => keyIdText("agent-public", keys.publicKey));
  assert.equal(detail, `${now}, not ${pinned}`);
  // Nothing of what he says counts, and he has not taken the name; nor has he after the right one has come.
  assert.deepEqual(scene.says(impostor.seal(output(0, "x"))), ["nothing"]);
  const web1 = scene.agent("web1", pair);
  assert.deepEqual(scene.says(web1.sealHello(), web1.seal(output(0, "x"))), ["hello", "output"]);
  assert.deepEqual(scene.says(scene.agent("web1").sealHello()), ["pin-mismatch"]);
  // A copy of its disk is another matter: two agents, one key.
  assert.deepEqual(scene.says(scene.agent("web1", pair).sealHello()), ["conflict"]);
});

test("ReplyReader names `conflict` who answers with the key that is pinned for another, heard or not", () => {
  const pair = agentKeyPair(newSeed());
  const scene = new Scene(runRequest(), 1000, new Map([[id("web1"), pair.publicKey]]));
  const copy = scene.fault(scene.agent("web2", pair).sealHello());
  assert.deepEqual([copy.fault, copy.detail], ["conflict", "web2 answers with the key of web1"]);
  assert.deepEqual(copy.agentKey, pair.publicKey);
  assert.deepEqual(scene.says(scene.agent("web1", pair).sealHello()), ["hello"]);
  assert.deepEqual(scene.says(scene.agent("web3").sealHello()), ["hello"]);
});

test("ReplyReader takes what an agent that is not targeted says of itself, in a conflict too", () => {
  const scene = new Scene(runRequest({ target: target("db") }));
  const web1 = scene.agent("web1");
  const others: readonly Disposition[] = [
    { is: "declined", reason: "busy" },
    { is: "refused", reason: "clock", detail: "future", bound: 1 },
  ];
  assert.deepEqual(scene.says(web1.sealHello({ is: "not-targeted" })), ["hello"]);
  for (const [index, disposition] of others.entries()) {
    assert.deepEqual(scene.says(scene.agent(`other${index}`).sealHello(disposition)), ["hello"]);
  }
  assert.deepEqual(scene.says(scene.agent("web1").sealHello({ is: "not-targeted" })), ["conflict"]);
});

test("ReplyReader wants of a ping that agents are present, and of a command that they run it", () => {
  const [run, ping] = [new Scene(), new Scene(pingRequest())];
  const answers = (scene: Scene, disposition: Disposition) =>
    scene.says(scene.agent("web1").sealHello(disposition));
  assert.deepEqual(answers(ping, { is: "running" }), ["out-of-order"]);
  assert.deepEqual(answers(ping, { is: "queued" }), ["out-of-order"]);
  assert.deepEqual(answers(run, { is: "present" }), ["out-of-order"]);
  assert.deepEqual(answers(ping, { is: "present" }), ["hello"]);
  assert.deepEqual(answers(run, { is: "running" }), ["hello"]);
});

test("ReplyReader names a conflict before a disposition that does not fit", () => {
  const { scene } = running();
  assert.deepEqual(scene.says(scene.agent("web1").sealHello({ is: "present" })), ["conflict"]);
});

test("ReplyReader silences an agent that runs after a reply that is malformed, and says so once", () => {
  const { scene, web1 } = running();
  const malformed = scene.fault(web1.sealBody(new Uint8Array([0xff])));
  assert.deepEqual([malformed.fault, malformed.identity, malformed.silences], ["malformed", "web1", "run"]);
  assert.deepEqual(
    scene.says(web1.seal(output(0, "x")), web1.sealBody(new Uint8Array()), web1.seal(exit())),
    ["nothing", "nothing", "nothing"],
  );
});

test("ReplyReader has nobody to silence when an agent speaks badly after its end", () => {
  const { scene, web1 } = running();
  assert.deepEqual(scene.says(web1.seal(exit())), ["exit"]);
  assert.equal(scene.fault(web1.sealBody(new Uint8Array())).silences, undefined);
});

test("ReplyReader names `out-of-order` every reply that does not fit an agent's state", () => {
  const state = { type: "state", state: "running" } as const;
  const rows: readonly (readonly [disposition: Disposition, allowed: readonly string[]])[] = [
    [{ is: "running" }, ["output", "exit"]],
    [{ is: "queued" }, ["state", "exit"]],
    [{ is: "not-targeted" }, []],
    [{ is: "declined", reason: "stopping" }, []],
    [{ is: "refused", reason: "forbidden" }, []],
  ];
  for (const [disposition, allowed] of rows) {
    for (const reply of [state, output(0, "x"), exit(), "hello"] as const) {
      const isMeant = disposition.is !== "not-targeted";
      const scene = new Scene(isMeant ? runRequest() : runRequest({ target: target("db") }));
      const web1 = scene.agent("web1");
      assert.deepEqual(scene.says(web1.sealHello(disposition)), ["hello"]);
      const next = reply === "hello" ? web1.sealHello(disposition) : web1.seal(reply);
      const kind = reply === "hello" ? "hello" : reply.type;
      const expected = allowed.includes(kind) ? kind : "out-of-order";
      assert.deepEqual(scene.says(next), [expected], `${kind} after ${disposition.is}`);
    }
  }
  const { scene, web1 } = running();
  const late = [exit(), exit(), output(0, "x"), state].map((reply) => web1.seal(reply));
  assert.deepEqual(scene.says(...late), ["exit", "out-of-order", "out-of-order", "out-of-order"]);
});

test("ReplyReader names `hole` what is missing of a stream, and `out-of-order` what comes twice", () => {
  const { scene, web1 } = running();
  const first = scene.reader.read(web1.seal(output(1, "b")));
  assert.equal(nameOf(first), "hole+output");
  assert.deepEqual(first[0], {
    kind: "fault",
    fault: "hole",
    identity: "web1",
    detail: undefined,
    missing: 1,
  });
  assert.deepEqual(
    scene.says(
      web1.seal(output(1, "b")),
      web1.seal(output(0, "ab")),
      web1.seal(output(2, "c")),
      web1.seal(output(3, "d", "stderr")),
      web1.seal(output(4, "e", "stderr")),
      web1.seal(exit({ stdout: 3, stderr: 5 })),
    ),
    ["out-of-order", "out-of-order", "output", "hole+output", "output", "exit"],
  );
});

test("ReplyReader names `incomplete` an exit whose totals are not what came, or that dropped some", () => {
  const rows = [
    [{ stdout: 6 }, undefined],
    [{ stdout: 7 }, "6 of 7 bytes of stdout came"],
    [{ stdout: 1 }, "6 of 1 byte of stdout came"],
    [{ stderr: 6 }, "6 of 0 bytes of stdout and 0 of 6 bytes of stderr came"],
    [{ stdout: 6, stderr: 2 }, "0 of 2 bytes of stderr came"],
    [{ stdout: 6, dropped: 1 }, "the agent dropped 1 byte"],
  ] as const;
  for (const [totals, detail] of rows) {
    const { scene, web1 } = running();
    scene.reader.read(web1.seal(output(0, "hello\n")));
    const events = scene.reader.read(web1.seal(exit(totals)));
    assert.equal(nameOf(events), detail === undefined ? "exit" : "incomplete+exit");
    const [first] = events;
    if (detail !== undefined) {
      assert.deepEqual(first, { kind: "fault", fault: "incomplete", identity: "web1", detail });
    }
  }
});

test("the vectors and the tests above know every fault that there is", () => {
  const named = new Set(readVectors("reply").flatMap(({ expect }) => expect.split(/[,+ ]+/)));
  // A vector would need a thousand envelopes, or what a station knows from before.
  assert.deepEqual(
    FAULTS.filter((fault) => !named.has(fault)),
    ["too-many", "pin-mismatch"],
  );
});

test("ReplyReader makes events of any bytes whatever, and throws for none", () => {
  const { scene, web1 } = running();
  const header = web1.seal(output(0, "x")).subarray(0, 44);
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 700 }),
    fc.uint8Array({ maxLength: 700 }).map((tail) => new Uint8Array([...header, ...tail])),
  );
  fc.assert(
    fc.property(anything, (hostile) => {
      for (const { kind } of scene.reader.read(hostile)) assert.equal(kind, "fault");
    }),
  );
  // Bodies that a holder of the network key seals: sound, but for what they say.
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
      const fresh = new Scene();
      const [first, second] = [fresh.agent("web1"), fresh.agent("web2")];
      assert.deepEqual(fresh.says(first.sealBody(body)), ["malformed"]);
      assert.deepEqual(fresh.says(second.sealHello(), second.sealBody(body)), ["hello", "malformed"]);
    }),
    { numRuns: 50 },
  );
});

test("ReplyReader never makes of a changed envelope what its agent did not say", () => {
  const scene = new Scene();
  const web1 = scene.agent("web1");
  const script = [
    web1.sealHello({ is: "queued" }),
    web1.seal({ type: "state", state: "running" }),
    web1.seal(output(0, "hello\n")),
    web1.seal(exit({ stdout: 6 })),
  ];
  const change = fc.record({
    item: fc.nat(script.length - 1),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    mask: fc.integer({ min: 1, max: 255 }),
    cut: fc.boolean(),
  });
  fc.assert(
    fc.property(change, ({ item, at, mask, cut }) => {
      const reader = new ReplyReader({ ...scene, pins: new Map(), maxHellos: 10 });
      const genuine = script[item] ?? new Uint8Array();
      const place = Math.floor(at * genuine.length);
      const changed = cut ? genuine.subarray(0, place) : genuine.with(place, (genuine[place] ?? 0) ^ mask);
      const before = script.slice(0, item).map((envelope) => nameOf(reader.read(envelope)));
      assert.deepEqual(before, ["hello", "state", "output"].slice(0, item));
      assert.match(nameOf(reader.read(changed)), /^(foreign|no-hello|altered|bad-signature)$/);
      const after = script.slice(item).map((envelope) => nameOf(reader.read(envelope)));
      assert.deepEqual(after, ["hello", "state", "output", "exit"].slice(item));
    }),
    { numRuns: 300 },
  );
});

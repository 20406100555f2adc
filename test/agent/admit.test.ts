import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { admit, type Moment } from "../../src/agent/admit.ts";
import type { CommandCall } from "../../src/agent/find-command.ts";
import { staleness } from "../../src/agent/freshness.ts";
import { openEnvelope } from "../../src/agent/open.ts";
import { parseNamePatterns } from "../../src/core/name-pattern.ts";
import { parseName, type Tag } from "../../src/core/names.ts";
import { authorisedStation } from "../../src/protocol/authorised-station.ts";
import { hex } from "../../src/protocol/bytes.ts";
import type { CborMap, CborValue } from "../../src/protocol/cbor.ts";
import {
  keyIdText,
  networkKeyPair,
  newNetworkKeyPair,
  newSessionKeyPair,
  type StationPublicKey,
} from "../../src/protocol/keys.ts";
import { REFUSALS } from "../../src/protocol/reply.ts";
import type { Request } from "../../src/protocol/request.ts";
import { sessionId } from "../../src/protocol/request-envelope.ts";
import { targetJson } from "../protocol/wire-json.ts";
import { readVectors, unhex, type Vector } from "../support/vectors.ts";
import {
  cancel,
  channel,
  EXPIRES,
  envelope,
  exitOf,
  expectDecision,
  fields,
  go,
  ISSUED,
  moment,
  NOW,
  name,
  network,
  nextNetwork,
  otherStation,
  ping,
  policy,
  receive,
  reload,
  station,
  stranger,
} from "./scene.ts";

for (const vector of readVectors("request")) {
  test(`admit() and openEnvelope() hold for the vector ${vector.name}: ${vector.comment}`, () => {
    const request = vector.all("request").map((text) => JSON.parse(text))[0];
    const rules = policy({
      stations: vector.all("station-public").map((key) => authorisedStation(unhex(key) as StationPublicKey)),
      channel: parseName(vector.get("channel")),
      tags: request?.target?.tags ?? [],
      identity: parseName(vector.all("identity")[0] ?? "web1"),
    });
    const networks = vector.all("network-secret").map((key) => networkKeyPair(unhex(key)));
    const opened = openEnvelope(unhex(vector.get("envelope")), networks);
    const when = momentOf(vector);
    const admission = opened.decision === "opened" ? admit(opened.claimed, rules, when) : opened;
    if (vector.expect !== "accepted") {
      assert.equal(exitOf(admission), vector.expect);
      const [check] = vector.all("check");
      const detail =
        "why" in admission ? admission.why?.split(": ")[1] : "detail" in admission && admission.detail;
      if (check !== undefined) assert.equal(detail, check);
      if ("runExpires" in admission) assert.equal(admission.runExpires, request.runExpires);
      return;
    }
    const word = ({ run: "run", ping: "present", list: "list" } as const)[request.type as Request["type"]];
    assert.deepEqual(onWire(expectDecision(admission, word).request), request);
  });
}

test("the vectors know every way out of which bytes alone decide", () => {
  const exits = DEFECTS.map(([exit]) => exit);
  const ofBytes = exits.slice(0, exits.indexOf("refused clock") + 1);
  const ofCancels = ["stale", "other-session", "cancel", "forestall"];
  const ofGoes = ["release", "withdraw", "for-others", "refused gone"];
  const known = new Set(readVectors("request").map(({ expect }) => expect));
  assert.deepEqual([...known].sort(), [...ofBytes, ...ofCancels, ...ofGoes, "accepted"].sort());
});

function momentOf(vector: Vector): Moment {
  const ids = vector.all("journal-id").map((line) => line.split(" ")[0]);
  const replay = {
    born: Number(vector.get("born")),
    floor: Number(vector.get("floor")),
    has: (id: Uint8Array) => ids.includes(hex(id)),
  };
  const sessions = new Map(
    vector.all("live").map((line) => {
      const [id = "", networkKey = "", stationKey = "", challenge = "", held] = line.split(" ");
      const live = {
        networkKey: unhex(networkKey),
        stationKey: unhex(stationKey),
        challenge: unhex(challenge),
        isHeld: held === "held",
        command: reload,
      };
      return [id, live] as const;
    }),
  );
  const live = (id: Uint8Array) => sessions.get(hex(id));
  const isOver = (id: Uint8Array) => vector.all("over").includes(hex(id));
  const times = { now: Number(vector.get("now")), uptime: Number(vector.get("uptime")) };
  return moment({ ...times, replay, live, isOver });
}

/** A decoded request with the names, and without the absences, that it has on the wire. */
function onWire({ replyAddress, census, target, ...whole }: Request): unknown {
  const { holdUntil, ...rest } = { holdUntil: undefined, ...whole };
  const given =
    "parameters" in rest && rest.parameters.size > 0 ? Object.fromEntries(rest.parameters) : undefined;
  const all = {
    ...rest,
    reply: replyAddress,
    parameters: given,
    "hold-until": holdUntil,
    ...(census ? { census } : {}),
  };
  if (target !== undefined) Object.assign(all, { target: targetJson(target) });
  return JSON.parse(JSON.stringify(all, (_key, value) => (value instanceof Uint8Array ? hex(value) : value)));
}

test("admit() gives a command that runs, with all that the responder needs", () => {
  const session = newSessionKeyPair();
  const answer = expectDecision(receive(envelope(fields({ limit: 90_000 }), { session })), "run");
  assert.equal(answer.start, "now");
  assert.equal(answer.request.command, reload);
  assert.equal(answer.request.limit, 90_000);
  assert.equal(answer.session.station.id, keyIdText("base-station-public", station.publicKey));
  assert.deepEqual(answer.session.id, sessionId(session.publicKey));
  assert.deepEqual(answer.session.claimed.sessionKey, session.publicKey);
  assert.equal(answer.session.head.channel, channel);
});

test("openEnvelope() opens what is sealed for any of the agent's network keys", () => {
  assert.equal(exitOf(receive(envelope(fields(), { network: nextNetwork }))), "running");
  assert.equal(openEnvelope(envelope(fields()), []).decision, "ignored");
});

test("admit() says why a body is malformed, but not what is in it", () => {
  const { detail } = expectDecision(receive(envelope(fields({ issued: "yesterday" }))), "ignored");
  assert.equal(detail, "Cannot read message: issued is not an integer");
  const refusal = expectDecision(receive(envelope(fields({ command: "../x" }))), "refused");
  assert.equal(refusal.detail, "Cannot read message: command is not a name");
});

test("admit() says which version it understands", () => {
  const refusal = expectDecision(receive(envelope(fields({ version: 2 }))), "refused");
  assert.equal(refusal.detail, "this agent understands version 1");
});

test("admit() throws what is no refusal: a bug must not read as a malformed request", () => {
  const broken = () => {
    throw new TypeError("a bug");
  };
  assert.throws(() => receive(envelope(fields()), policy({ findCommand: broken })), TypeError);
});

type Scene = {
  bytes?: (genuine: Uint8Array) => Uint8Array;
  network?: boolean;
  stationId?: boolean;
  signature?: boolean;
  fields: Record<string, CborValue | undefined>;
  moment: Parameters<typeof moment>[0] & object;
  policy: Parameters<typeof policy>[0] & object;
};

/** Every defect that a request can have, in the order in which PROTOCOL.md §5 looks for them. */
const DEFECTS: readonly (readonly [exit: string, apply: (scene: Scene) => Partial<Scene>])[] = [
  ["not-a-request", () => ({ bytes: (genuine) => genuine.with(0, 0) })],
  ["unknown-network", () => ({ network: true })],
  ["bad-box", ({ bytes: before }) => ({ bytes: (genuine) => flipLast(before?.(genuine) ?? genuine) })],
  ["unknown-station", () => ({ stationId: true })],
  ["bad-signature", () => ({ signature: true })],
  ["malformed", ({ fields: all }) => ({ fields: { ...all, sequence: -1 } })],
  ["wrong-channel", ({ fields: all }) => ({ fields: { ...all, channel: "staging" } })],
  ["replayed", ({ moment: all }) => ({ moment: { ...all, replay: { has: () => true } } })],
  ["refused version", ({ fields: all }) => ({ fields: { ...all, late: true } })],
  ["refused malformed", ({ fields: all }) => ({ fields: { ...all, limit: 0 } })],
  ["refused clock", ({ moment: all }) => ({ moment: { ...all, now: EXPIRES } })],
  ["not-targeted", ({ policy: all }) => ({ policy: { ...all, tags: [] } })],
  ["refused forbidden", ({ policy: all }) => ({ policy: { ...all, stations: restricted() } })],
  [
    "refused masked",
    ({ policy: all }) => ({ policy: { ...all, findCommand: () => ({ found: false, reason: "masked" }) } }),
  ],
  ["declined stopping", ({ moment: all }) => ({ moment: { ...all, load: { ...all.load, stopping: true } } })],
  [
    "declined busy",
    ({ moment: all }) => ({ moment: { ...all, load: { ...all.load, placeFor: () => "full" } } }),
  ],
];

const FOUND = { found: true, path: "/run.d/x", manifest: undefined, values: new Map() } as const;

function restricted() {
  return [authorisedStation(station.publicKey, { commands: parseNamePatterns("restart") })];
}

function flipLast(whole: Uint8Array): Uint8Array {
  return whole.with(whole.length - 1, (whole.at(-1) ?? 0) ^ 1);
}

test("the first check of the receive path that fails decides, whatever else is wrong", () => {
  const decides = (defects: readonly (typeof DEFECTS)[number][]) => {
    const scene: Scene = { fields: { target: new Map([["tags", ["web"]]]) }, moment: {}, policy: {} };
    for (const [, apply] of defects) Object.assign(scene, apply(scene));
    const known = scene.stationId ? stranger : station;
    const pair = scene.signature ? { ...known, secretKey: otherStation.secretKey } : known;
    const keys = { station: pair, network: scene.network ? foreignNetwork : network };
    const genuine = envelope(fields(scene.fields), keys);
    const decision = receive(scene.bytes?.(genuine) ?? genuine, policy(scene.policy), moment(scene.moment));
    assert.equal(exitOf(decision), defects[0]?.[0], defects.map(([exit]) => exit).join());
  };
  for (const [index, first] of DEFECTS.entries()) {
    decides([first]);
    for (const second of DEFECTS.slice(index + 1)) decides([first, second]);
  }
  fc.assert(fc.property(fc.subarray(DEFECTS.slice(), { minLength: 3 }), decides));
});

const foreignNetwork = newNetworkKeyPair();

test("admit() refuses for every reason why a command may not be run", () => {
  const ofCommands = REFUSALS.slice(REFUSALS.indexOf("no-such-command"), REFUSALS.indexOf("state"));
  assert.equal(ofCommands.length, 8);
  for (const reason of ofCommands) {
    const findCommand = () => ({ found: false as const, reason: reason as "masked" });
    const decision = receive(envelope(fields()), policy({ findCommand }));
    assert.equal(exitOf(decision), `refused ${reason}`);
  }
});

test("admit() looks for the very command that was asked for, with the parameters that were given", () => {
  const asked: unknown[] = [];
  const findCommand = ({ command, parameters }: CommandCall) => {
    asked.push(command, [...parameters]);
    return FOUND;
  };
  const parameters = new Map([["target", "a"]]);
  for (const changes of [{ command: "restart", parameters }, { command: "restart" }]) {
    expectDecision(receive(envelope(fields(changes)), policy({ findCommand })), "run");
  }
  assert.deepEqual(asked, ["restart", [["target", "a"]], "restart", []]);
});

test("admit() passes on why a manifest or parameters keep a command from being run", () => {
  for (const reason of ["manifest", "parameters"] as const) {
    const findCommand = () => ({ found: false as const, reason, detail: "because" });
    const refusal = expectDecision(receive(envelope(fields()), policy({ findCommand })), "refused");
    assert.deepEqual([refusal.reason, refusal.detail, refusal.command], [reason, "because", reload]);
  }
});

test("admit() lets a command run once at a time, or as often as its manifest says", () => {
  const manifest = { path: "", environment: new Map(), timeout: undefined };
  for (const [most, found] of [
    [1, FOUND],
    [1, { ...FOUND, manifest: { ...manifest, concurrency: undefined } }],
    [3, { ...FOUND, manifest: { ...manifest, concurrency: 3 } }],
  ] as const) {
    const asked: number[] = [];
    const placeFor = (_: string, concurrency: number) => {
      asked.push(concurrency);
      return "free" as const;
    };
    const rules = policy({ findCommand: () => found });
    const answer = expectDecision(receive(envelope(fields()), rules, moment({ load: { placeFor } })), "run");
    assert.deepEqual([answer.concurrency, asked], [most, [most]]);
  }
});

test("admit() lets a base station run what its commands= patterns cover, and nothing else", () => {
  const rows: readonly (readonly [patterns: string | undefined, command: string, exit: string])[] = [
    [undefined, "anything", "running"],
    ["reload", "reload", "running"],
    ["reload", "reload2", "refused forbidden"],
    ["reload", "Reload", "refused forbidden"],
    ["re*", "restart", "running"],
    ["re*", "care", "refused forbidden"],
    ["web-?", "web-1", "running"],
    ["web-?", "web-12", "refused forbidden"],
    ["backup,re*", "backup", "running"],
  ];
  for (const [patterns, command, exit] of rows) {
    const rights = patterns === undefined ? {} : { commands: parseNamePatterns(patterns) };
    const stations = [
      authorisedStation(otherStation.publicKey),
      authorisedStation(station.publicKey, { name: "deploy", ...rights }),
    ];
    const decision = receive(envelope(fields({ command })), policy({ stations }));
    assert.equal(exitOf(decision), exit, `${patterns}: ${command}`);
    // The other station's rights are not lent.
    const other = envelope(fields({ command }), { station: otherStation });
    assert.equal(exitOf(receive(other, policy({ stations }))), "running");
  }
});

test("admit() asks for no right to be asked whether the agent is there", () => {
  assert.equal(exitOf(receive(envelope(ping()), policy({ stations: restricted() }))), "present");
});

test("admit() lists commands for every station, whatever it may run, unless the agent is stopping", () => {
  const list = envelope(ping({ type: "list" }));
  const full = { placeFor: () => "full" as const };
  assert.equal(exitOf(receive(list, policy({ stations: restricted() }), moment({ load: full }))), "list");
  const again = envelope(ping({ type: "list" }));
  assert.equal(exitOf(receive(again, policy(), moment({ load: { stopping: true } }))), "declined stopping");
  const other = envelope(ping({ type: "list", target: new Map([["tags", ["db"]]]) }));
  assert.equal(exitOf(receive(other)), "not-targeted");
});

test("admit() answers a ping of whatever load it has", () => {
  const load = { stopping: true, placeFor: () => "full" as const };
  assert.equal(exitOf(receive(envelope(ping()), policy(), moment({ load }))), "present");
});

test("admit() takes as many commands as there is room for, unless the agent is stopping", () => {
  const rows = [
    ["free", false, "running"],
    ["queue", false, "queued"],
    ["full", false, "declined busy"],
    ["free", true, "declined stopping"],
    ["queue", true, "declined stopping"],
    ["full", true, "declined stopping"],
  ] as const;
  for (const [place, stopping, exit] of rows) {
    const asked: string[] = [];
    const placeFor = (command: string) => {
      asked.push(command);
      return place;
    };
    const decision = receive(envelope(fields()), policy(), moment({ load: { stopping, placeFor } }));
    assert.equal(exitOf(decision), exit, `${place} ${stopping}`);
    assert.deepEqual(asked, stopping ? [] : ["reload"]);
  }
});

test("admit() finds a request not targeted unless the agent has all its tags", () => {
  const rows: readonly (readonly [asked: readonly string[], own: readonly string[], exit: string])[] = [
    [["web"], ["eu", "web"], "running"],
    [["eu", "web"], ["eu", "web"], "running"],
    [["db", "web"], ["eu", "web"], "not-targeted"],
    [["web"], [], "not-targeted"],
    [["WEB"], ["web"], "not-targeted"],
  ];
  for (const [asked, own, exit] of rows) {
    const request = envelope(fields({ target: new Map([["tags", asked]]) }));
    assert.equal(exitOf(receive(request, policy({ tags: own as readonly Tag[] }))), exit, asked.join());
  }
});

test("admit() finds a request not targeted where any part of its target does not fit the agent", () => {
  const rows: readonly (readonly [key: string, names: readonly string[], exit: string])[] = [
    ["excluded-tags", ["db"], "running"],
    ["excluded-tags", ["db", "eu"], "not-targeted"],
    ["identities", ["db1", "web1"], "running"],
    ["identities", ["w*"], "running"],
    ["identities", ["eu", "web2"], "not-targeted"],
    ["excluded-identities", ["web2"], "running"],
    ["excluded-identities", ["web?"], "not-targeted"],
  ];
  for (const [key, names, exit] of rows) {
    for (const more of [[], [["tags", ["web"]] as const]]) {
      const request = envelope(fields({ target: new Map<string, CborValue>([[key, names], ...more]) }));
      assert.equal(exitOf(receive(request)), exit, `${key} ${names}`);
    }
  }
});

test("admit() passes on whether those not targeted shall answer, and spends their session, too", () => {
  const target = new Map([["tags", ["db"]]]);
  const asked = expectDecision(receive(envelope(fields({ target, census: true }))), "not-targeted");
  assert.equal(asked.census, true);
  assert.equal(asked.session.id.length, 16);
  const unasked = expectDecision(receive(envelope(ping({ target }))), "not-targeted");
  assert.equal(unasked.census, false);
});

test("admit() gives the session of everything that it does not ignore, so that it can be spent", () => {
  const session = newSessionKeyPair();
  const spent: readonly CborMap[] = [
    fields({ version: 9 }),
    fields({ command: "../x" }),
    fields({ issued: NOW + 3_600_000, expires: NOW + 3_660_000 }),
    fields(),
    ping(),
  ];
  for (const body of spent) {
    const decision = receive(envelope(body, { session }));
    assert.ok(decision.decision !== "ignored", exitOf(decision));
    assert.deepEqual(decision.session.id, sessionId(session.publicKey));
  }
});

test("admit() finds a session replayed under another station, network key, nonce, type and time", () => {
  const session = newSessionKeyPair();
  const when = moment({ replay: { has: (id) => hex(id) === hex(sessionId(session.publicKey)) } });
  const again = [
    envelope(fields(), { session }),
    envelope(ping({ issued: NOW, expires: NOW + 1 }), { session, network: nextNetwork }),
    envelope(fields({ version: 7 }), { session, station: otherStation }),
  ];
  for (const bytes of again) assert.equal(exitOf(receive(bytes, policy(), when)), "replayed");
  assert.equal(exitOf(receive(envelope(fields()), policy(), when)), "running");
});

test("admit() gives a cancel with the session that it ends, or keeps from starting, and until when", () => {
  const session = newSessionKeyPair();
  const challenge = new Uint8Array(32).fill(9);
  const bytes = envelope(cancel({ challenge, runExpires: EXPIRES + 5 }), { session });
  const early = expectDecision(receive(bytes), "forestall");
  assert.equal(early.runExpires, EXPIRES + 5);
  assert.deepEqual(early.session.id, sessionId(session.publicKey));

  const asked: string[] = [];
  const live = (id: Uint8Array) => {
    asked.push(hex(id));
    const keys = { networkKey: network.publicKey, stationKey: station.publicKey };
    return { ...keys, challenge, isHeld: false, command: reload };
  };
  const late = expectDecision(receive(bytes, policy(), moment({ live })), "cancel");
  assert.deepEqual(late.session.id, sessionId(session.publicKey));
  assert.equal(late.session.station.id, keyIdText("base-station-public", station.publicKey));
  assert.deepEqual(asked, [hex(sessionId(session.publicKey))]);
});

test("admit() holds a run though it is as busy as can be, but no more than it can, nor while it stops", () => {
  const body = fields({ "hold-until": ISSUED + 3_600_000 });
  const rows = [
    [{ placeFor: () => "full" as const }, "held"],
    [{ canHold: false }, "declined busy"],
    [{ stopping: true }, "declined stopping"],
  ] as const;
  for (const [load, exit] of rows)
    assert.equal(exitOf(receive(envelope(body), policy(), moment({ load }))), exit);
  const forbidden = policy({ stations: restricted() });
  assert.equal(exitOf(receive(envelope(body), forbidden)), "refused forbidden");
});

test("admit() gives a go up whose station may not run the command any more", () => {
  const challenge = new Uint8Array(32);
  const keys = { networkKey: network.publicKey, stationKey: station.publicKey };
  const live = () => ({ ...keys, challenge, isHeld: true, command: reload });
  const bytes = envelope(go({ challenge }));
  assert.equal(exitOf(receive(bytes, policy(), moment({ live }))), "release");
  const rules = policy({ stations: restricted() });
  const { why } = expectDecision(receive(bytes, rules, moment({ live })), "withdraw");
  assert.equal(why, "this base station key may not run the command any more");
  // Of one that is for others nothing is said.
  assert.equal(exitOf(receive(envelope(go({ challenge, identities: ["web2"] })), rules)), "for-others");
});

test("admit() answers a go as gone whatever it remembers, unless it was here", () => {
  for (const knows of [true, false]) {
    const when = { replay: { has: () => knows } };
    const decision = receive(envelope(go()), policy(), moment(when));
    assert.deepEqual(
      [exitOf(decision), "detail" in decision && decision.detail],
      ["refused gone", undefined],
    );
    assert.equal(
      exitOf(receive(envelope(go()), policy(), moment({ ...when, isOver: () => true }))),
      "replayed",
    );
  }
});

test("admit() ends what runs whatever load, target and rights say", () => {
  const keys = { networkKey: network.publicKey, stationKey: station.publicKey };
  const live = () => ({ ...keys, challenge, isHeld: false, command: reload });
  const challenge = new Uint8Array(32);
  const when = moment({ live, load: { stopping: true, placeFor: () => "full" } });
  const rules = policy({ tags: [], stations: restricted() });
  assert.equal(exitOf(receive(envelope(cancel({ challenge })), rules, when)), "cancel");
});

test("staleness() has every bound where PROTOCOL.md puts it, to the millisecond", () => {
  const VALIDITY = 600_000;
  type Row = readonly [
    detail: string | undefined,
    times: { readonly issued?: number; readonly expires?: number },
    state?: {
      readonly now?: number;
      readonly uptime?: number;
      readonly born?: number;
      readonly floor?: number;
    },
    bound?: number,
  ];
  const rows: readonly Row[] = [
    ["validity", { issued: NOW, expires: NOW - 1 }, {}, NOW],
    ["validity", { issued: NOW + 1, expires: NOW + 1 }, {}, NOW + 1],
    [undefined, { issued: NOW, expires: NOW + 1 }],
    [undefined, { issued: ISSUED, expires: ISSUED + VALIDITY }],
    ["validity", { issued: ISSUED, expires: ISSUED + VALIDITY + 1 }, {}, ISSUED + VALIDITY],
    [undefined, { issued: NOW + 29_999, expires: NOW + 60_000 }],
    [undefined, { issued: NOW + 30_000, expires: NOW + 60_000 }],
    ["future", { issued: NOW + 30_001, expires: NOW + 60_000 }, {}, NOW + 30_000],
    [undefined, { expires: NOW + 1 }],
    ["expired", { expires: NOW }, {}, NOW],
    ["expired", { expires: NOW - 1 }, {}, NOW],
    [undefined, {}, { floor: EXPIRES - 1 }],
    ["floor", {}, { floor: EXPIRES }, EXPIRES],
    ["floor", {}, { floor: EXPIRES + 1 }, EXPIRES + 1],
    [undefined, {}, { born: ISSUED - 1 }],
    ["born", {}, { born: ISSUED }, ISSUED],
    ["born", {}, { born: ISSUED + 1 }, ISSUED + 1],
    [undefined, {}, { uptime: NOW - ISSUED + 1 }],
    [undefined, {}, { uptime: NOW - ISSUED }],
    ["uptime", {}, { uptime: NOW - ISSUED - 1 }, ISSUED + 1],
    // The monotonic clock has fractions, the bound on the wire has none.
    ["uptime", {}, { uptime: NOW - ISSUED - 0.5 }, ISSUED],
    // Ahead of an agent that has just started: as old as nothing.
    [undefined, { issued: NOW + 1, expires: NOW + 2 }, { uptime: 0 }],
  ];
  for (const [detail, times, { now = NOW, uptime = 3_600_000, born = 0, floor = 0 } = {}, bound] of rows) {
    const stale = staleness(
      { issued: ISSUED, expires: EXPIRES, ...times },
      { now, uptime, replay: { born, floor, has: () => false } },
    );
    const row = JSON.stringify([detail, times, { now, uptime, born, floor }]);
    if (detail === undefined) assert.equal(stale, undefined, row);
    else assert.deepEqual(stale, { detail, bound }, row);
  }
});

test("staleness() names the first bound that was passed", () => {
  const replay = { born: NOW, floor: NOW, has: () => false };
  const detail = (issued: number, expires: number, now: number, uptime: number) =>
    staleness({ issued, expires }, { now, uptime, replay })?.detail;
  const never = NOW + 600_000;
  assert.equal(detail(NOW + 40_000, NOW + 40_000, NOW, 0), "validity");
  assert.equal(detail(NOW + 40_000, never, NOW, 0), "future");
  assert.equal(detail(NOW - 5000, NOW - 2000, NOW - 1000, 0), "expired");
  assert.equal(detail(NOW - 5000, NOW, NOW - 1000, 0), "floor");
  assert.equal(detail(NOW, NOW + 1, NOW, 0), "born");
  assert.equal(detail(NOW + 1, NOW + 500, NOW + 100, 0), "uptime");
});

test("admit() makes one refusal of what is not fresh, with the bound for the station to see", () => {
  const refusal = expectDecision(receive(envelope(fields()), policy(), moment({ now: EXPIRES })), "refused");
  assert.equal(refusal.reason, "clock");
  assert.equal(refusal.detail, "expired");
  assert.equal(refusal.bound, EXPIRES);
});

test("openEnvelope() and admit() throw for no bytes, nor for any change to a genuine envelope", () => {
  const genuine = envelope(fields());
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 700 }),
    fc.uint8Array({ minLength: 68, maxLength: 700 }).map((tail) => {
      const whole = tail.slice();
      whole.set(genuine.subarray(0, 68)); // as far as the box
      return whole;
    }),
  );
  fc.assert(
    fc.property(anything, (hostile) => {
      assert.equal(receive(hostile).decision, "ignored");
    }),
  );
  fc.assert(
    fc.property(fc.nat(genuine.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const changed = genuine.with(at, (genuine[at] ?? 0) ^ mask);
      assert.equal(receive(changed).decision, "ignored");
    }),
  );
});

test("admit() hands nothing on of a request that names a command by a path", () => {
  for (const command of ["../x", "/bin/sh", "a/b", ".", "..", "-x", "", "x\u0000", "x y"]) {
    assert.equal(exitOf(receive(envelope(fields({ command })))), "refused malformed", command);
  }
  assert.equal(
    expectDecision(receive(envelope(fields({ command: "x.y" }))), "run").request.command,
    name("x.y"),
  );
});

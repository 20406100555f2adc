/** Goes, and the runs that wait for one: "A go" in PROTOCOL.md, section 5, and `hold-until` in section 4. */
import { encode, type Fields, type Value } from "./cbor.ts";
import {
  EXPIRES,
  head,
  ISSUED,
  type Live,
  NOW,
  nextNetwork,
  otherStation,
  type RequestVector,
  run,
  seal,
  sealFields,
  sessionIdOf,
  strangerStation,
  vector,
  without,
} from "./request-scene.ts";
import { json, type Line } from "./vector.ts";
import { keyId, type RequestParts, sign } from "./wire.ts";

type Agent = NonNullable<Parameters<typeof vector>[4]>;

const HOUR = 3_600_000;
const HOLD_UNTIL = ISSUED + HOUR;
const ME: readonly Line[] = [["identity", "web1"]];

export function requestGoes(): RequestVector[] {
  return [
    ...holds(),
    ...wrongHolds(),
    ...good(),
    ...nowhere(),
    ...withdrawals(),
    ...malformed(),
    ...orders(),
  ];
}

/** The go for a run that the station has asked for under the same label. */
function go(label: string, identities: Value = ["web1"]): Fields {
  return { ...head(label), type: "go", sequence: 1, issued: ISSUED, expires: ISSUED + 10_000, identities };
}

/** An agent that holds the run of this label. */
function holding(label: string, changes: Partial<Live> = {}): Agent {
  return { journal: [[sessionIdOf(label), HOLD_UNTIL]], live: [liveOf(label, { isHeld: true, ...changes })] };
}

function liveOf(label: string, changes: Partial<Live>): Live {
  const { challenge } = head(label);
  if (!(challenge instanceof Uint8Array)) throw new Error("a head has a challenge");
  return { label, challenge, ...changes };
}

const fromOtherStation: Partial<RequestParts> = {
  stationId: keyId("base-station-public", otherStation.publicKey),
  signature: (message) => sign(otherStation, message),
};
const throughNextNetwork: Partial<RequestParts> = {
  networkId: keyId("network-public", nextNetwork.publicKey),
  networkPublicKey: nextNetwork.publicKey,
};

function holds(): RequestVector[] {
  const held = (name: string, comment: string, holdUntil: number) => {
    const fields = { ...run(`hold ${name}`), "hold-until": holdUntil };
    return vector(`accepted-hold-${name}`, "accepted", comment, sealFields(`hold ${name}`, fields), {}, [
      ["request", json(fields)],
    ]);
  };
  return [
    held("hour", "a run that waits for its release for an hour at most", HOLD_UNTIL),
    held("shortest", "a run that may be released for as long as it is valid", EXPIRES),
  ];
}

function wrongHolds(): RequestVector[] {
  const bad = (name: string, comment: string, holdUntil: Value) =>
    vector(
      `refused-malformed-hold-${name}`,
      "refused malformed",
      comment,
      sealFields(`hold ${name}`, { ...run(`hold ${name}`), "hold-until": holdUntil }),
    );
  const ping = { ...without(run("hold ping"), "command"), type: "ping", "hold-until": HOLD_UNTIL };
  return [
    bad("too-long", "a millisecond more than an hour after the issue", HOLD_UNTIL + 1),
    bad("too-short", "a millisecond less than the run is valid", EXPIRES - 1),
    bad("negative", "it was to be released before 1970", -1),
    bad("text", "hold-until in words", String(HOLD_UNTIL)),
    bad("true", "hold-until is true", true),
    vector(
      "refused-version-hold-ping",
      "refused version",
      "a ping that is to wait for a release",
      sealFields("hold ping", ping),
    ),
  ];
}

function accepted(
  expect: string,
  name: string,
  comment: string,
  {
    fields = {},
    agent,
    changes = {},
    more = [],
  }: { fields?: Fields; agent?: Agent; changes?: Partial<RequestParts>; more?: readonly Line[] } = {},
): RequestVector {
  const label = `${expect} ${name}`;
  const body = { ...go(label), ...fields };
  const envelope = seal(label, { body: encode(body), ...changes });
  const lines: readonly Line[] = [...ME, ["request", json(body)], ...more];
  return vector(
    `${expect.replace(" ", "-")}-${name}`,
    expect,
    comment,
    envelope,
    agent ?? holding(label),
    lines,
  );
}

/** As many names as there may be, sorted, of which the last is ours. */
function many(count: number): string[] {
  return [...Array.from({ length: count - 1 }, (_, index) => `a${1000 + index}`), "web1"];
}

function good(): RequestVector[] {
  const release = (name: string, comment: string, more: Parameters<typeof accepted>[3] = {}) =>
    accepted("release", name, comment, more);
  return [
    release("alone", "it names this agent alone, which holds the run"),
    release("one-of-three", "it names this agent among others", {
      fields: { identities: ["db1", "web1", "web2"] },
    }),
    release("most", "it names as many as it may, with the longest names but ours", {
      fields: { identities: many(512).map((name) => (name === "web1" ? name : name.padEnd(64, "x"))) },
    }),
    release("sequence-most", "the highest sequence there is", {
      fields: { sequence: Number.MAX_SAFE_INTEGER },
    }),
    release("last-moment", "it expires a millisecond from now", {
      fields: { issued: NOW - 9_999, expires: NOW + 1 },
    }),
    release("others-live", "another session is live here, and held, too", {
      agent: { live: ["release others-live", "another"].map((label) => liveOf(label, { isHeld: true })) },
    }),
    release("other-station", "run and go are from another base station that the agent obeys", {
      agent: holding("release other-station", { stationKey: otherStation.publicKey }),
      changes: fromOtherStation,
    }),
    accepted("refused gone", "restarted", "the session is in the journal, and nothing of it is here", {
      agent: { journal: [[sessionIdOf("refused gone restarted"), HOLD_UNTIL]] },
    }),
    accepted("refused gone", "unknown", "nothing is known of the session", { agent: {} }),
    accepted("refused gone", "others-over", "another session was held here and is over", {
      agent: { over: [sessionIdOf("another")] },
    }),
  ];
}

/** Of which nothing follows, not even a word. */
function nowhere(): RequestVector[] {
  const held = (
    expect: string,
    name: string,
    comment: string,
    change: { fields?: Fields; live?: Partial<Live>; changes?: Partial<RequestParts> } = {},
  ) =>
    accepted(expect, `go-${name}`, comment, {
      fields: change.fields ?? {},
      changes: change.changes ?? {},
      agent: holding(`${expect} go-${name}`, change.live),
    });
  const flipped = (index: number) => {
    const { challenge } = liveOf(`other-session go-challenge-${index}`, {});
    return { challenge: challenge.with(index, (challenge[index] ?? 0) ^ 1) };
  };
  const over = (label: string): Agent => ({
    journal: [[sessionIdOf(label), HOLD_UNTIL]],
    over: [sessionIdOf(label)],
  });
  const unheld = (name: string, fields: Fields) =>
    accepted("stale", `go-${name}`, `nothing of it is here, and the go is not fresh: ${name}`, {
      fields,
      agent: { journal: [[sessionIdOf(`stale go-${name}`), HOLD_UNTIL]] },
    });
  return [
    held("for-others", "other", "it names another agent", { fields: { identities: ["web2"] } }),
    held("for-others", "longer", "it names one whose name begins with ours", {
      fields: { identities: ["web10"] },
    }),
    held("for-others", "case", "our name in capitals", { fields: { identities: ["WEB1"] } }),
    held("for-others", "stale", "it names another agent, and has expired", {
      fields: { identities: ["web2"], issued: NOW - 60_000, expires: NOW - 50_000 },
    }),
    held("other-session", "network", "the run came under the other network key of the agent", {
      live: { networkKey: nextNetwork.publicKey },
    }),
    held("other-session", "station", "the run is from another base station", {
      live: { stationKey: otherStation.publicKey },
    }),
    held("other-session", "from-other-station", "the go is from another base station that the agent obeys", {
      changes: fromOtherStation,
    }),
    held("other-session", "through-next-network", "the go came under the other network key", {
      changes: throughNextNetwork,
    }),
    held("other-session", "challenge-0", "the first byte of the challenge is another", { live: flipped(0) }),
    held("other-session", "challenge-31", "the last byte of the challenge is another", { live: flipped(31) }),
    held("replayed", "running", "the run was released before, and runs", { live: { isHeld: false } }),
    held("replayed", "running-stale", "the run runs; the go has expired", {
      live: { isHeld: false },
      fields: { issued: NOW - 60_000, expires: NOW - 50_000 },
    }),
    accepted("replayed", "go-over", "the run was held here, and is over", {
      agent: over("replayed go-over"),
    }),
    unheld("validity", { expires: ISSUED + 10_001 }),
    unheld("expired", { issued: NOW - 10_000, expires: NOW }),
    unheld("future", { issued: NOW + 30_001, expires: NOW + 40_001 }),
  ];
}

/** It names us, comes from whoever asked, and must not let the command start. */
function withdrawals(): RequestVector[] {
  const stale = (check: string, comment: string, fields: Fields, changes: Agent = {}) =>
    accepted("withdraw", check, comment, {
      fields,
      agent: { ...holding(`withdraw ${check}`), ...changes },
      more: [["check", check]],
    });
  return [
    stale("validity", "valid for a millisecond more than ten seconds", { expires: ISSUED + 10_001 }),
    stale("future", "issued 30.001 s ahead", { issued: NOW + 30_001, expires: NOW + 40_000 }),
    stale("expired", "it expires this very millisecond", { issued: NOW - 10_000, expires: NOW }),
    stale("floor", "it expires at the floor: the clock was set back", {}, { floor: ISSUED + 10_000 }),
    stale("born", "issued at the birth of the journal", {}, { born: ISSUED }),
    stale("uptime", "issued a millisecond before the agent started", {}, { uptime: NOW - ISSUED - 1 }),
  ];
}

function malformed(): RequestVector[] {
  const bad = (name: string, comment: string, change: (fields: Fields) => Fields) => {
    const label = `go ${name}`;
    return vector(
      `malformed-go-${name}`,
      "malformed",
      comment,
      sealFields(label, change(go(label))),
      holding(label),
      ME,
    );
  };
  const field = (name: string, comment: string, change: Fields) =>
    bad(name, comment, (fields) => ({ ...fields, ...change }));
  const list = (name: string, comment: string, identities: Value) =>
    field(`identities-${name}`, comment, { identities });
  return [
    bad("no-identities", "identities are missing", (fields) => without(fields, "identities")),
    list("text", "identities in one text", "web1"),
    list("empty", "nobody: not everybody", []),
    list("513", "one more than there may be", many(513)),
    list("unsorted", "not in order", ["web2", "web1"]),
    list("twice", "this agent twice", ["web1", "web1"]),
    list("pattern", "a pattern is no name", ["web*"]),
    list("number", "an identity that is a number", [1]),
    field("sequence-0", "the sequence of what opens a session", { sequence: 0 }),
    field("version-0", "version 0", { version: 0 }),
    field("version-2", "version 2", { version: 2 }),
    field("field-unknown", "a field that nobody has", { colour: "red" }),
    field("station", "a field of a run: station", { station: "admin1" }),
    field("run-expires", "a field of a cancel: runExpires", { runExpires: EXPIRES }),
  ];
}

/** The checks before the session is looked at, and two failures at once. */
function orders(): RequestVector[] {
  const order = (
    name: string,
    expect: string,
    fields: Fields,
    live: Partial<Live> = {},
    changes: Partial<RequestParts> = {},
  ) => {
    const label = `order ${name}`;
    const body = encode({ ...go(label), ...fields });
    const comment = name.replaceAll("-", " ");
    return vector(
      `order-${name}`,
      expect,
      comment,
      seal(label, { body, ...changes }),
      holding(label, live),
      ME,
    );
  };
  const gone = { issued: NOW - 60_000, expires: NOW - 50_000 };
  const fromStranger: Partial<RequestParts> = {
    stationId: keyId("base-station-public", strangerStation.publicKey),
    signature: (message) => sign(strangerStation, message),
  };
  return [
    order("unknown-station-before-go", "unknown-station", {}, {}, fromStranger),
    order(
      "bad-signature-before-go",
      "bad-signature",
      {},
      {},
      { signature: (message) => sign(otherStation, message) },
    ),
    order("wrong-channel-before-go", "wrong-channel", { channel: "staging" }),
    order("malformed-go-before-others", "malformed", { identities: ["web2"], sequence: 0 }),
    order(
      "go-for-others-before-other-session",
      "for-others",
      { identities: ["web2"] },
      {
        stationKey: otherStation.publicKey,
      },
    ),
    order("other-session-before-stale-go", "other-session", gone, { stationKey: otherStation.publicKey }),
    order(
      "other-session-before-replayed-go",
      "other-session",
      {},
      {
        stationKey: otherStation.publicKey,
        isHeld: false,
      },
    ),
  ];
}

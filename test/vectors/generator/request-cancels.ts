/** Cancels: "A cancel" in PROTOCOL.md, section 5, and what of steps 2 to 7 must hold for them, too. */
import { encode, type Fields } from "./cbor.ts";
import {
  EXPIRES,
  head,
  ISSUED,
  type Live,
  NOW,
  nextNetwork,
  otherStation,
  ping,
  type RequestVector,
  run,
  seal,
  sealFields,
  sessionIdOf,
  station,
  strangerStation,
  vector,
  without,
} from "./request-scene.ts";
import { json } from "./vector.ts";
import { keyId, type RequestParts, sign } from "./wire.ts";

type Agent = NonNullable<Parameters<typeof vector>[4]>;

export function requestCancels(): RequestVector[] {
  return [...accepted(), ...others(), ...replays(), ...staleOnes(), ...malformedOnes(), ...orders()];
}

/** The cancel of a run that the station has asked for under the same label. */
function cancel(label: string): Fields {
  return { ...head(label), type: "cancel", sequence: 1, runExpires: EXPIRES };
}

/** An agent at which the run of this label is live. */
function at(label: string, changes: Partial<Live> = {}): Agent {
  return { journal: [[sessionIdOf(label), EXPIRES]], live: [liveOf(label, changes)] };
}

function liveOf(label: string, changes: Partial<Live> = {}): Live {
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

function accepted(): RequestVector[] {
  const good = (
    expect: "cancel" | "forestall",
    name: string,
    comment: string,
    {
      fields = {},
      agent,
      changes = {},
    }: { fields?: Fields; agent?: Agent; changes?: Partial<RequestParts> } = {},
  ) => {
    const label = `${expect} ${name}`;
    const body = { ...cancel(label), ...fields };
    const known = agent ?? (expect === "cancel" ? at(label) : {});
    const envelope = seal(label, { body: encode(body), ...changes });
    return vector(`${expect}-${name}`, expect, comment, envelope, known, [["request", json(body)]]);
  };
  const most = Number.MAX_SAFE_INTEGER;
  return [
    good("cancel", "live", "its run is live here"),
    good("cancel", "one-of-three", "its run is one of three that are live here", {
      agent: { live: ["one", "cancel one-of-three", "three"].map((label) => liveOf(label)) },
    }),
    good("cancel", "sequence-most", "the highest sequence there is", { fields: { sequence: most } }),
    good("cancel", "late", "a cancel from yesterday: what is live here is ended, whatever the clocks say", {
      fields: { issued: NOW - 86_400_000, expires: NOW - 86_340_000 },
    }),
    good("cancel", "other-reply-address", "with another reply address than the run", {
      fields: { reply: new Uint8Array(16).fill(7) },
    }),
    good("cancel", "run-expired", "the validity of its run has passed; the cancel's own has not", {
      fields: { runExpires: ISSUED },
    }),
    good("cancel", "other-station", "run and cancel are from another base station that the agent obeys", {
      agent: at("cancel other-station", { stationKey: otherStation.publicKey }),
      changes: fromOtherStation,
    }),
    good("cancel", "next-network", "run and cancel came under the other network key of the agent", {
      agent: at("cancel next-network", { networkKey: nextNetwork.publicKey }),
      changes: throughNextNetwork,
    }),
    good("forestall", "unknown", "nothing is known here of its session"),
    good("forestall", "others-live", "another session is live here, and in the journal", {
      agent: at("another"),
    }),
    good("forestall", "same-challenge", "the challenge of another session that is live here", {
      agent: {
        live: [liveOf("another", { challenge: head("forestall same-challenge")["challenge"] as Uint8Array })],
      },
    }),
    good("forestall", "run-expires-0", "its run expired in 1970", { fields: { runExpires: 0 } }),
    good("forestall", "run-expires-most", "its run never expires", { fields: { runExpires: most } }),
    good("forestall", "other-station", "from another base station that the agent obeys", {
      changes: fromOtherStation,
    }),
  ];
}

/** The session is live here, but not by this network key, station key or challenge. */
function others(): RequestVector[] {
  const other = (name: string, comment: string, live: Partial<Live>, changes: Partial<RequestParts> = {}) => {
    const label = `other-session ${name}`;
    const envelope = seal(label, { body: encode(cancel(label)), ...changes });
    return vector(`other-session-${name}`, "other-session", comment, envelope, at(label, live));
  };
  const flipped = (index: number) => {
    const { challenge } = liveOf(`other-session challenge-${index}`);
    return challenge.with(index, (challenge[index] ?? 0) ^ 1);
  };
  return [
    other("network", "the run came under the other network key of the agent", {
      networkKey: nextNetwork.publicKey,
    }),
    other("station", "the run is from another base station", { stationKey: otherStation.publicKey }),
    other("from-other-station", "the cancel is from another base station", {}, fromOtherStation),
    other("through-next-network", "the cancel came under the other network key", {}, throughNextNetwork),
    other("challenge-0", "the first byte of the challenge is another", { challenge: flipped(0) }),
    other("challenge-31", "the last byte of the challenge is another", { challenge: flipped(31) }),
  ];
}

function replays(): RequestVector[] {
  const spent = { journal: [[sessionIdOf("spent"), EXPIRES]] as const };
  return [
    vector(
      "replayed-cancel",
      "replayed",
      "a cancel of a session that is spent, and of which nothing is left to be ended",
      sealFields("spent", cancel("spent")),
      spent,
    ),
    vector(
      "replayed-cancel-others-live",
      "replayed",
      "a cancel of a session that is spent, while another one is live",
      sealFields("spent", cancel("spent")),
      { ...spent, live: [liveOf("another")] },
    ),
    vector(
      "replayed-run-after-cancel",
      "replayed",
      "a run that its cancel has overtaken",
      sealFields("spent", run("spent")),
      spent,
    ),
    vector(
      "replayed-ping-live",
      "replayed",
      "a ping of a session that is live",
      sealFields("live", ping("live")),
      at("live"),
    ),
  ];
}

function staleOnes(): RequestVector[] {
  const stale = (check: string, comment: string, times: Fields, agent: Agent = {}) => {
    const label = `stale ${check}`;
    const envelope = sealFields(label, { ...cancel(label), ...times });
    return vector(`stale-${check}`, "stale", `nothing of it is live: ${comment}`, envelope, agent, [
      ["check", check],
    ]);
  };
  return [
    stale("validity", "valid for a millisecond more than ten minutes", { expires: ISSUED + 600_001 }),
    stale("future", "issued 30.001 s ahead", { issued: NOW + 30_001, expires: NOW + 60_000 }),
    stale("expired", "it expires this very millisecond", { expires: NOW }),
    stale("floor", "it expires at the floor: the clock was set back", {}, { floor: EXPIRES }),
    stale("born", "issued at the birth of the journal", {}, { born: ISSUED }),
    stale("uptime", "issued a millisecond before the agent started", {}, { uptime: NOW - ISSUED - 1 }),
  ];
}

function malformedOnes(): RequestVector[] {
  const bad = (name: string, comment: string, change: (fields: Fields) => Fields) => {
    const label = `cancel ${name}`;
    const envelope = sealFields(label, change(cancel(label)));
    return vector(`malformed-cancel-${name}`, "malformed", comment, envelope, at(label));
  };
  const field = (name: string, comment: string, change: Fields) =>
    bad(name, comment, (fields) => ({ ...fields, ...change }));
  return [
    bad("no-run-expires", "runExpires is missing", (fields) => without(fields, "runExpires")),
    field("type-of-run-expires", "runExpires is of another type", { runExpires: String(EXPIRES) }),
    field("run-expires-negative", "its run expired before 1970", { runExpires: -1 }),
    field("sequence-0", "the sequence of what opens a session", { sequence: 0 }),
    field("version-0", "version 0", { version: 0 }),
    field("version-2", "version 2", { version: 2 }),
    field("field-unknown", "a field that nobody has", { colour: "red" }),
    field("station", "a field of a run: station", { station: "admin1" }),
    field("command", "a field of a run: command", { command: "reload" }),
    field("target", "a field of a run: target", { target: { tags: ["web"] } }),
    field("census", "a field of a run: census", { census: true }),
  ];
}

/** The checks before the session is looked at, and two failures at once. */
function orders(): RequestVector[] {
  const order = (
    name: string,
    expect: string,
    fields: Fields,
    agent: Agent = {},
    changes: Partial<RequestParts> = {},
  ) => {
    const label = `order ${name}`;
    const body = encode({ ...cancel(label), ...fields });
    const known = { ...at(label), ...agent };
    return vector(
      `order-${name}`,
      expect,
      name.replaceAll("-", " "),
      seal(label, { body, ...changes }),
      known,
    );
  };
  const gone = { issued: NOW - 120_000, expires: NOW - 60_000 };
  const stranger = {
    live: [liveOf("order other-session-before-replayed", { stationKey: otherStation.publicKey })],
  };
  return [
    order(
      "unknown-station-before-cancel",
      "unknown-station",
      {},
      {},
      {
        stationId: keyId("base-station-public", strangerStation.publicKey),
        signature: (message) => sign(strangerStation, message),
      },
    ),
    order(
      "bad-signature-before-cancel",
      "bad-signature",
      {},
      {},
      {
        stationId: keyId("base-station-public", station.publicKey),
        signature: (message) => sign(otherStation, message),
      },
    ),
    order("wrong-channel-before-cancel", "wrong-channel", { channel: "staging" }),
    order("wrong-channel-before-malformed-cancel", "wrong-channel", { channel: "staging", sequence: 0 }),
    order("malformed-cancel-before-stale", "malformed", { ...gone, sequence: 0 }),
    order("other-session-before-stale", "other-session", gone, {
      live: [liveOf("order other-session-before-stale", { stationKey: otherStation.publicKey })],
    }),
    order("stale-before-replayed", "stale", gone, { live: [] }),
    order("other-session-before-replayed", "other-session", {}, stranger),
  ];
}

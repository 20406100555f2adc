/** Requests that come at the wrong time, twice, or are as they should be: steps 8 and 11 of section 5. */
import type { Fields } from "./cbor.ts";
import { encode } from "./cbor.ts";
import {
  EXPIRES,
  ISSUED,
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
  vector,
} from "./request-scene.ts";
import { json } from "./vector.ts";
import { keyId, sign } from "./wire.ts";

export function requestTimes(): RequestVector[] {
  return [...replays(), ...clocks(), ...accepted(), ...orders()];
}

function replays(): RequestVector[] {
  return [
    vector(
      "replayed-same",
      "replayed",
      "the session is in the journal",
      sealFields("replayed", run("replayed")),
      {
        journal: [
          [sessionIdOf("somebody"), EXPIRES],
          [sessionIdOf("replayed"), EXPIRES],
        ],
      },
    ),
    vector(
      "replayed-other-request",
      "replayed",
      "another request of a session that is in the journal",
      sealFields("replayed", { ...ping("again"), sequence: 1 }),
      { journal: [[sessionIdOf("replayed"), EXPIRES]] },
    ),
    vector(
      "replayed-other-station",
      "replayed",
      "the session of one base station, used by another",
      seal("replayed", {
        stationId: keyId("base-station-public", otherStation.publicKey),
        signature: (message) => sign(otherStation, message),
      }),
      { journal: [[sessionIdOf("replayed"), EXPIRES]] },
    ),
    vector(
      "replayed-other-network-key",
      "replayed",
      "the session was admitted under another network key",
      seal("replayed", {
        networkId: keyId("network-public", nextNetwork.publicKey),
        networkPublicKey: nextNetwork.publicKey,
      }),
      { journal: [[sessionIdOf("replayed"), EXPIRES]] },
    ),
  ];
}

const TEN_MINUTES = 600_000;

function clocks(): RequestVector[] {
  type Agent = NonNullable<Parameters<typeof vector>[4]>;
  const clock = (
    check: string,
    name: string,
    comment: string,
    times: { readonly issued?: number; readonly expires?: number },
    agent: Agent = {},
  ) => {
    const label = `clock ${check} ${name}`;
    const envelope = sealFields(label, { ...run(label), ...times });
    return vector(`refused-clock-${check}-${name}`, "refused clock", comment, envelope, agent, [
      ["check", check],
    ]);
  };
  return [
    clock("validity", "0", "it expires when it is issued", { issued: NOW + 1, expires: NOW + 1 }),
    clock("validity", "negative", "it expires before it is issued", { issued: NOW + 2, expires: NOW + 1 }),
    clock("validity", "too-long", "valid for a millisecond more than ten minutes", {
      expires: ISSUED + TEN_MINUTES + 1,
    }),
    clock("validity", "for-ever", "valid until the end of time", { expires: Number.MAX_SAFE_INTEGER }),
    clock("future", "30001", "issued 30.001 s ahead", { issued: NOW + 30_001, expires: NOW + 60_000 }),
    clock("future", "hour", "issued an hour ahead", { issued: NOW + 3_600_000, expires: NOW + 3_660_000 }),
    clock("expired", "now", "it expires this very millisecond", { expires: NOW }),
    clock(
      "expired",
      "long-ago",
      "expired an hour ago",
      { issued: NOW - 3_660_000, expires: NOW - 3_600_000 },
      {
        uptime: 86_400_000,
      },
    ),
    clock("floor", "equal", "it expires at the floor: the clock was set back", {}, { floor: EXPIRES }),
    clock("floor", "below", "it expires below the floor: the clock was set back", {}, { floor: EXPIRES + 1 }),
    clock("born", "equal", "issued at the birth of the journal", {}, { born: ISSUED }),
    clock("born", "before", "issued before the birth of the journal", {}, { born: ISSUED + 1 }),
    clock(
      "born",
      "ahead",
      "issued after now, and before the birth of a journal that was lost",
      {
        issued: NOW + 29_000,
        expires: NOW + 60_000,
      },
      { born: NOW + 30_000 },
    ),
    clock(
      "uptime",
      "before-start",
      "issued a millisecond before the agent started",
      {},
      { uptime: NOW - ISSUED - 1 },
    ),
    clock(
      "uptime",
      "at-start",
      "issued a second before the agent, which has just started",
      {},
      { uptime: 0 },
    ),
  ];
}

function accepted(): RequestVector[] {
  const good = (
    name: string,
    comment: string,
    fields: Fields,
    agent: Parameters<typeof vector>[4] = {},
    changes: Parameters<typeof seal>[1] = {},
  ) => {
    const envelope = seal(`accepted ${name}`, { body: encode(fields), ...changes });
    return vector(`accepted-${name}`, "accepted", comment, envelope, agent, [["request", json(fields)]]);
  };
  const some = run("accepted");
  const longest = (letter: string, number: number) => `${letter}${100 + number}`.padEnd(64, "x");
  const tags = Array.from({ length: 64 }, (_, index) => longest("t", index));
  return [
    good("run", "run a command", some),
    good("run-target", "run a command where a tag is", { ...some, target: { tags: ["web"] } }),
    good("run-tags", "run a command where three tags are, in the order of their bytes", {
      ...some,
      target: { tags: ["EU", "db", "web"] },
    }),
    good("run-excluded-tags", "run a command where a tag is not", {
      ...some,
      target: { "excluded-tags": ["db", "us"] },
    }),
    good("run-identity", "run a command on one agent", { ...some, target: { identities: ["web1"] } }),
    good("run-identities", "run a command on agents by name and pattern, and not on others", {
      ...some,
      target: {
        tags: ["eu"],
        "excluded-tags": ["db"],
        identities: ["*b?", "db*", "web2"],
        "excluded-identities": ["?eb9", "web3"],
      },
    }),
    good("run-excluded-identities", "run a command on all agents but one", {
      ...some,
      target: { "excluded-identities": ["web2"] },
    }),
    good("run-identities-most", "the most names there can be", {
      ...some,
      target: {
        identities: [...Array.from({ length: 8191 }, (_, index) => `${10_000 + index}`), "web1"],
      },
    }),
    good("run-limit", "run a command for 90 s", { ...some, limit: 90_000 }),
    good("run-limit-least", "run a command for 1 ms", { ...some, limit: 1 }),
    good("run-limit-most", "run a command for 2^53 - 1 ms", { ...some, limit: Number.MAX_SAFE_INTEGER }),
    good("run-census", "run a command; all answer", { ...some, target: { tags: ["web"] }, census: true }),
    good("run-name", "a command with all kinds of characters", { ...some, command: "0.Re_load-2" }),
    good("run-one-letter", "names of one character", { ...some, command: "r", station: "9" }),
    good("run-parameter", "run a command with a parameter", { ...some, parameters: { target: "10.0.0.1" } }),
    good("run-parameters", "all kinds of names and values", {
      ...some,
      parameters: { Target: "a", target: "b", _: "", T_1: '["ü"]\n', ["__proto__"]: "p".repeat(4096) },
    }),
    good("run-32-parameters", "the most parameters there can be, with the longest names", {
      ...some,
      parameters: Object.fromEntries(tags.slice(0, 32).map((name, index) => [name, `${index}`])),
    }),
    good("run-largest", "the longest run there is", {
      ...some,
      command: longest("c", 0),
      station: longest("s", 0),
      target: { tags },
      limit: Number.MAX_SAFE_INTEGER,
      census: true,
    }),
    good("ping", "ask who is there", ping("accepted")),
    good("list", "ask which commands there are", { ...ping("accepted"), type: "list" }),
    good("list-target", "ask which commands there are where a tag is", {
      ...ping("accepted"),
      type: "list",
      target: { tags: ["web"] },
      census: true,
    }),
    good("ping-identity", "ask whether one agent is there", {
      ...ping("accepted"),
      target: { identities: ["web?"] },
    }),
    good("ping-target", "ask who is there with a tag; all answer", {
      ...ping("accepted"),
      target: { tags: ["web"] },
      census: true,
    }),
    good(
      "other-station",
      "from another base station that the agent obeys",
      some,
      {},
      {
        stationId: keyId("base-station-public", otherStation.publicKey),
        signature: (message) => sign(otherStation, message),
      },
    ),
    good(
      "next-network",
      "for the other network key of the agent",
      some,
      {},
      {
        networkId: keyId("network-public", nextNetwork.publicKey),
        networkPublicKey: nextNetwork.publicKey,
      },
    ),
    good("one-station", "the agent obeys this base station alone", some, { stations: [station.publicKey] }),
    good("journal", "other sessions are in the journal", some, {
      journal: [[sessionIdOf("somebody"), EXPIRES]],
    }),
    good("validity-1", "valid for a millisecond", { ...some, issued: NOW, expires: NOW + 1 }),
    good("validity-most", "valid for ten minutes", { ...some, expires: ISSUED + TEN_MINUTES }),
    good("last-millisecond", "it expires in a millisecond", { ...some, expires: NOW + 1 }),
    good("future-30000", "issued 30 s ahead", { ...some, issued: NOW + 30_000, expires: NOW + 60_000 }),
    good(
      "future-just-started",
      "issued ahead of an agent that has just started",
      {
        ...some,
        issued: NOW + 1,
      },
      { uptime: 0 },
    ),
    good("floor", "it expires a millisecond above the floor", some, { floor: EXPIRES - 1 }),
    good("born", "issued a millisecond after the birth of the journal", some, { born: ISSUED - 1 }),
    good("uptime", "issued as the agent started", some, { uptime: NOW - ISSUED }),
    good("first-start", "no journal yet", some, { born: ISSUED - 1, floor: 0 }),
  ];
}

/** Two failures at once: the first in the table of section 5 decides. */
function orders(): RequestVector[] {
  const order = (name: string, expect: string, fields: Fields, agent: Parameters<typeof vector>[4] = {}) => {
    const comment = name.replaceAll("-", " ");
    return vector(`order-${name}`, expect, comment, sealFields(`order ${name}`, fields), agent);
  };
  const some = run("order");
  const gone = { issued: NOW - 120_000, expires: NOW - 60_000 };
  const seen = (name: string) => ({ journal: [[sessionIdOf(`order ${name}`), EXPIRES]] as const });
  return [
    vector(
      "order-unknown-network-before-unknown-station",
      "unknown-network",
      "unknown network before unknown station",
      seal("order", { networkId: new Uint8Array(8), stationId: new Uint8Array(8) }),
    ),
    order("malformed-before-version", "malformed", { ...some, version: 2, channel: "" }),
    order("wrong-channel-before-version", "wrong-channel", { ...some, channel: "staging", version: 2 }),
    order(
      "wrong-channel-before-replayed",
      "wrong-channel",
      { ...some, channel: "staging" },
      seen("wrong-channel-before-replayed"),
    ),
    order("wrong-channel-before-clock", "wrong-channel", { ...some, channel: "staging", ...gone }),
    order("replayed-before-version", "replayed", { ...some, version: 2 }, seen("replayed-before-version")),
    order("replayed-before-malformed", "replayed", { ...some, limit: 0 }, seen("replayed-before-malformed")),
    order("replayed-before-clock", "replayed", { ...some, ...gone }, seen("replayed-before-clock")),
    order("version-before-malformed", "refused version", { ...some, colour: "red", command: "../x" }),
    order("version-before-clock", "refused version", { ...some, ...gone, version: 2 }),
    order("malformed-before-clock", "refused malformed", { ...some, ...gone, limit: 0 }),
  ];
}

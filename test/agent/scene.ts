/** An agent that obeys two base stations and belongs to two networks, and requests for it, sound or not. */
import assert from "node:assert/strict";
import { type AdmissionPolicy, admit, type Moment } from "../../src/agent/admit.ts";
import { openEnvelope } from "../../src/agent/open.ts";
import { type Channel, type CommandName, type Identity, parseName, type Tag } from "../../src/core/names.ts";
import { type AuthorisedStation, authorisedStation } from "../../src/protocol/authorised-station.ts";
import { type CborMap, type CborValue, encodeCbor } from "../../src/protocol/cbor.ts";
import { cryptoReady, randomBytes } from "../../src/protocol/crypto.ts";
import { fieldMap } from "../../src/protocol/fields.ts";
import {
  type NetworkKeyPair,
  newNetworkKeyPair,
  newSeed,
  newSessionKeyPair,
  type SessionKeyPair,
  type StationKeyPair,
  stationKeyPair,
} from "../../src/protocol/keys.ts";
import { sealRequest } from "../../src/protocol/request-envelope.ts";

await cryptoReady();

export const NOW = 1_800_000_000_000;
export const ISSUED = NOW - 1000;
export const EXPIRES = ISSUED + 60_000;

export const network = newNetworkKeyPair();
export const nextNetwork = newNetworkKeyPair();
export const station = stationKeyPair(newSeed());
export const otherStation = stationKeyPair(newSeed());
export const stranger = stationKeyPair(newSeed());

export const channel = parseName<Channel>("default");
export const web1 = parseName<Identity>("web1");
export const reload = parseName<CommandName>("reload");
const tags: readonly Tag[] = [parseName("eu"), parseName("web")];

export function name(text: string): CommandName {
  return parseName(text);
}

/** The fields of a request to run `reload`, as they are on the wire; undefined takes one out. */
export function fields(changes: Readonly<Record<string, CborValue | undefined>> = {}): CborMap {
  const all = {
    version: 1,
    type: "run",
    channel: "default",
    sequence: 0,
    issued: ISSUED,
    expires: EXPIRES,
    challenge: randomBytes(32),
    reply: randomBytes(16),
    station: "admin1",
    command: "reload",
    ...changes,
  };
  return fieldMap(all);
}

/** The fields of a ping. */
export function ping(changes: Readonly<Record<string, CborValue | undefined>> = {}): CborMap {
  return fields({ type: "ping", command: undefined, ...changes });
}

/** The fields of a cancel of the run that `fields` describes. */
export function cancel(changes: Readonly<Record<string, CborValue | undefined>> = {}): CborMap {
  const own = { type: "cancel", sequence: 1, station: undefined, command: undefined, runExpires: EXPIRES };
  return fields({ ...own, ...changes });
}

/** The fields of a go for `web1`, for the run that `fields` describes. */
export function go(changes: Readonly<Record<string, CborValue | undefined>> = {}): CborMap {
  const own = { type: "go", sequence: 1, station: undefined, command: undefined, identities: ["web1"] };
  return fields({ ...own, expires: ISSUED + 10_000, ...changes });
}

type Keys = { network: NetworkKeyPair; station: StationKeyPair; session: SessionKeyPair };

export function envelope(body: CborMap, keys: Partial<Keys> = {}): Uint8Array {
  const { publicKey } = keys.network ?? network;
  const pairs = { station: keys.station ?? station, session: keys.session ?? newSessionKeyPair() };
  return sealRequest(encodeCbor(body), { network: publicKey, ...pairs });
}

const authorised: readonly AuthorisedStation[] = [
  authorisedStation(otherStation.publicKey),
  authorisedStation(station.publicKey),
];

export function policy(changes: Partial<AdmissionPolicy> = {}): AdmissionPolicy {
  return {
    stations: authorised,
    channel,
    identity: web1,
    tags,
    findCommand: ({ command }) => ({
      found: true,
      path: `/run.d/${command}`,
      manifest: undefined,
      values: new Map(),
    }),
    ...changes,
  };
}

type MomentChanges = Partial<Omit<Moment, "replay" | "load">> & {
  readonly replay?: Partial<Moment["replay"]>;
  readonly load?: Partial<Moment["load"]>;
};

/** An hour after the start of an agent that has nothing to do and remembers nobody. */
export function moment({ replay, load, live, isOver, ...times }: MomentChanges = {}): Moment {
  return {
    now: NOW,
    uptime: 3_600_000,
    ...times,
    // Not spread: a journal has getters.
    replay: {
      born: replay?.born ?? NOW - 86_400_000,
      floor: replay?.floor ?? 0,
      has: (session) => replay?.has?.(session) ?? false,
    },
    load: { stopping: false, canHold: true, placeFor: () => "free", ...load },
    live: live ?? (() => undefined),
    isOver: isOver ?? (() => false),
  };
}

/** The whole receive path. */
export function receive(bytes: Uint8Array, rules = policy(), when = moment()) {
  const opened = openEnvelope(bytes, [nextNetwork, network]);
  return opened.decision === "opened" ? admit(opened.claimed, rules, when) : opened;
}

/** The name of the way out, as the vectors have it: `bad-box`, `refused clock`, `running`, `cancel`. */
export function exitOf(decision: Decision): string {
  switch (decision.decision) {
    case "ignored":
      return decision.reason;
    case "refused":
    case "declined":
      return `${decision.decision} ${decision.reason}`;
    case "run":
      return decision.start === "now" ? "running" : decision.start;
    default:
      return decision.decision;
  }
}

type Decision = ReturnType<typeof receive>;
type DecidedAs<Word, All = Decision> = All extends { decision: infer Words }
  ? Word extends Words
    ? All
    : never
  : never;

/** Asserts the decision and narrows to it. */
export function expectDecision<Word extends Decision["decision"]>(
  decision: Decision,
  word: Word,
): DecidedAs<Word> {
  assert.equal(decision.decision, word, exitOf(decision));
  return decision as DecidedAs<Word>;
}

/** The agent that the request vectors are for, and a request that it accepts. */
import { concat, hex, seed } from "./bytes.ts";
import { encode, type Fields } from "./cbor.ts";
import { type Line, vectorText } from "./vector.ts";
import {
  boxPair,
  boxRequest,
  keyId,
  pad,
  type RequestParts,
  requestEnvelope,
  sessionId,
  sign,
  signedRequest,
  signPair,
} from "./wire.ts";

export const NOW = 1_800_000_000_000;
const UPTIME = 3_600_000;
const BORN = NOW - 86_400_000;
const FLOOR = NOW - 86_400_000;
export const ISSUED = NOW - 1000;
export const EXPIRES = ISSUED + 60_000;

export const network = boxPair("network");
export const otherNetwork = boxPair("other network");
/** Another network that this agent belongs to, as in a rotation of keys. */
export const nextNetwork = boxPair("next network");
export const station = signPair("base station");
/** Another base station that this agent obeys. */
export const otherStation = signPair("other base station");
export const strangerStation = signPair("base station of somebody else");

/** A session of which a command runs or waits at the agent, by the label of the request that opened it. */
export type Live = {
  readonly label: string;
  readonly challenge: Uint8Array;
  /** Default: those of `network` and `station`. */
  readonly networkKey?: Uint8Array;
  readonly stationKey?: Uint8Array;
  /** Whether its command waits for a go. */
  readonly isHeld?: boolean;
};

/** What the agent knows besides its keys; `station` is in the list beside another one. */
type Agent = {
  readonly stations?: readonly Uint8Array[];
  readonly now?: number;
  readonly uptime?: number;
  readonly born?: number;
  readonly floor?: number;
  /** Session ids with their expiry. */
  readonly journal?: readonly (readonly [Uint8Array, number])[];
  readonly live?: readonly Live[];
  /** Ids of sessions that were held since the agent started, and are not any more. */
  readonly over?: readonly Uint8Array[];
};

/** One vector: its name, its lines. */
export type RequestVector = readonly [name: string, text: string];

/** A vector of these bytes; `more` are further lines. */
export function vector(
  name: string,
  expect: string,
  comment: string,
  envelope: Uint8Array,
  agent: Agent = {},
  more: readonly Line[] = [],
): RequestVector {
  const stations = agent.stations ?? [otherStation.publicKey, station.publicKey];
  const text = vectorText([
    ["expect", expect],
    ["comment", comment],
    ["network-secret", nextNetwork.secretKey],
    ["network-secret", network.secretKey],
    ...stations.map((publicKey): Line => ["station-public", publicKey]),
    ["channel", "default"],
    ["now", agent.now ?? NOW],
    ["uptime", agent.uptime ?? UPTIME],
    ["born", agent.born ?? BORN],
    ["floor", agent.floor ?? FLOOR],
    ...(agent.journal ?? []).map(([id, expires]): Line => ["journal-id", `${hex(id)} ${expires}`]),
    ...(agent.live ?? []).map((live): Line => ["live", liveText(live)]),
    ...(agent.over ?? []).map((id): Line => ["over", id]),
    ...more,
    ["envelope", envelope],
  ]);
  return [name, text];
}

/** Session id, network key, station key, challenge, and a word where it is held. */
function liveText({ label, networkKey, stationKey, challenge, isHeld = false }: Live): string {
  const keys = [networkKey ?? network.publicKey, stationKey ?? station.publicKey];
  const facts = [sessionIdOf(label), ...keys, challenge].map(hex);
  return [...facts, ...(isHeld ? ["held"] : [])].join(" ");
}

export function head(label: string): Fields {
  return {
    version: 1,
    type: "run",
    channel: "default",
    sequence: 0,
    issued: ISSUED,
    expires: EXPIRES,
    challenge: seed(`challenge of ${label}`, 32),
    reply: seed(`reply address of ${label}`, 16),
  };
}

export function run(label: string): Fields {
  return { ...head(label), station: "admin1", command: "reload" };
}

export function ping(label: string): Fields {
  return { ...head(label), type: "ping", station: "admin1" };
}

/** The fields without one of them. */
export function without(fields: Fields, key: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== key));
}

export function sessionOf(label: string) {
  return boxPair(`session of ${label}`);
}

export function sessionIdOf(label: string): Uint8Array {
  return sessionId(sessionOf(label).publicKey);
}

/** A request that the agent accepts, but for the parts that are given. */
export function seal(label: string, changes: Partial<RequestParts> = {}): Uint8Array {
  return requestEnvelope({
    networkId: keyId("network-public", network.publicKey),
    networkPublicKey: network.publicKey,
    session: sessionOf(label),
    nonce: seed(`nonce of ${label}`, 24),
    stationId: keyId("base-station-public", station.publicKey),
    body: encode(run(label)),
    signed: signedRequest,
    signature: (message) => sign(station, message),
    content: (genuine) => genuine,
    pad,
    box: boxRequest,
    ...changes,
  });
}

/** A request with these fields, well made in every other respect. */
export function sealFields(label: string, fields: Fields): Uint8Array {
  return seal(label, { body: encode(fields) });
}

/** A request with this body, well made in every other respect. */
export function sealBody(label: string, ...body: readonly Uint8Array[]): Uint8Array {
  return seal(label, { body: concat(...body) });
}

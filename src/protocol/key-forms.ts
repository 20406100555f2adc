/**
 * What each kind of key is: in a file, in memory, and to the people who copy it about.
 */
import { type AuthorisedStation, authorisedStation, type StationAttributes } from "./authorised-station.ts";
import { KEY_BYTES, wipe } from "./crypto.ts";
import {
  type AgentKeyPair,
  type AgentPublicKey,
  agentKeyPair,
  type KeyKind,
  type keyId,
  type NetworkKeyPair,
  type NetworkPublicKey,
  networkKeyPair,
  type StationKeyPair,
  type StationPublicKey,
  stationKeyPair,
} from "./keys.ts";

/** What a key of each kind becomes in memory. */
export type KeyOf = {
  readonly "network-public": NetworkPublicKey;
  readonly "network-secret": NetworkKeyPair;
  readonly "base-station-public": AuthorisedStation;
  readonly "base-station-secret": StationKeyPair;
  readonly "agent-public": AgentPublicKey;
  readonly "agent-secret": AgentKeyPair;
};

export type PublicKeyKind = Parameters<typeof keyId>[0];

export type Form<Key> = {
  /** Comment lines of its file. */
  readonly belongs: readonly string[];
  /** Takes the bytes over: they become part of the key or are wiped. */
  readonly fromBytes: (bytes: Uint8Array, attributes: StationAttributes) => Key;
  /** The 32 bytes that are written: public key, X25519 secret key or Ed25519 seed; a view, not a copy. */
  readonly toBytes: (key: Key) => Uint8Array;
  readonly publicKey: (key: Key) => Uint8Array;
};

export const FORMS: { readonly [Kind in KeyKind]: Form<KeyOf[Kind]> } = {
  "network-public": {
    belongs: [
      "It belongs on every base station, as network.pub, mode 0644.",
      "Of several keys in its file a base station uses the first.",
    ],
    fromBytes: (bytes) => bytes as NetworkPublicKey,
    toBytes: (key) => key,
    publicKey: (key) => key,
  },
  "network-secret": {
    belongs: [
      "It belongs on every agent, as network.key, mode 0600; whoever has it can read all requests.",
      "Of several keys in its file an agent takes requests for any.",
    ],
    fromBytes: networkKeyPair,
    toBytes: (pair) => pair.secretKey,
    publicKey: (pair) => pair.publicKey,
  },
  "base-station-public": {
    belongs: [
      "It belongs on every agent, as base-station.pub, mode 0644; a line for each base station.",
      "After a key may stand name=NAME, for logs, and commands=PATTERN,PATTERN, for what it may run.",
    ],
    fromBytes: (bytes, attributes) => authorisedStation(bytes as StationPublicKey, attributes),
    toBytes: (station) => station.publicKey,
    publicKey: (station) => station.publicKey,
  },
  "base-station-secret": {
    belongs: [
      "It belongs on this base station alone, as base-station.key, mode 0600; whoever has it",
      "and network.pub can run commands on all agents.",
    ],
    ...pairFromSeed(stationKeyPair),
  },
  "agent-public": {
    belongs: ["It tells the replies of this agent from those of others."],
    fromBytes: (bytes) => bytes as AgentPublicKey,
    toBytes: (key) => key,
    publicKey: (key) => key,
  },
  "agent-secret": {
    belongs: ["It belongs to this agent alone, which made it, mode 0600; do not copy it to other machines."],
    ...pairFromSeed(agentKeyPair),
  },
};

function pairFromSeed<Pair extends StationKeyPair | AgentKeyPair>(
  make: (seed: Uint8Array) => Pair,
): Omit<Form<Pair>, "belongs"> {
  return {
    fromBytes(seed) {
      const pair = make(seed);
      wipe(seed);
      return pair;
    },
    toBytes: (pair) => pair.secretKey.subarray(0, KEY_BYTES),
    publicKey: (pair) => pair.publicKey,
  };
}

/** `network secret key`, `base station public key`. */
export function kindNoun(kind: KeyKind): string {
  return `${kind.replaceAll("-", " ")} key`;
}

/** The kind of the public half: itself for a public key. */
export function publicKind(kind: KeyKind): PublicKeyKind {
  return kind.replace("-secret", "-public") as PublicKeyKind;
}

export function isSecretKind(kind: KeyKind): boolean {
  return kind.endsWith("-secret");
}

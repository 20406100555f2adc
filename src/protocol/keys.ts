/**
 * The keys of the protocol: a type per purpose, so that one cannot be passed for another.
 *
 * | pair          | primitive | made by   | secret half at | public half at |
 * |---------------|-----------|-----------|----------------|----------------|
 * | network       | X25519    | cb-keygen | every agent    | every station  |
 * | base station  | Ed25519   | cb-keygen | one station    | every agent    |
 * | agent         | Ed25519   | an agent  | that agent     | pinned by stations |
 * | session       | X25519    | a station | memory         | in the request |
 * | reply         | X25519    | an agent  | memory         | in the reply   |
 *
 * An Ed25519 secret is kept in libsodium's 64-byte form and written as its 32-byte seed.
 * Source: PROTOCOL.md §1, §3.
 */
import { hex, utf8 } from "./bytes.ts";
import {
  blake2b256,
  boxKeyPair,
  boxPublicKey,
  equalBytes,
  KEY_BYTES,
  randomBytes,
  sharedKey,
  signKeyPair,
  wipe,
} from "./crypto.ts";
import { KEY_ID_BYTES } from "./limits.ts";

declare const keyKind: unique symbol;
type Key<Kind extends string> = Uint8Array & { readonly [keyKind]: Kind };
type Pair<Kind extends string> = {
  readonly publicKey: Key<`${Kind}-public`>;
  readonly secretKey: Key<`${Kind}-secret`>;
};

export type NetworkKeyPair = Pair<"network">;
export type StationKeyPair = Pair<"base-station">;
export type AgentKeyPair = Pair<"agent">;
export type SessionKeyPair = Pair<"session">;
/** An agent's ephemeral pair for the replies of one session. */
export type ReplyKeyPair = Pair<"reply">;

export type NetworkPublicKey = NetworkKeyPair["publicKey"];
export type StationPublicKey = StationKeyPair["publicKey"];
export type AgentPublicKey = AgentKeyPair["publicKey"];
export type SessionPublicKey = SessionKeyPair["publicKey"];
export type ReplyPublicKey = ReplyKeyPair["publicKey"];

/** The kinds of key that are written to files. */
export const KEY_KINDS = [
  "network-public",
  "network-secret",
  "base-station-public",
  "base-station-secret",
  "agent-public",
  "agent-secret",
] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

export function newNetworkKeyPair(): NetworkKeyPair {
  return boxKeyPair() as NetworkKeyPair;
}

/** @param secretKey 32 bytes; the pair keeps them, so the caller must not wipe them */
export function networkKeyPair(secretKey: Uint8Array): NetworkKeyPair {
  return { publicKey: boxPublicKey(secretKey), secretKey } as NetworkKeyPair;
}

/** @param seed 32 bytes; copied, so the caller may wipe them */
export function stationKeyPair(seed: Uint8Array): StationKeyPair {
  return signKeyPair(seed) as StationKeyPair;
}

/** @param seed 32 bytes; copied, so the caller may wipe them */
export function agentKeyPair(seed: Uint8Array): AgentKeyPair {
  return signKeyPair(seed) as AgentKeyPair;
}

/** 32 random bytes from which `stationKeyPair` or `agentKeyPair` makes a pair. */
export function newSeed(): Uint8Array {
  return randomBytes(KEY_BYTES);
}

export function newSessionKeyPair(): SessionKeyPair {
  return boxKeyPair() as SessionKeyPair;
}

export function newReplyKeyPair(): ReplyKeyPair {
  return boxKeyPair() as ReplyKeyPair;
}

/** Whether boxes can be made for this key: one of small order gives a key that everybody knows (RFC 7748 §6.1). */
export function isUsableNetworkKey(key: NetworkPublicKey): boolean {
  return sharedKey(key, boxKeyPair().secretKey) !== undefined;
}

/** Overwrites the secret half; the pair is of no use afterwards. */
export function forget(pair: { readonly secretKey: Uint8Array }): void {
  wipe(pair.secretKey);
}

/**
 * The id of a public key: a hint for choosing among several keys, never a reason for trust.
 *
 * @param kind the kind of the public half, which is part of what is hashed
 * @returns the first 8 bytes of BLAKE2b-256("cb/1 key id\0" ‖ kind ‖ key) (PROTOCOL.md §3)
 */
export function keyId(
  kind: "network-public" | "base-station-public" | "agent-public",
  key: Uint8Array,
): Uint8Array {
  return blake2b256(utf8("cb/1 key id\0"), utf8(kind), key).subarray(0, KEY_ID_BYTES);
}

/** Whether `id` is the id of this key. */
export function hasKeyId(kind: Parameters<typeof keyId>[0], key: Uint8Array, id: Uint8Array): boolean {
  return equalBytes(keyId(kind, key), id);
}

/** A key id as people see it: 16 hexadecimal digits. */
export function keyIdText(kind: Parameters<typeof keyId>[0], key: Uint8Array): string {
  return hex(keyId(kind, key));
}

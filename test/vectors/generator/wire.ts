/**
 * The envelopes of PROTOCOL.md, sections 3, 4 and 6, with every step open to tampering.
 *
 * This folder is made from that page alone and shares no code with `src/`: where the two disagree, one of
 * them is wrong.
 */
import sodium from "libsodium-wrappers";
import { blake2b, concat, seed, u32, u64, utf8 } from "./bytes.ts";

export type KeyPair = { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };
export type KeyKind = "network-public" | "base-station-public" | "agent-public";

export function boxPair(label: string): KeyPair {
  const secretKey = seed(label, 32);
  return { publicKey: sodium.crypto_scalarmult_base(secretKey), secretKey };
}

/** An Ed25519 pair whose secret key is the seed of 32 bytes. */
export function signPair(label: string): KeyPair {
  const secretKey = seed(label, 32);
  return { publicKey: sodium.crypto_sign_seed_keypair(secretKey).publicKey, secretKey };
}

export function sign(pair: KeyPair, message: Uint8Array): Uint8Array {
  return sodium.crypto_sign_detached(message, concat(pair.secretKey, pair.publicKey));
}

/** The length of `pad(message)` for a message of `length` bytes. */
export function paddedLength(length: number): number {
  const total = 4 + length;
  const exponent = Math.floor(Math.log2(total));
  const kept = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** (exponent - kept);
  return Math.max(512, Math.ceil(total / step) * step);
}

export function pad(message: Uint8Array): Uint8Array {
  return padTo(message, paddedLength(message.length));
}

/** The message behind its length, with zeros up to `total` bytes, whether that is the right number or not. */
export function padTo(message: Uint8Array, total: number): Uint8Array {
  return concat(u32(message.length), message, new Uint8Array(total - 4 - message.length));
}

export function keyId(kind: KeyKind, publicKey: Uint8Array): Uint8Array {
  return blake2b(32, utf8("cb/1 key id\0"), utf8(kind), publicKey).subarray(0, 8);
}

export function sessionId(sessionPublicKey: Uint8Array): Uint8Array {
  return blake2b(32, utf8("cb/1 session\0"), sessionPublicKey).subarray(0, 16);
}

export type RequestParts = {
  readonly networkId: Uint8Array;
  readonly networkPublicKey: Uint8Array;
  readonly session: KeyPair;
  readonly nonce: Uint8Array;
  readonly stationId: Uint8Array;
  readonly body: Uint8Array;
  /** What the station signs. */
  readonly signed: (parts: RequestParts) => Uint8Array;
  readonly signature: (message: Uint8Array) => Uint8Array;
  readonly content: (genuine: Uint8Array) => Uint8Array;
  readonly pad: (content: Uint8Array) => Uint8Array;
  readonly box: (padded: Uint8Array, parts: RequestParts) => Uint8Array;
};

/** What a station signs: the purpose, the network, the session, the nonce, the body. */
export function signedRequest(parts: RequestParts): Uint8Array {
  const { networkPublicKey, session, nonce, body } = parts;
  return concat(utf8("cb/1 request\0"), networkPublicKey, session.publicKey, nonce, body);
}

export function boxRequest(padded: Uint8Array, parts: RequestParts): Uint8Array {
  return sodium.crypto_box_easy(padded, parts.nonce, parts.networkPublicKey, parts.session.secretKey);
}

export function requestEnvelope(parts: RequestParts): Uint8Array {
  const signature = parts.signature(parts.signed(parts));
  const padded = parts.pad(parts.content(concat(parts.stationId, signature, parts.body)));
  const box = parts.box(padded, parts);
  return concat(utf8("cb1q"), parts.networkId, parts.session.publicKey, parts.nonce, box);
}

/** The key that a session and an agent share for its replies. */
export function replyKey(sessionPublicKey: Uint8Array, replySecretKey: Uint8Array): Uint8Array {
  return sodium.crypto_box_beforenm(sessionPublicKey, replySecretKey);
}

function replyNonce(sequence: bigint): Uint8Array {
  return concat(new Uint8Array(16), u64(sequence));
}

export function replyEnvelope(
  replyPublicKey: Uint8Array,
  key: Uint8Array,
  sequence: bigint,
  padded: Uint8Array,
): Uint8Array {
  const box = sodium.crypto_box_easy_afternm(padded, replyNonce(sequence), key);
  return concat(utf8("cb1r"), replyPublicKey, u64(sequence), box);
}

/** What an agent signs in its hello. */
export function signedHello(
  sessionPublicKey: Uint8Array,
  replyPublicKey: Uint8Array,
  challenge: Uint8Array,
  identity: string,
): Uint8Array {
  return concat(utf8("cb/1 hello\0"), sessionPublicKey, replyPublicKey, challenge, utf8(identity));
}

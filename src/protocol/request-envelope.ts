/**
 * Sealing and opening of requests: sign, pad, box, frame.
 *
 *   envelope = "cb1q" ‖ network key id:8 ‖ session public key:32 ‖ nonce:24 ‖ box(padded)
 *   padded   = pad(station key id:8 ‖ signature:64 ‖ body)
 *   signed   = "cb/1 request\0" ‖ network public key ‖ session public key ‖ nonce ‖ body
 *
 * The signature names the network key, so that an agent which opens a request cannot box it again for another
 * network, and the session key, so that nobody else can read the replies. Source: PROTOCOL.md §4; libsodium,
 * crypto_box_easy and crypto_sign_detached.
 */
import { concat, utf8 } from "./bytes.ts";
import {
  blake2b256,
  NONCE_BYTES,
  open,
  randomBytes,
  SIGNATURE_BYTES,
  seal,
  sharedKey,
  sign,
  verify,
  wipe,
} from "./crypto.ts";
import type {
  NetworkKeyPair,
  NetworkPublicKey,
  SessionKeyPair,
  SessionPublicKey,
  StationKeyPair,
  StationPublicKey,
} from "./keys.ts";
import { keyId } from "./keys.ts";
import { KEY_ID_BYTES, MAX_REQUEST_BYTES, SESSION_ID_BYTES } from "./limits.ts";
import { pad, unpad } from "./padding.ts";

const MAGIC = utf8("cb1q");
const SIGNED_LABEL = utf8("cb/1 request\0");
const SESSION_LABEL = utf8("cb/1 session\0");

// Offsets in the envelope, and in what the box holds.
const SESSION_AT = MAGIC.length + KEY_ID_BYTES;
const NONCE_AT = SESSION_AT + 32;
const BOX_AT = NONCE_AT + NONCE_BYTES;
const SIGNATURE_AT = KEY_ID_BYTES;
const BODY_AT = SIGNATURE_AT + SIGNATURE_BYTES;

/** The parts of an envelope that anybody can see. */
export type RequestFrame = {
  readonly networkKeyId: Uint8Array;
  readonly sessionKey: SessionPublicKey;
  readonly nonce: Uint8Array;
  readonly box: Uint8Array;
};

/** What a box held: a body that somebody claims a station has signed. Nothing of it may be believed yet. */
export type ClaimedRequest = {
  readonly networkKey: NetworkPublicKey;
  readonly sessionKey: SessionPublicKey;
  readonly nonce: Uint8Array;
  readonly stationKeyId: Uint8Array;
  readonly signature: Uint8Array;
  readonly body: Uint8Array;
};

type Keys = {
  readonly network: NetworkPublicKey;
  readonly station: StationKeyPair;
  readonly session: SessionKeyPair;
};

/** @throws {RangeError} for a body that no envelope can hold (64 KiB with all that surrounds it) */
export function sealRequest(body: Uint8Array, { network, station, session }: Keys): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const signature = sign(signedBytes(network, session.publicKey, nonce, body), station.secretKey);
  const padded = pad(concat(keyId("base-station-public", station.publicKey), signature, body));
  const key = sharedKey(network, session.secretKey);
  if (key === undefined) throw new RangeError("the network public key has small order");
  const box = seal(padded, nonce, key);
  wipe(key);
  const envelope = concat(MAGIC, keyId("network-public", network), session.publicKey, nonce, box);
  if (envelope.length > MAX_REQUEST_BYTES)
    throw new RangeError(`a request of ${envelope.length} bytes is too long`);
  return envelope;
}

/** The frame, or undefined where these bytes are no request of `cb1`. */
export function readRequestFrame(envelope: Uint8Array): RequestFrame | undefined {
  if (envelope.length > MAX_REQUEST_BYTES) return undefined;
  if (envelope.length < BOX_AT) return undefined;
  if (Buffer.compare(envelope.subarray(0, MAGIC.length), MAGIC) !== 0) return undefined;
  return {
    networkKeyId: envelope.subarray(MAGIC.length, SESSION_AT),
    sessionKey: envelope.subarray(SESSION_AT, NONCE_AT) as SessionPublicKey,
    nonce: envelope.subarray(NONCE_AT, BOX_AT),
    box: envelope.subarray(BOX_AT),
  };
}

/** What the box holds, or undefined where it was not made for this network key, was changed, or is ill-formed. */
export function openRequestBox(frame: RequestFrame, network: NetworkKeyPair): ClaimedRequest | undefined {
  const key = sharedKey(frame.sessionKey, network.secretKey);
  if (key === undefined) return undefined;
  const padded = open(frame.box, frame.nonce, key);
  wipe(key);
  const content = padded && unpad(padded);
  if (content === undefined || content.length < BODY_AT) return undefined;
  return {
    networkKey: network.publicKey,
    sessionKey: frame.sessionKey,
    nonce: frame.nonce,
    stationKeyId: content.subarray(0, SIGNATURE_AT),
    signature: content.subarray(SIGNATURE_AT, BODY_AT),
    body: content.subarray(BODY_AT),
  };
}

/** Whether this station has signed this body, for this network and this session. */
export function isSignedBy(station: StationPublicKey, claimed: ClaimedRequest): boolean {
  const { networkKey, sessionKey, nonce, body, signature } = claimed;
  return verify(signature, signedBytes(networkKey, sessionKey, nonce, body), station);
}

/** The name under which a session is remembered: nobody chooses it (PROTOCOL.md §3). */
export function sessionId(sessionKey: SessionPublicKey): Uint8Array {
  return blake2b256(SESSION_LABEL, sessionKey).subarray(0, SESSION_ID_BYTES);
}

function signedBytes(
  network: NetworkPublicKey,
  session: SessionPublicKey,
  nonce: Uint8Array,
  body: Uint8Array,
): Uint8Array {
  return concat(SIGNED_LABEL, network, session, nonce, body);
}

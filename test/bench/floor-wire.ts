/**
 * The least that two sides could say to each other with the product's cryptography and lengths, and nothing of
 * its codec: fields at fixed places.
 *
 *   request = session public key:32 ‖ nonce:24 ‖ box(signature:64 ‖ challenge:32 ‖ reply address:16 ‖ zeros)
 *   reply   = reply public key:32 ‖ sequence:8 ‖ box(body)      body of hello: signature:64 ‖ agent key:32 ‖ zeros
 *
 * Every box holds 512 bytes, the product's smallest.
 */
import { concat, hex, utf8 } from "../../src/protocol/bytes.ts";
import {
  boxKeyPair,
  type KeyPair,
  NONCE_BYTES,
  open,
  randomBytes,
  seal,
  sharedKey,
  sign,
  verify,
} from "../../src/protocol/crypto.ts";

export const CHANNEL = "floor:request";
const BOX_CONTENT = 512;
const SIGNATURE = [0, 64] as const;
const CHALLENGE = [64, 96] as const;
const ADDRESS = [96, 112] as const;
const AGENT_KEY = [64, 96] as const;

/** Hello, a piece of output, the end. */
const REPLIES = 3;

/** What a station sends and keeps. */
export type Sent = {
  readonly request: Uint8Array;
  readonly session: KeyPair;
  readonly challenge: Uint8Array;
};

export function newRequest(network: Uint8Array, station: KeyPair, replyAddress: Uint8Array): Sent {
  const session = boxKeyPair();
  const challenge = randomBytes(32);
  const nonce = randomBytes(NONCE_BYTES);
  const body = concat(challenge, replyAddress);
  const signature = sign(concat(network, session.publicKey, nonce, body), station.secretKey);
  const box = seal(filled(signature, body), nonce, shared(network, session.secretKey));
  return { request: concat(session.publicKey, nonce, box), session, challenge };
}

/** An agent's three replies, and where they go. */
export function answer(request: Uint8Array, network: KeyPair, station: Uint8Array, agent: KeyPair) {
  const sessionKey = request.subarray(0, 32);
  const nonce = request.subarray(32, 56);
  const content = open(request.subarray(56), nonce, shared(sessionKey, network.secretKey));
  if (content === undefined) throw new Error("the request does not open");
  const signed = concat(network.publicKey, sessionKey, nonce, content.subarray(CHALLENGE[0], ADDRESS[1]));
  if (!verify(content.subarray(...SIGNATURE), signed, station)) throw new Error("the request is not signed");
  const reply = boxKeyPair();
  const key = shared(sessionKey, reply.secretKey);
  const claim = concat(sessionKey, reply.publicKey, content.subarray(...CHALLENGE));
  const bodies = [concat(sign(claim, agent.secretKey), agent.publicKey), utf8("hello\n"), utf8("exit 0")];
  const replies = bodies.map((body, sequence) =>
    concat(reply.publicKey, sequenceBytes(sequence), seal(filled(body), replyNonce(sequence), key)),
  );
  return { address: content.subarray(...ADDRESS), replies };
}

/** Opens the replies of one session. */
export class FloorReader {
  readonly #sent: Sent;
  readonly #keys = new Map<string, Uint8Array>();
  /** Agents whose last reply has been read. */
  finished = 0;

  constructor(sent: Sent) {
    this.#sent = sent;
  }

  read(envelope: Uint8Array): void {
    const replyKey = envelope.subarray(0, 32);
    const sequence = envelope[39] ?? 0;
    const name = hex(replyKey);
    const key = this.#keys.get(name) ?? shared(replyKey, this.#sent.session.secretKey);
    const body = open(envelope.subarray(40), replyNonce(sequence), key);
    if (body === undefined) throw new Error("a reply does not open");
    if (sequence === 0) {
      const claim = concat(this.#sent.session.publicKey, replyKey, this.#sent.challenge);
      if (!verify(body.subarray(...SIGNATURE), claim, body.subarray(...AGENT_KEY))) {
        throw new Error("a hello is not signed");
      }
      this.#keys.set(name, key);
    }
    if (sequence === REPLIES - 1) this.finished += 1;
  }
}

function shared(publicKey: Uint8Array, secretKey: Uint8Array): Uint8Array {
  const key = sharedKey(publicKey, secretKey);
  if (key === undefined) throw new Error("a public key has small order");
  return key;
}

function filled(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(BOX_CONTENT);
  whole.set(concat(...parts));
  return whole;
}

function sequenceBytes(sequence: number): Uint8Array {
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, sequence);
}

function replyNonce(sequence: number): Uint8Array {
  return concat(new Uint8Array(NONCE_BYTES - 8), sequenceBytes(sequence));
}

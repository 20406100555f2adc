/**
 * Sealing and opening of replies.
 *
 *   envelope = "cb1r" ‖ reply public key:32 ‖ sequence:u64 ‖ box(pad(body), nonce(sequence))
 *   nonce(n) = 16 zero bytes ‖ n as u64 big-endian
 *
 * The box key comes from the session's key and the agent's ephemeral reply key, both of which die with the
 * session: neither another agent nor a later thief of the network key can read a reply. The counter is the
 * nonce, so one reply key never seals two bodies under one sequence. Source: PROTOCOL.md §6.
 */
import type { Identity } from "../core/names.ts";
import { concat, utf8 } from "./bytes.ts";
import { NONCE_BYTES, open, seal, sharedKey, sign, verify, wipe } from "./crypto.ts";
import type { AgentKeyPair, ReplyKeyPair, ReplyPublicKey, SessionKeyPair, SessionPublicKey } from "./keys.ts";
import { forget } from "./keys.ts";
import { MAX_REPLY_BYTES } from "./limits.ts";
import { pad, unpad } from "./padding.ts";
import type { Hello } from "./reply.ts";

const MAGIC = utf8("cb1r");
const HELLO_LABEL = utf8("cb/1 hello\0");

const SEQUENCE_AT = MAGIC.length + 32;
const BOX_AT = SEQUENCE_AT + 8;

export type ReplyFrame = {
  readonly replyKey: ReplyPublicKey;
  readonly sequence: number;
  readonly box: Uint8Array;
};

/** Seals the replies of one agent to one session, in order. */
export class ReplySealer {
  readonly #header: Uint8Array;
  readonly #key: Uint8Array;
  #sequence = 0;

  /** @throws {RangeError} where the session's key has small order, which `openRequestBox` has ruled out */
  constructor(session: SessionPublicKey, reply: ReplyKeyPair) {
    const key = sharedKey(session, reply.secretKey);
    if (key === undefined) throw new RangeError("the session public key has small order");
    this.#key = key;
    this.#header = concat(MAGIC, reply.publicKey);
    forget(reply);
  }

  /** An envelope under the next sequence. A retry sends the same envelope again; it never seals anew. */
  seal(body: Uint8Array): Uint8Array {
    const sequence = this.#sequence++;
    const box = seal(pad(body), nonce(sequence), this.#key);
    return concat(this.#header, sequenceBytes(sequence), box);
  }

  /** Forgets the key: nothing can be sealed afterwards that anybody could open. */
  close(): void {
    wipe(this.#key);
  }
}

/** The frame, or undefined where these bytes are no reply of `cb1`. */
export function readReplyFrame(envelope: Uint8Array): ReplyFrame | undefined {
  if (envelope.length > MAX_REPLY_BYTES) return undefined;
  if (envelope.length < BOX_AT) return undefined;
  if (Buffer.compare(envelope.subarray(0, MAGIC.length), MAGIC) !== 0) return undefined;
  const sequence = new DataView(envelope.buffer, envelope.byteOffset + SEQUENCE_AT).getBigUint64(0);
  if (sequence > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return {
    replyKey: envelope.subarray(MAGIC.length, SEQUENCE_AT) as ReplyPublicKey,
    sequence: Number(sequence),
    box: envelope.subarray(BOX_AT),
  };
}

/** The key that opens all replies under one reply key; undefined where that key has small order. */
export function replyOpeningKey(replyKey: ReplyPublicKey, session: SessionKeyPair): Uint8Array | undefined {
  return sharedKey(replyKey, session.secretKey);
}

/** The body, or undefined where it was not sealed under this key and sequence, was changed, or is ill-formed. */
export function openReply(frame: ReplyFrame, key: Uint8Array): Uint8Array | undefined {
  const padded = open(frame.box, nonce(frame.sequence), key);
  return padded && unpad(padded);
}

/** What binds an agent's own key to one session, one reply key, one challenge and one identity. */
type HelloClaim = {
  readonly session: SessionPublicKey;
  readonly replyKey: ReplyPublicKey;
  readonly challenge: Uint8Array;
  readonly identity: Identity;
};

export function signHello(claim: HelloClaim, agent: AgentKeyPair): Uint8Array {
  return sign(helloBytes(claim), agent.secretKey);
}

/** Whether a hello was signed by the agent key that it names, for this session and reply key. */
export function isHelloGenuine(hello: Hello, session: SessionPublicKey, replyKey: ReplyPublicKey): boolean {
  const claim = { session, replyKey, challenge: hello.challenge, identity: hello.identity };
  return verify(hello.signature, helloBytes(claim), hello.agentKey);
}

function helloBytes({ session, replyKey, challenge, identity }: HelloClaim): Uint8Array {
  return concat(HELLO_LABEL, session, replyKey, challenge, utf8(identity));
}

function nonce(sequence: number): Uint8Array {
  return concat(new Uint8Array(NONCE_BYTES - 8), sequenceBytes(sequence));
}

function sequenceBytes(sequence: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(sequence));
  return bytes;
}

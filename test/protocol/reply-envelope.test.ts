import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Identity } from "../../src/core/names.ts";
import { concat, hex, utf8 } from "../../src/protocol/bytes.ts";
import { cryptoReady } from "../../src/protocol/crypto.ts";
import {
  agentKeyPair,
  newReplyKeyPair,
  newSessionKeyPair,
  type ReplyKeyPair,
  type ReplyPublicKey,
  type SessionKeyPair,
  type SessionPublicKey,
} from "../../src/protocol/keys.ts";
import {
  openReply,
  ReplySealer,
  readReplyFrame,
  replyOpeningKey,
  signHello,
} from "../../src/protocol/reply-envelope.ts";
import { readVectors } from "../support/vectors.ts";
import {
  replyKey as boxKeyOfPage,
  boxPair,
  pad,
  replyEnvelope,
  sign,
  signedHello,
} from "../vectors/generator/wire.ts";
import { hear } from "./heard.ts";

const EXITS = ["foreign", "no-hello", "altered", "malformed", "wrong-challenge", "bad-signature"];
/** The bytes before the box: magic, reply public key, sequence. */
const HEADER = 44;
const LARGEST = 80 * 1024;

before(cryptoReady);

for (const vector of readVectors("reply")) {
  test(`replies are ${vector.expect}: ${vector.name}, ${vector.comment}`, () => {
    // What is out of turn, out of count or passed over is well made all the same.
    const wanted = vector.expect.split(", ").map((event) => event.replace("gap+malformed", "malformed"));
    assert.deepEqual(
      hear(vector).map((heard) => (typeof heard === "string" ? heard : "reply")),
      wanted.map((event) => (EXITS.includes(event) ? event : "reply")),
    );
  });
}

test("ReplySealer seals one envelope after the other, as the page describes", () => {
  const session = newSessionKeyPair();
  const pair = boxPair("reply key of the test");
  const key = boxKeyOfPage(session.publicKey, pair.secretKey);
  const sealer = new ReplySealer(session.publicKey, copy(pair));
  for (const [sequence, body] of ["hello", "output", "exit"].map(utf8).entries()) {
    const expected = replyEnvelope(pair.publicKey, key, BigInt(sequence), pad(body));
    assert.equal(hex(sealer.seal(body)), hex(expected));
  }
});

test("ReplySealer forgets the reply secret at once, and its own key when it is closed", () => {
  const session = newSessionKeyPair();
  const reply = newReplyKeyPair();
  const sealer = new ReplySealer(session.publicKey, reply);
  assert.ok(reply.secretKey.every((byte) => byte === 0));
  const key = openingKey(reply.publicKey, session);
  assert.equal(hex(opened(sealer.seal(utf8("a")), key) ?? utf8("-")), hex(utf8("a")));
  sealer.close();
  assert.equal(opened(sealer.seal(utf8("b")), key), undefined);
});

test("ReplySealer refuses a session key of small order", () => {
  assert.throws(() => new ReplySealer(new Uint8Array(32) as SessionPublicKey, newReplyKeyPair()), RangeError);
});

test("readReplyFrame() takes 80 KiB and no byte more, a whole header and no byte less", () => {
  const framed = (length: number) => {
    const envelope = new Uint8Array(length);
    envelope.set(utf8("cb1r").subarray(0, length));
    return readReplyFrame(envelope) !== undefined;
  };
  assert.ok(framed(LARGEST));
  assert.ok(!framed(LARGEST + 1));
  assert.ok(framed(HEADER));
  for (let length = 0; length < HEADER; length++) assert.ok(!framed(length), `${length} bytes`);
});

test("readReplyFrame() compares every byte of the magic", () => {
  for (let at = 0; at < 4; at++) {
    const envelope = frameOf(0n);
    envelope[at] = 0;
    assert.equal(readReplyFrame(envelope), undefined);
  }
});

test("readReplyFrame() gives reply key, sequence and box, from any place in a buffer", () => {
  const around = concat(new Uint8Array(3), frameOf(2n ** 53n - 1n), Uint8Array.of(9));
  const frame = readReplyFrame(around.subarray(3));
  assert.ok(frame);
  assert.equal(hex(frame.replyKey), "07".repeat(32));
  assert.equal(frame.sequence, Number.MAX_SAFE_INTEGER);
  assert.equal(hex(frame.box), "0109");
});

test("readReplyFrame() takes sequences up to 2^53 - 1", () => {
  for (const sequence of [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
    assert.equal(readReplyFrame(frameOf(sequence)), undefined);
  }
});

test("replyOpeningKey() has no key for a reply key of small order", () => {
  assert.equal(replyOpeningKey(new Uint8Array(32) as ReplyPublicKey, newSessionKeyPair()), undefined);
});

test("openReply() opens under its own sequence, reply key and session alone [S18] [S20] [S21]", () => {
  const session = newSessionKeyPair();
  const reply = newReplyKeyPair();
  const frame = readReplyFrame(new ReplySealer(session.publicKey, reply).seal(utf8("body")));
  assert.ok(frame);
  const key = openingKey(reply.publicKey, session);
  assert.equal(hex(openReply(frame, key) ?? utf8("-")), hex(utf8("body")));
  assert.equal(openReply({ ...frame, sequence: 1 }, key), undefined);
  assert.equal(openReply(frame, openingKey(newReplyKeyPair().publicKey, session)), undefined);
  assert.equal(openReply(frame, openingKey(reply.publicKey, newSessionKeyPair())), undefined);
});

test("signHello() signs what the page describes", () => {
  const seed = new Uint8Array(32).fill(3);
  const agent = agentKeyPair(seed);
  const session = newSessionKeyPair().publicKey;
  const replyKey = newReplyKeyPair().publicKey;
  const challenge = new Uint8Array(32).fill(4);
  const signature = signHello({ session, replyKey, challenge, identity: "web1" as Identity }, agent);
  const expected = sign(
    { publicKey: agent.publicKey, secretKey: seed },
    signedHello(session, replyKey, challenge, "web1"),
  );
  assert.equal(hex(signature), hex(expected));
});

/** A frame with this sequence, a reply key of sevens and a box of one byte. */
function frameOf(sequence: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, sequence);
  return concat(utf8("cb1r"), new Uint8Array(32).fill(7), bytes, Uint8Array.of(1));
}

function copy({ publicKey, secretKey }: ReturnType<typeof boxPair>): ReplyKeyPair {
  return { publicKey, secretKey: secretKey.slice() } as ReplyKeyPair;
}

function openingKey(replyKey: ReplyPublicKey, session: SessionKeyPair): Uint8Array {
  const key = replyOpeningKey(replyKey, session);
  assert.ok(key);
  return key;
}

function opened(envelope: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  const frame = readReplyFrame(envelope);
  return frame && openReply(frame, key);
}

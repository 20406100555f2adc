import assert from "node:assert/strict";
import { before, test } from "node:test";
import { hex, utf8 } from "../../src/protocol/bytes.ts";
import {
  boxKeyPair,
  cryptoReady,
  equalBytes,
  open,
  seal,
  sharedKey,
  sign,
  signKeyPair,
  verify,
} from "../../src/protocol/crypto.ts";
import {
  ED25519_SMALL_ORDER,
  signWithPoint,
  signWithSmallOrder,
  withLargeScalar,
  X25519_LOW_ORDER,
} from "../vectors/generator/curves.ts";

const MESSAGE = utf8("message");
const SEED = new Uint8Array(32).fill(5);

before(cryptoReady);

test("verify() takes a genuine signature, and no other message or key", () => {
  const { publicKey, secretKey } = signKeyPair(SEED);
  const signature = sign(MESSAGE, secretKey);
  assert.ok(verify(signature, MESSAGE, publicKey));
  assert.ok(!verify(signature, utf8("massage"), publicKey));
  assert.ok(!verify(signature, MESSAGE, signKeyPair(new Uint8Array(32)).publicKey));
});

// These signatures satisfy the equation; node:crypto takes those with a key of small order.
for (const [name, point] of Object.entries(ED25519_SMALL_ORDER)) {
  test(`verify() refuses a key and an R of small order: ${name}`, () => {
    assert.ok(!verify(signWithSmallOrder(point, MESSAGE), MESSAGE, point));
    assert.ok(!verify(signWithPoint(point, SEED, MESSAGE), MESSAGE, signKeyPair(SEED).publicKey));
  });
}

test("verify() refuses S + L for S", () => {
  const { publicKey, secretKey } = signKeyPair(SEED);
  assert.ok(!verify(withLargeScalar(sign(MESSAGE, secretKey)), MESSAGE, publicKey));
});

test("verify() refuses keys and signatures of any other length", () => {
  const { publicKey, secretKey } = signKeyPair(SEED);
  const signature = sign(MESSAGE, secretKey);
  assert.ok(!verify(signature.subarray(1), MESSAGE, publicKey));
  assert.ok(!verify(Uint8Array.of(...signature, 0), MESSAGE, publicKey));
  assert.ok(!verify(signature, MESSAGE, publicKey.subarray(1)));
  assert.ok(!verify(signature, MESSAGE, Uint8Array.of(...publicKey, 0)));
});

for (const [name, point] of Object.entries(X25519_LOW_ORDER)) {
  test(`sharedKey() has none with a key of small order: ${name}`, () => {
    assert.equal(sharedKey(point, boxKeyPair().secretKey), undefined);
  });
}

test("open() inverts seal() under the same key and nonce alone", () => {
  const [one, other] = [boxKeyPair(), boxKeyPair()];
  const key = sharedKey(one.publicKey, other.secretKey);
  const same = sharedKey(other.publicKey, one.secretKey);
  assert.ok(key && same && equalBytes(key, same));
  const [nonce, otherNonce] = [new Uint8Array(24), new Uint8Array(24).fill(1)];
  const box = seal(MESSAGE, nonce, key);
  assert.equal(hex(open(box, nonce, key) ?? utf8("-")), hex(MESSAGE));
  assert.equal(open(box, otherNonce, key), undefined);
  assert.equal(open(box, nonce, new Uint8Array(32)), undefined);
  assert.equal(open(box.subarray(1), nonce, key), undefined);
  assert.equal(open(box.subarray(0, 15), nonce, key), undefined);
  assert.equal(open(new Uint8Array(), nonce, key), undefined);
});

test("equalBytes() compares length and every byte", () => {
  assert.ok(equalBytes(new Uint8Array(), new Uint8Array()));
  assert.ok(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
  assert.ok(!equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
  assert.ok(!equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1)));
});

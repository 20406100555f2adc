import assert from "node:assert/strict";
import { before, test } from "node:test";
import { hex } from "../../src/protocol/bytes.ts";
import { cryptoReady, sign, verify } from "../../src/protocol/crypto.ts";
import {
  agentKeyPair,
  forget,
  hasKeyId,
  keyId,
  keyIdText,
  networkKeyPair,
  newNetworkKeyPair,
  newReplyKeyPair,
  newSeed,
  newSessionKeyPair,
  stationKeyPair,
} from "../../src/protocol/keys.ts";
import { readVector, unhex } from "../support/vectors.ts";
import { boxPair, signPair } from "../vectors/generator/wire.ts";

type Kind = Parameters<typeof keyId>[0];

before(cryptoReady);

test("keyId() gives the ids of the page, and hasKeyId() knows them", () => {
  const rows = readVector("key-id.txt")
    .all("id")
    .map((row) => row.split(" "));
  for (const [kind, key = "", id = ""] of rows) {
    assert.equal(hex(keyId(kind as Kind, unhex(key))), id);
    assert.equal(keyIdText(kind as Kind, unhex(key)), id);
    for (const [otherKind, otherKey, otherId = ""] of rows) {
      const same = otherKind === kind && otherKey === key;
      assert.equal(hasKeyId(kind as Kind, unhex(key), unhex(otherId)), same);
    }
  }
});

test("hasKeyId() takes no part of an id, nor anything longer", () => {
  const key = new Uint8Array(32);
  const id = keyId("network-public", key);
  assert.ok(!hasKeyId("network-public", key, id.subarray(0, 7)));
  assert.ok(!hasKeyId("network-public", key, new Uint8Array()));
  assert.ok(!hasKeyId("network-public", key, Uint8Array.of(...id, 0)));
});

test("networkKeyPair() has the public key of the secret one", () => {
  const { publicKey, secretKey } = boxPair("network");
  assert.equal(hex(networkKeyPair(secretKey).publicKey), hex(publicKey));
});

test("stationKeyPair() and agentKeyPair() make the pair of a seed, and copy it", () => {
  for (const make of [stationKeyPair, agentKeyPair]) {
    const { publicKey, secretKey } = signPair("base station");
    const seed = secretKey.slice();
    const pair = make(seed);
    seed.fill(0);
    assert.equal(hex(pair.publicKey), hex(publicKey));
    assert.ok(verify(sign(Uint8Array.of(1), pair.secretKey), Uint8Array.of(1), publicKey));
  }
});

test("new keys and seeds are never the same", () => {
  const made = [newNetworkKeyPair, newSessionKeyPair, newReplyKeyPair].flatMap((make) => [make(), make()]);
  const secrets = [...made.map(({ secretKey }) => hex(secretKey)), hex(newSeed()), hex(newSeed())];
  assert.equal(new Set(secrets).size, secrets.length);
  for (const secret of secrets) assert.equal(secret.length, 64);
});

test("forget() leaves zeros of the secret key", () => {
  const pair = newSessionKeyPair();
  forget(pair);
  assert.deepEqual(pair.secretKey, new Uint8Array(32));
});

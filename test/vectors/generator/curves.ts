/**
 * Points and signatures that a careless implementation takes.
 *
 * libsodium makes none of them, so the few formulas stand here: a signature (R, S) of M under A holds where
 * [S]B = R + [SHA-512(R ‖ A ‖ M)]A (RFC 8032 §5.1.7). Whoever knows the logarithms of R and A can choose S.
 * The lists are those of libsodium's own blocklists: every encoding of a point of order 1, 2, 4 or 8.
 */
import { createHash } from "node:crypto";
import sodium from "libsodium-wrappers";
import { concat, fromHex, seed } from "./bytes.ts";

/** The order of the base point of Ed25519. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/** Encodings of X25519 points which give an all-zero result with every secret key. */
export const X25519_LOW_ORDER: Readonly<Record<string, Uint8Array>> = {
  "order-4": fromHex("0000000000000000000000000000000000000000000000000000000000000000"),
  "order-1": fromHex("0100000000000000000000000000000000000000000000000000000000000000"),
  "order-8": fromHex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
  "order-8-other": fromHex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
  "order-2": fromHex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
  "order-4-not-reduced": fromHex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
  "order-1-not-reduced": fromHex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
  "order-4-high-bit": fromHex("0000000000000000000000000000000000000000000000000000000000000080"),
};

/** Encodings of Ed25519 points of small order; `not-reduced` and `-0` ones are not canonical either. */
export const ED25519_SMALL_ORDER: Readonly<Record<string, Uint8Array>> = {
  "order-1": fromHex("0100000000000000000000000000000000000000000000000000000000000000"),
  "order-2": fromHex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
  "order-4": fromHex("0000000000000000000000000000000000000000000000000000000000000000"),
  "order-4-odd": fromHex("0000000000000000000000000000000000000000000000000000000000000080"),
  "order-8": fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
  "order-8-odd": fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
  "order-8-other": fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
  "order-8-other-odd": fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
  "order-1-minus-0": fromHex("0100000000000000000000000000000000000000000000000000000000000080"),
  "order-2-minus-0": fromHex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
  "order-4-not-reduced": fromHex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
  "order-4-not-reduced-odd": fromHex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
  "order-1-not-reduced": fromHex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
  "order-1-not-reduced-minus-0": fromHex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
};

/**
 * A signature under a point of small order, which nobody's secret key belongs to: R = [r]B and S = r, with
 * an r for which [h]A vanishes, so that the equation holds.
 */
export function signWithSmallOrder(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  for (let attempt = 0; ; attempt++) {
    const secret = seed(`small order ${attempt}`, 32);
    const point = sodium.crypto_sign_seed_keypair(secret).publicKey;
    if (challengeScalar(point, publicKey, message) % 8n === 0n)
      return concat(point, bytesOf(scalarOf(secret)));
  }
}

/** A signature of a genuine key whose R is `point`, of small order: S = h·a, as if r were 0. */
export function signWithPoint(point: Uint8Array, secret: Uint8Array, message: Uint8Array): Uint8Array {
  const publicKey = sodium.crypto_sign_seed_keypair(secret).publicKey;
  const scalar = (challengeScalar(point, publicKey, message) * scalarOf(secret)) % ORDER;
  return concat(point, bytesOf(scalar));
}

/** The same signature with S + L for S: the equation holds, the encoding is not the only one. */
export function withLargeScalar(signature: Uint8Array): Uint8Array {
  return concat(signature.subarray(0, 32), bytesOf(numberOf(signature.subarray(32)) + ORDER));
}

/** HSalsa20 of 16 zero bytes (Bernstein, "Extending the Salsa20 nonce"): what crypto_box makes of a secret. */
export function boxKey(sharedSecret: Uint8Array): Uint8Array {
  const key = new DataView(sharedSecret.slice().buffer);
  const word = (index: number) => key.getUint32(4 * index, true);
  // Bytes 0 to 3 of the key, zeros for the input, and the constant "expand 32-byte k" on the diagonal.
  const x = Uint32Array.of(
    0x61707865,
    word(0),
    word(1),
    word(2),
    word(3),
    0x3320646e,
    0,
    0,
    0,
    0,
    0x79622d32,
  );
  const state = new Uint32Array(16);
  state.set(x);
  state.set([word(4), word(5), word(6), word(7), 0x6b206574], 11);
  const quarter = (a: number, b: number, c: number, d: number) => {
    const step = (to: number, from: number, and: number, by: number) => {
      const sum = ((state[from] ?? 0) + (state[and] ?? 0)) >>> 0;
      state[to] = (state[to] ?? 0) ^ ((sum << by) | (sum >>> (32 - by)));
    };
    step(b, a, d, 7);
    step(c, b, a, 9);
    step(d, c, b, 13);
    step(a, d, c, 18);
  };
  for (let round = 0; round < 10; round++) {
    quarter(0, 4, 8, 12);
    quarter(5, 9, 13, 1);
    quarter(10, 14, 2, 6);
    quarter(15, 3, 7, 11);
    quarter(0, 1, 2, 3);
    quarter(5, 6, 7, 4);
    quarter(10, 11, 8, 9);
    quarter(15, 12, 13, 14);
  }
  const out = new DataView(new ArrayBuffer(32));
  for (const [index, from] of [0, 5, 10, 15, 6, 7, 8, 9].entries()) {
    out.setUint32(4 * index, state[from] ?? 0, true);
  }
  return new Uint8Array(out.buffer);
}

function challengeScalar(point: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  return (
    numberOf(
      createHash("sha512")
        .update(concat(point, publicKey, message))
        .digest(),
    ) % ORDER
  );
}

/** The scalar that an Ed25519 seed stands for (RFC 8032 §5.1.5), reduced. */
function scalarOf(secret: Uint8Array): bigint {
  const half = new Uint8Array(createHash("sha512").update(secret).digest().subarray(0, 32));
  half[0] = (half[0] ?? 0) & 248;
  half[31] = ((half[31] ?? 0) & 63) | 64;
  return numberOf(half) % ORDER;
}

function numberOf(littleEndian: Uint8Array): bigint {
  return littleEndian.reduceRight((number, byte) => number * 256n + BigInt(byte), 0n);
}

function bytesOf(number: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((number >> BigInt(8 * index)) & 0xffn));
}

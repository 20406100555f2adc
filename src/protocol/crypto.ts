/**
 * Every cryptographic operation of `cb`, and the only door to libsodium.
 *
 * Functions take and give plain bytes; which key may go where is `keys.ts`' matter. Failure to open or to
 * verify is a value, not an exception: it is what a hostile hub does all day. A faster primitive with the
 * same bytes can replace one function here (node:crypto does X25519 and Ed25519 in a third of the time under
 * Bun); it must then refuse the same inputs: an all-zero X25519 result, small-order and non-canonical
 * Ed25519 points, S ≥ L. Source: PROTOCOL.md §3; RFC 7748 §6.1; RFC 8032 §5.1.7; libsodium's manual.
 */
import sodium from "libsodium-wrappers";

export type KeyPair = { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };

/** Bytes of an X25519 or Ed25519 public key, an X25519 secret key, an Ed25519 seed, and a shared key. */
export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
export const NONCE_BYTES = 24;

/** Resolves when libsodium's WebAssembly is up; nothing else here may be called before. */
export async function cryptoReady(): Promise<void> {
  await sodium.ready;
}

export function randomBytes(length: number): Uint8Array {
  return sodium.randombytes_buf(length);
}

/** Overwrites a secret. What the runtime copied elsewhere is out of reach. */
export function wipe(secret: Uint8Array): void {
  secret.fill(0);
}

/** Whether two byte strings are equal, in time that depends on their lengths alone. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && sodium.memcmp(a, b);
}

/** BLAKE2b with 32 bytes of output over the parts one after another (RFC 7693). */
export function blake2b256(...parts: readonly Uint8Array[]): Uint8Array {
  const state = sodium.crypto_generichash_init(null, 32);
  for (const part of parts) sodium.crypto_generichash_update(state, part);
  return sodium.crypto_generichash_final(state, 32);
}

/** A fresh X25519 pair. */
export function boxKeyPair(): KeyPair {
  const { publicKey, privateKey } = sodium.crypto_box_keypair();
  return { publicKey, secretKey: privateKey };
}

/** The X25519 public key of a secret one. */
export function boxPublicKey(secretKey: Uint8Array): Uint8Array {
  return sodium.crypto_scalarmult_base(secretKey);
}

/** The Ed25519 pair of a 32-byte seed; the secret key is libsodium's 64-byte form (seed ‖ public key). */
export function signKeyPair(seed: Uint8Array): KeyPair {
  const { publicKey, privateKey } = sodium.crypto_sign_seed_keypair(seed);
  return { publicKey, secretKey: privateKey };
}

export function sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array {
  return sodium.crypto_sign_detached(message, secretKey);
}

/** Whether the signature holds. Small-order or non-canonical points and S ≥ L never do. */
export function verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || publicKey.length !== KEY_BYTES) return false;
  return sodium.crypto_sign_verify_detached(signature, message, publicKey);
}

/**
 * The key that both ends of an X25519 exchange derive (crypto_box_beforenm).
 *
 * @returns undefined where the result would be all zero: the other side's key has small order
 */
export function sharedKey(theirPublicKey: Uint8Array, ourSecretKey: Uint8Array): Uint8Array | undefined {
  try {
    return sodium.crypto_box_beforenm(theirPublicKey, ourSecretKey);
  } catch {
    return undefined;
  }
}

/** Encrypts and authenticates under a shared key (crypto_box_easy_afternm); never twice with one nonce. */
export function seal(message: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array {
  return sodium.crypto_box_easy_afternm(message, nonce, key);
}

/** The message, or undefined where the box was not made under this key and nonce or was changed since. */
export function open(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  try {
    return sodium.crypto_box_open_easy_afternm(box, nonce, key);
  } catch {
    return undefined;
  }
}

/** Bytes, hexadecimal text, and the randomness of the vectors: hashes of labels, so that every run is alike. */
import sodium from "libsodium-wrappers";

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

/** BLAKE2b of the parts, `length` bytes long. */
export function blake2b(length: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return sodium.crypto_generichash(length, concat(...parts), null);
}

/** `length` bytes, up to 64, that depend on the label alone. */
export function seed(label: string, length: number): Uint8Array {
  return blake2b(length, utf8("test vector\0"), utf8(label));
}

/** The bytes with one bit of the byte at `index` turned; a negative index counts from the end. */
export function flip(bytes: Uint8Array, index: number): Uint8Array {
  const copy = bytes.slice();
  const at = index < 0 ? copy.length + index : index;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

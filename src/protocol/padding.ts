/**
 * Padding, so that lengths show only within 12 %.
 *
 * pad(m) = length of m as u32 big-endian ‖ m ‖ zeros, max(512, PADMÉ(4 + |m|)) bytes in all. The zeros are
 * checked: a message has one padded form. Source: PROTOCOL.md §3; Nikitin et al., "Reducing Metadata Leakage
 * from Encrypted Files and Communication with PURBs", §4.2 (PADMÉ).
 */

const LENGTH_BYTES = 4;
const SMALLEST = 512;

export function pad(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(paddedLength(message.length));
  new DataView(padded.buffer).setUint32(0, message.length);
  padded.set(message, LENGTH_BYTES);
  return padded;
}

/** The message, or undefined where `padded` is not what `pad` makes of any. */
export function unpad(padded: Uint8Array): Uint8Array | undefined {
  if (padded.length < SMALLEST) return undefined;
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(0);
  if (padded.length !== paddedLength(length)) return undefined;
  const end = LENGTH_BYTES + length;
  if (padded.subarray(end).some((byte) => byte !== 0)) return undefined;
  return padded.subarray(LENGTH_BYTES, end);
}

/** The bytes that a message of `length` bytes fills, its length field included. */
export function paddedLength(length: number): number {
  const total = LENGTH_BYTES + length;
  if (total <= SMALLEST) return SMALLEST;
  const exponent = Math.floor(Math.log2(total));
  const significantBits = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** (exponent - significantBits);
  return Math.ceil(total / step) * step;
}

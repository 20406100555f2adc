import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pad, paddedLength, unpad } from "../../src/protocol/padding.ts";
import { readVector } from "../support/vectors.ts";

test("paddedLength() gives the lengths of the page", () => {
  for (const row of readVector("padding.txt").all("length")) {
    const [length, padded] = row.split(" ").map(Number);
    assert.equal(paddedLength(Number(length)), padded, `for ${length} bytes`);
  }
});

test("paddedLength() adds at most 12 %, apart from the least length", () => {
  forLengths((length) => {
    const padded = paddedLength(length);
    assert.ok(padded >= 512 && padded >= 4 + length);
    assert.ok(padded === 512 || padded <= (4 + length) * 1.12);
  });
});

test("pad() writes the length, the message and zeros", () => {
  const padded = pad(Uint8Array.of(7, 8, 9));
  assert.equal(padded.length, 512);
  assert.deepEqual([...padded.subarray(0, 8)], [0, 0, 0, 3, 7, 8, 9, 0]);
  assert.ok(padded.subarray(7).every((byte) => byte === 0));
});

test("unpad() inverts pad(), for every length up to 70 000", () => {
  forLengths((length) => {
    const message = new Uint8Array(length).fill(0xa5);
    assert.ok(equal(unpad(pad(message)), message), `for ${length} bytes`);
  });
});

test("unpad() reads its own part of a larger buffer", () => {
  const padded = pad(Uint8Array.of(1, 2));
  const around = new Uint8Array(padded.length + 20).fill(0xff);
  around.set(padded, 10);
  const inner = around.subarray(10, 10 + padded.length);
  assert.deepEqual(unpad(inner), Uint8Array.of(1, 2));
});

test("unpad() refuses every length up to 70 000 that padding does not have", () => {
  const lengths = new Set(Array.from({ length: 70_001 }, (_, length) => paddedLength(length)));
  const zeros = new Uint8Array(70_000);
  for (let length = 0; length <= zeros.length; length++) {
    // Zeros alone are the padded form of the empty message, where they are 512.
    assert.equal(unpad(zeros.subarray(0, length)) !== undefined, length === 512, `${length} zeros`);
    if (lengths.has(length)) continue;
    const claimed = zeros.slice(0, length);
    if (length >= 4) new DataView(claimed.buffer).setUint32(0, length - 4);
    assert.equal(unpad(claimed), undefined, `${length} bytes that claim to hold ${length - 4}`);
  }
});

test("unpad() refuses a padding byte that is not zero, wherever it is", () => {
  const message = new Uint8Array(500).fill(1);
  for (let at = 504; at < 512; at++) {
    const padded = pad(message);
    padded[at] = 0x80;
    assert.equal(unpad(padded), undefined, `byte ${at}`);
  }
});

test("unpad() takes only what pad() makes", () => {
  const changes = fc.array(fc.tuple(fc.nat({ max: 700 }), fc.nat({ max: 255 })), { maxLength: 3 });
  const sizes = fc.nat({ max: 700 });
  fc.assert(
    fc.property(sizes, changes, fc.integer({ min: -40, max: 40 }), (size, edits, longer) => {
      const padded = pad(new Uint8Array(size).fill(3));
      const bytes = new Uint8Array(Math.max(0, padded.length + longer));
      bytes.set(padded.subarray(0, bytes.length));
      for (const [at, byte] of edits) if (at < bytes.length) bytes[at] = byte;
      const message = unpad(bytes);
      assert.ok(message === undefined || equal(pad(message), bytes));
    }),
    { numRuns: 2000 },
  );
});

function forLengths(check: (length: number) => void): void {
  for (let length = 0; length < 1200; length++) check(length);
  fc.assert(fc.property(fc.integer({ min: 1200, max: 70_000 }), check), { numRuns: 1000 });
  check(70_000);
}

/** Quicker on long byte strings than deepEqual. */
function equal(actual: Uint8Array | undefined, expected: Uint8Array): boolean {
  return actual !== undefined && Buffer.compare(actual, expected) === 0;
}

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../../src/protocol/bytes.ts";
import { excerptOf } from "../../src/station/output-excerpt.ts";
import type { OutputLine } from "../../src/station/output-lines.ts";

const textOf = (lines: readonly OutputLine[]) =>
  lines.map(({ bytes, isEnded }) => new TextDecoder().decode(bytes) + (isEnded ? "\n" : "")).join("");

function excerpt(text: string, head: number, tail: number, pieceLength = 7) {
  const bytes = utf8(text);
  const pieces = Array.from({ length: Math.ceil(bytes.length / pieceLength) }, (_, index) => {
    return {
      stream: "stdout",
      data: bytes.subarray(index * pieceLength, (index + 1) * pieceLength),
    } as const;
  });
  const found = excerptOf(pieces, head, tail);
  return { head: textOf(found.head), cut: found.cut, tail: textOf(found.tail) };
}

test("excerptOf() leaves nothing out of what fits", () => {
  assert.deepEqual(excerpt("one\ntwo\nthree", 100, 0), { head: "one\ntwo\nthree", cut: 0, tail: "" });
  assert.deepEqual(excerpt("one\ntwo\nthree", 4, 10), { head: "one\ntwo\nthree", cut: 0, tail: "" });
  assert.deepEqual(excerpt("", 0, 0), { head: "", cut: 0, tail: "" });
});

test("excerptOf() keeps whole lines of the beginning and of the end, and counts the bytes between them", () => {
  const text = "one\ntwo\nthree\nfour\nfive\n";
  assert.deepEqual(excerpt(text, 8, 5), { head: "one\ntwo\n", cut: 11, tail: "five\n" });
  assert.deepEqual(excerpt(text, 3, 0), { head: "", cut: 24, tail: "" });
});

test("excerptOf() never shows more than it may, and accounts for every byte", () => {
  const output = fc.array(fc.stringMatching(/^[a-z]{0,9}$/), { maxLength: 3000 });
  fc.assert(
    fc.property(output, fc.nat(200), fc.nat(200), (lines, head, tail) => {
      const text = lines.map((line) => `${line}\n`).join("");
      const found = excerpt(text, head, tail, 64);
      assert.ok(found.head.length <= head + tail && found.tail.length <= tail);
      assert.equal(found.head.length + found.cut + found.tail.length, text.length);
      assert.ok(text.startsWith(found.head) && text.endsWith(found.tail));
    }),
  );
});

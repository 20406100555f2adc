import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../../src/protocol/bytes.ts";
import { LastWords } from "../../src/station/last-words.ts";

function lastOf(...pieces: readonly (string | Uint8Array)[]): string | undefined {
  const words = new LastWords();
  for (const piece of pieces) words.take("stderr", typeof piece === "string" ? utf8(piece) : piece);
  return words.on(["stderr", "stdout"]);
}

test("LastWords has the last line that is not blank, whether a newline ends it or not", () => {
  assert.equal(lastOf("one\n"), "one");
  assert.equal(lastOf("one\ntwo\nthree\n"), "three");
  assert.equal(lastOf("one\ntwo\nthree"), "three");
  assert.equal(lastOf("one\ntwo\n", "three\nfour\n", "five\n"), "five");
  assert.equal(lastOf("one\ntwo\n \t three \n\n \t\n"), "three");
  assert.equal(lastOf("one\r\ntwo\r\nthree\r\n"), "three");
  assert.equal(lastOf("10 %\r20 %\r30 %"), "30 %");
  assert.equal(lastOf(" \n\r\n"), undefined);
  assert.equal(lastOf(), undefined);
});

test("LastWords has both of exactly two lines, as the cause is often the first", () => {
  const emerg = 'nginx: [emerg] unknown directive "proxi_pass"';
  const failed = "nginx: configuration file /etc/nginx/nginx.conf test failed";
  assert.equal(lastOf(`${emerg}\n${failed}\n`), `${emerg} / ${failed}`);
  assert.equal(lastOf("one\ntwo"), "one / two");
  assert.equal(lastOf("one", "\n", " \n\n", " two\n"), "one / two");
  assert.equal(lastOf("one\r\n\r\n two \r\n"), "one / two");
  assert.equal(lastOf("same\nsame\n"), "same", "what is said twice is said once");
  const words = new LastWords();
  words.take("stdout", utf8("out\nmore\n"));
  assert.equal(words.on(["stderr", "stdout"]), "out / more");
  words.take("stderr", utf8("err\n"));
  assert.equal(words.on(["stderr", "stdout"]), "err", "lines of one stream alone");
});

test("LastWords passes over a line of colors alone", () => {
  assert.equal(lastOf("\u001b[31moops\n\u001b[0m"), "^[[31moops");
  assert.equal(lastOf("oops\n\u001b[0", "m\n", "\u001b[0m \u001b[39;49m\n"), "oops");
});

test("LastWords puts together what comes in pieces", () => {
  assert.equal(lastOf("one\ntw", "o", "\n", "\n"), "one / two");
  assert.equal(lastOf("  ", " two", " words\n"), "two words");
  assert.equal(lastOf("one\n", "  ", "\n"), "one");
});

test("LastWords has standard output's where nothing but blanks is on standard error", () => {
  const words = new LastWords();
  words.take("stdout", utf8("out\n"));
  words.take("stderr", utf8("\n"));
  assert.equal(words.on(["stderr", "stdout"]), "out");
  assert.equal(words.on(["stderr"]), undefined);
  words.take("stderr", utf8("err\n"));
  words.take("stdout", utf8("more out\n"));
  assert.equal(words.on(["stderr", "stdout"]), "err");
});

test("LastWords keeps the beginning of a long line, whole characters, and says that it is cut", () => {
  assert.equal(lastOf("x".repeat(255)), "x".repeat(255));
  assert.equal(lastOf("x".repeat(100_000), "y".repeat(100_000)), `${"x".repeat(255)}…`);
  const [long, cut] = ["x".repeat(100_000), `${"x".repeat(255)}…`];
  assert.equal(lastOf(`${long}\n${long}y\n`), cut);
  assert.equal(lastOf(`${long}\nwhy\n`), `${cut} / why`);
  assert.equal(lastOf("é".repeat(1000)), `${"é".repeat(127)}…`);
});

test("LastWords lets no control character through", () => {
  assert.equal(lastOf("\u001b[31mred\u001b[0m\u202e\n"), "^[[31mred^[[0m<U+202E>");
});

test("LastWords does not depend on the pieces in which the bytes come", () => {
  const byte = fc.constantFrom(...utf8("ab \t\n\r"), 0xc3, 0xa9);
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 40 }), fc.array(fc.nat(8)), (bytes, sizes) => {
      const pieces: Uint8Array[] = [];
      let at = 0;
      for (const size of sizes) {
        pieces.push(Uint8Array.from(bytes.slice(at, at + size)));
        at += size;
      }
      const whole = Uint8Array.from(bytes);
      assert.equal(lastOf(...pieces, whole.subarray(at)), lastOf(whole));
      const text = new TextDecoder().decode(whole);
      const lines = text.split(/[\n\r]/).map((line) => line.replace(/^[ \t]+/, "").trimEnd());
      const said = lines.filter((line) => line !== "");
      const expected = said.length === 2 ? [...new Set(said)].join(" / ") : said.at(-1);
      assert.equal(lastOf(whole), expected);
    }),
  );
});

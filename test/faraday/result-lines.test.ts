/** What executors print, and what becomes of each line; the original loses most of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ResultLines } from "../../src/faraday/result-lines.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

type Options = { readonly longestLine?: number; readonly blankLine?: "ignore" | "end" };

/** What is made of an output, in short: values of results, `kind: detail` of the rest. */
function read(
  output: string | Uint8Array,
  options: Options = {},
  cut = Number.POSITIVE_INFINITY,
): readonly unknown[] {
  const lines = new ResultLines({ longestLine: 1000, blankLine: "ignore", ...options });
  const bytes = typeof output === "string" ? utf8(output) : output;
  const read = [];
  for (let start = 0; start < bytes.length; start += cut)
    read.push(...lines.push(bytes.subarray(start, start + cut)));
  read.push(...lines.end());
  return read.map((line) => (line.kind === "result" ? line.value : `${line.kind}: ${line.detail}`));
}

test("ResultLines: one JSON object a line is a result each", () => {
  assert.deepEqual(read('{"a":1}\n{"a":2}\n'), [{ a: 1 }, { a: 2 }]);
});

test("ResultLines: several JSON values on one line are garbage, and the next line counts", () => {
  assert.deepEqual(read('{"a":1} {"a":2}\n{"a":3}\n'), ["garbage: line 1 (15 bytes) is not JSON", { a: 3 }]);
});

test("ResultLines: a line that is not JSON is garbage, and the next line counts", () => {
  assert.deepEqual(read('Scanning…\n{"a":1}\n'), ["garbage: line 1 (11 bytes) is not JSON", { a: 1 }]);
});

test("ResultLines: a line of spaces is ignored and ends nothing, whatever the manifest says", () => {
  const expected = ["ignored: line 1 holds only blanks", { a: 1 }];
  assert.deepEqual(read('  \t\n{"a":1}\n'), expected);
  assert.deepEqual(read('  \t\n{"a":1}\n', { blankLine: "end" }), expected);
});

test("ResultLines: an empty line is ignored, first, between and last", () => {
  const blank = (line: number) => `ignored: line ${line} is empty`;
  assert.deepEqual(read('\n{"a":1}\n\n{"a":2}\n\n'), [blank(1), { a: 1 }, blank(3), { a: 2 }, blank(5)]);
});

test("ResultLines: blank-line = end: a blank line ends the output, and what follows is read and counted [F7]", () => {
  const end = { blankLine: "end" } as const;
  const rest = "ignored: 2 lines after the blank line that ends the output";
  assert.deepEqual(read('{"a":1}\n\n{"a":2}\n{"a":3}', end), [{ a: 1 }, "ignored: line 2 is empty", rest]);
  assert.deepEqual(read('\r\n{"a":1}\n', end).length, 2);
  assert.deepEqual(read('{"a":1}\n\n', end), [{ a: 1 }, "ignored: line 2 is empty"]);
});

test("ResultLines: much output after the blank line that ends it is drained and not kept", () => {
  const lines = new ResultLines({ longestLine: 1000, blankLine: "end" });
  lines.push(utf8("\n"));
  for (let chunk = 0; chunk < 1000; chunk++)
    assert.deepEqual(lines.push(new Uint8Array(65_536).fill(0x61)), []);
  assert.deepEqual(
    lines.end().map(({ kind }) => kind),
    ["ignored"],
  );
});

test("ResultLines: CRLF ends a line as well", () => {
  assert.deepEqual(read('{"a":1}\r\n\r\n{"a":2}\r\n'), [{ a: 1 }, "ignored: line 2 is empty", { a: 2 }]);
});

test("ResultLines: the last line needs no newline, and loses no character", () => {
  assert.deepEqual(read('{"a":1}\n{"a":2}'), [{ a: 1 }, { a: 2 }]);
  assert.deepEqual(read('{"a":2}\r'), [{ a: 2 }]);
  assert.deepEqual(read('{"a":'), ["garbage: line 1 (5 bytes) is not JSON"]);
});

test("ResultLines: an array, a number, a string, a boolean and null are no objects, and the next line counts", () => {
  const expected = ["an array", "a number", "a string", "a boolean", "null"].map(
    (kind, index) => `not-an-object: line ${index + 1} is ${kind}, expected a JSON object`,
  );
  assert.deepEqual(read('[{"a":1}]\n5\n"a"\ntrue\nnull\n{"a":1}\n'), [...expected, { a: 1 }]);
});

test("ResultLines: a line longer than allowed is one fault with its length, and the next line counts", () => {
  const fits = `{"a":"${"x".repeat(992)}"}`;
  const long = `{"a":"${"x".repeat(993)}"}`;
  assert.deepEqual(read(`${fits}\n${fits}\r\n${long}\n${long}\r\n{"a":1}\n${long}y`), [
    JSON.parse(fits),
    JSON.parse(fits),
    "too-long: line 3 is longer than 1000 bytes: it has 1001",
    // Its carriage return could not be told from the line.
    "too-long: line 4 is longer than 1000 bytes: it has 1002",
    { a: 1 },
    "too-long: line 6 is longer than 1000 bytes: it has 1002",
  ]);
});

test("ResultLines: a line without an end takes no more memory than a line may have", () => {
  const lines = new ResultLines({ longestLine: 100_000, blankLine: "ignore" });
  const chunk = new Uint8Array(65_536).fill(0x61);
  lines.push(chunk);
  const before = process.memoryUsage().rss;
  for (let count = 0; count < 10_000; count++) lines.push(chunk);
  // Half of what went through; some is garbage, the more the more the tests before this one have left.
  assert.ok(process.memoryUsage().rss - before < 320 * 1024 * 1024);
  const [line] = lines.end();
  assert.equal(
    line?.kind === "too-long" && line.detail,
    "line 1 is longer than 100000 bytes: it has 655425536",
  );
});

test("ResultLines: invalid UTF-8 is garbage, never replaced, and the next line counts", () => {
  const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}\n{"a":"ü"}\n')]);
  assert.deepEqual(read(bytes), ["garbage: line 1 (9 bytes) is not UTF-8", { a: "ü" }]);
  // A character that a line's end cuts in two, or that would be a surrogate.
  assert.deepEqual(read(Buffer.from([0xc3, 0x0a, 0xbc])).length, 2);
  assert.deepEqual(read(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])), [
    "garbage: line 1 (5 bytes) is not UTF-8",
  ]);
});

test("ResultLines: a NUL byte is garbage in a line and not the end of it; written as JSON it passes", () => {
  assert.deepEqual(read('{"a":"x\0"}\n{"a":"\\u0000"}\n'), [
    "garbage: line 1 (10 bytes) is not JSON",
    { a: "\0" },
  ]);
});

test("ResultLines: execution_id and command of an executor are left to those that post", () => {
  assert.deepEqual(read('{"execution_id":1,"command":{},"hosts":[]}\n'), [
    { execution_id: 1, command: {}, hosts: [] },
  ]);
});

test("ResultLines: JSON that is nested without end does not crash", () => {
  const deep = "[".repeat(200_000);
  const read = new ResultLines({ longestLine: 10_000_000, blankLine: "ignore" });
  const lines = read.push(utf8(`{"a":${deep}${"]".repeat(200_000)}}\n${deep}\n{"a":1}\n`));
  assert.ok(["result", "garbage"].includes(String(lines[0]?.kind)));
  assert.deepEqual([lines[1]?.kind, lines[2]?.kind], ["garbage", "result"]);
});

test("ResultLines: a fault says how the line begins beside its detail, printable and short", () => {
  const lines = new ResultLines({ longestLine: 1000, blankLine: "ignore" });
  const [line] = lines.push(utf8(`password=hunter2\u001b[2J${"x".repeat(500)}\n`));
  assert.ok(line?.kind === "garbage");
  assert.ok(!line.detail.includes("hunter2"));
  assert.match(line.beginning, /^password=hunter2\^\[\[2Jx+…$/);
  assert.equal(Array.from(line.beginning).length, 80);
});

test("ResultLines gives the same, however the bytes are cut", () => {
  const piece = fc.constantFrom(
    ...['{"a":1}', '{"ü":"€𝄞"}', "garbage", " ", "", "[1]", "x".repeat(1001), "\r", "\xff", "null"],
  );
  const output = fc.array(fc.tuple(piece, fc.constantFrom("\n", "\r\n", "\n\n", "")), { maxLength: 20 });
  const blankLine = fc.constantFrom("ignore" as const, "end" as const);
  fc.assert(
    fc.property(output, fc.integer({ min: 1, max: 40 }), blankLine, (pieces, cut, blank) => {
      const bytes = utf8(pieces.flat().join(""));
      assert.deepEqual(read(bytes, { blankLine: blank }, cut), read(bytes, { blankLine: blank }));
    }),
    { numRuns: 1000 },
  );
});

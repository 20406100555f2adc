import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BulkGuard } from "../../src/hub/bulk-guard.ts";
import { HubFailure } from "../../src/hub/failure.ts";

const LIMIT = 1_000;

function guard({ answers = 1, subscribed = false } = {}): BulkGuard {
  const made = new BulkGuard(LIMIT);
  made.expect(answers);
  if (subscribed) made.expectMessages();
  return made;
}

/** What the guard lets through of bytes that come in chunks which end at `cuts`, and what it says then, if anything. */
function scanAll(made: BulkGuard, bytes: Uint8Array, cuts: readonly number[] = []) {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  const passed: Uint8Array[] = [];
  let start = 0;
  for (const end of ends) {
    const result = made.scan(bytes.subarray(start, end));
    if (result instanceof HubFailure) return { passed, failure: result.message };
    passed.push(result);
    start = end;
  }
  return { passed, failure: undefined };
}

/** What the guard says; undefined where it lets all through. */
function scan(made: BulkGuard, bytes: Uint8Array, cuts: readonly number[] = []): string | undefined {
  return scanAll(made, bytes, cuts).failure;
}

const text = (value: string) => Buffer.from(value, "latin1");

const answer: fc.Memo<string> = fc.memo((depth) =>
  fc.oneof(
    fc.constantFrom(
      "+OK\r\n",
      "$-1\r\n",
      "*-1\r\n",
      ":0\r\n",
      ":-17\r\n",
      "-ERR no\r\n",
      "$0\r\n\r\n",
      "*0\r\n",
    ),
    fc
      .uint8Array({ maxLength: LIMIT })
      .map((b) => `$${b.length}\r\n${Buffer.from(b).toString("latin1")}\r\n`),
    ...(depth > 1
      ? [fc.array(answer(depth - 1), { maxLength: 4 }).map((some) => `*${some.length}\r\n${some.join("")}`)]
      : []),
  ),
);
const cuts = fc.array(fc.nat(), { maxLength: 20 });

test("BulkGuard lets answers through, wherever they are cut", () => {
  fc.assert(
    fc.property(fc.array(answer(3), { maxLength: 5 }), cuts, (answers, where) => {
      const bytes = text(answers.join(""));
      const { passed, failure } = scanAll(guard({ answers: answers.length }), bytes, where);
      assert.equal(failure, undefined);
      assert.deepEqual(Buffer.concat(passed), bytes);
    }),
  );
});

test("BulkGuard lets nothing of a header line through before it is whole", () => {
  const made = guard();
  assert.deepEqual(made.scan(text("*2\r\n$-")), text("*2\r\n"));
  assert.deepEqual(made.scan(text("1\r")), text(""));
  assert.deepEqual(made.scan(text("\n$3\r\nab")), text("$-1\r\n$3\r\nab"));
  assert.deepEqual(made.scan(text("c\r\n")), text("c\r\n"));
  // ioredis would take this minus for a null, and throw where nobody can catch.
  assert.deepEqual(guard({ subscribed: true }).scan(text("$-")), text(""));
});

test("BulkGuard says the same of any bytes, wherever they are cut", () => {
  const piece = fc.constantFrom(
    "$",
    "*",
    "+",
    "-",
    ":",
    "\r\n",
    "\r",
    "\n",
    "3",
    "-1",
    "message",
    "$7\r\n",
    "9999",
  );
  const noise = fc.oneof(piece, answer(2));
  fc.assert(
    fc.property(fc.array(noise, { maxLength: 20 }), cuts, fc.boolean(), (pieces, where, subscribed) => {
      const bytes = text(pieces.join(""));
      const made = () => guard({ answers: 5, subscribed });
      assert.equal(scan(made(), bytes, where), scan(made(), bytes));
    }),
    { numRuns: 2_000 },
  );
});

const MESSAGE = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n";
const NOT_REDIS = /not in the protocol/;
const CASES: readonly (readonly [
  name: string,
  bytes: string,
  refusal: RegExp | undefined,
  subscribed?: boolean,
])[] = [
  ["a bulk at the limit", `$${LIMIT}\r\n`, undefined],
  [
    "a bulk over the limit, before its first byte",
    `$${LIMIT + 1}\r\n`,
    /^bulk of 1001 bytes is over the limit$/,
  ],
  ["a nested bulk over the limit", "*2\r\n:1\r\n*1\r\n$536870912\r\n", /^bulk of 536870912 bytes/],
  ["a batch of replies", `*100\r\n${"$-1\r\n".repeat(100)}`, undefined],
  ["an array of a billion", "*1000000000\r\n", /^answer of 1000000000 elements/],
  ["arrays nested without end", "*1\r\n".repeat(1_000), /elements is over the limit/],
  ["a line without end", `+${"x".repeat(5_000)}`, /^line of more than/],
  ["an answer that nobody asked for", "+OK\r\n+OK\r\n", /nobody asked for/],
  [
    "an error that nobody asked for",
    "+OK\r\n-ERR max number of clients reached\r\n",
    /as many clients as it may/,
  ],
  ["a web server", "HTTP/1.1 400 Bad Request\r\n", NOT_REDIS],
  ["TLS", "\x15\x03\x01", NOT_REDIS],
  ["a type of RESP3", ">3\r\n", NOT_REDIS],
  ["a line that ends in LF", "$3\n", NOT_REDIS],
  ["a line with a bare CR", "+a\rb\r\n", NOT_REDIS],
  ["a size that is no number", "$1e3\r\n", NOT_REDIS],
  ["a negative size", "$-2\r\n", NOT_REDIS],
  [
    "a subscription and a message",
    `*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n${MESSAGE}$1\r\nx\r\n`,
    undefined,
    true,
  ],
  ["a message without a body", "*2\r\n$7\r\nmessage\r\n$1\r\nc\r\n", NOT_REDIS, true],
  ["a message with an array for a body", `${MESSAGE}*0\r\n`, NOT_REDIS, true],
  ["a message with null for a body", `${MESSAGE}$-1\r\n`, NOT_REDIS, true],
  ["a message that is not an array", "$7\r\nmessage\r\n", NOT_REDIS, true],
  ["a message with a number for a channel", "*3\r\n$7\r\nmessage\r\n:1\r\n", NOT_REDIS, true],
  ["a refused subscription", "-NOPERM no channels\r\n", /^access denied: no channels$/, true],
];

for (const [name, bytes, refusal, subscribed = false] of CASES) {
  test(`BulkGuard ${refusal === undefined ? "accepts" : "refuses"} ${name}`, () => {
    const said = scan(guard({ subscribed }), text(bytes));
    if (refusal === undefined) assert.equal(said, undefined);
    else assert.match(said ?? "(accepted)", refusal);
  });
}

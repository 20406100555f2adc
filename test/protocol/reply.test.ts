import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { CbError } from "../../src/core/errors.ts";
import { hex } from "../../src/protocol/bytes.ts";
import { cryptoReady } from "../../src/protocol/crypto.ts";
import { decodeReply, encodeReply } from "../../src/protocol/reply.ts";
import { readVectors } from "../support/vectors.ts";
import { damaged, replies } from "./arbitraries.ts";
import { hear } from "./heard.ts";
import { replyJson } from "./wire-json.ts";

/** The events of a vector whose reply is used, and therefore shown in the file. */
const USED = /(^|\+)(hello|state|output|exit)$/;

before(cryptoReady);

for (const vector of readVectors("reply").filter(({ all }) => all("reply").length > 0)) {
  test(`decodeReply() reads what was said, and encodeReply() says it again: ${vector.name}`, () => {
    const events = vector.expect.split(", ");
    const used = hear(vector).filter((_, index) => USED.test(events[index] ?? ""));
    assert.equal(used.length, vector.all("reply").length);
    for (const [index, text] of vector.all("reply").entries()) {
      const heard = used[index];
      assert.ok(heard !== undefined && typeof heard !== "string");
      assert.deepEqual(replyJson(heard.reply), JSON.parse(text));
      assert.equal(hex(encodeReply(heard.reply)), hex(heard.body));
    }
  });
}

test("decodeReply() inverts encodeReply()", () => {
  fc.assert(
    fc.property(replies(), (reply) => {
      const bytes = encodeReply(reply);
      assert.deepEqual(replyJson(decodeReply(bytes)), replyJson(reply));
      assert.equal(hex(encodeReply(decodeReply(bytes))), hex(bytes));
    }),
    { numRuns: 500 },
  );
});

test("decodeReply() answers hostile bytes with message-malformed or exactly one encoding", () => {
  const hostile = fc.oneof(fc.uint8Array({ maxLength: 60 }), damaged(replies().map(encodeReply)));
  fc.assert(
    fc.property(hostile, (bytes) => {
      try {
        assert.equal(hex(encodeReply(decodeReply(bytes))), hex(bytes));
      } catch (error) {
        if (!(error instanceof CbError)) throw error;
        assert.equal(error.code, "message-malformed");
      }
    }),
    { numRuns: 3000 },
  );
});

test("encodeReply() cuts a detail that is too long for the wire at the end of a character, and marks it", () => {
  const sent = (detail: string) => {
    const hello = fc.sample(replies(), { seed: 1, numRuns: 200 }).find(({ type }) => type === "hello");
    assert.ok(hello?.type === "hello");
    const disposition = { is: "refused", reason: "manifest", detail } as const;
    const reply = decodeReply(encodeReply({ ...hello, disposition }));
    return reply.type === "hello" && reply.disposition.is === "refused" && reply.disposition.detail;
  };
  assert.equal(sent("d".repeat(256)), "d".repeat(256));
  assert.equal(sent("d".repeat(257)), `${"d".repeat(253)}…`);
  assert.equal(sent("ü".repeat(128)), "ü".repeat(128));
  assert.equal(sent("ü".repeat(129)), `${"ü".repeat(126)}…`);
  assert.equal(sent("😀".repeat(65)), `${"😀".repeat(63)}…`);
  const exit = fc.sample(replies(), { seed: 1, numRuns: 200 }).find(({ type }) => type === "exit");
  assert.ok(exit?.type === "exit");
  const again = decodeReply(encodeReply({ ...exit, detail: "d".repeat(300) }));
  assert.equal(again.type === "exit" && again.detail, `${"d".repeat(253)}…`);
});

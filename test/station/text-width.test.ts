import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fitting, widthOf, wrapped } from "../../src/station/text-width.ts";

test("widthOf() counts wide characters as two, combining ones as none", () => {
  assert.deepEqual(["", "web1", "日本", "e\u0301", "──"].map(widthOf), [0, 4, 4, 1, 2]);
});

test("wrapped() breaks at blanks, and loses none of the words", () => {
  assert.deepEqual(wrapped("web1, web2, web3", 11), ["web1, web2,", "web3"]);
  assert.deepEqual(wrapped("averylongword web2", 5), ["averylongword", "web2"]);
  assert.deepEqual(wrapped("日本 日本", 8), ["日本", "日本"]);
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 }).map((word) => word.replaceAll(" ", "x"))), (words) => {
      assert.equal(wrapped(words.join(" "), 20).join(" "), words.join(" "));
    }),
  );
});

test("fitting() never takes more columns than there are", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 30 }), (text, columns) => {
      assert.ok(widthOf(fitting(text, columns)) <= columns);
    }),
  );
});

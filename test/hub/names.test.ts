import assert from "node:assert/strict";
import { test } from "node:test";
import { type Channel, parseName } from "../../src/core/names.ts";
import { replyList, requestChannel } from "../../src/hub/names.ts";

const channel = parseName<Channel>("prod");

test("requestChannel() and replyList() are the names of PROTOCOL.md §7", () => {
  assert.equal(requestChannel(3, channel), "cb:3:{prod}:request");
  const address = Uint8Array.from({ length: 16 }, (_, index) => index);
  assert.equal(replyList(3, channel, address), "cb:3:{prod}:reply:000102030405060708090a0b0c0d0e0f");
});

test("replyList() refuses an address that is not 16 bytes long", () => {
  assert.throws(() => replyList(0, channel, new Uint8Array(15)), RangeError);
});

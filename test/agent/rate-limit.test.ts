import assert from "node:assert/strict";
import { test } from "node:test";
import { RateLimit } from "../../src/agent/rate-limit.ts";

/** A limit under a clock that the test sets. */
function scene() {
  let now = 0;
  const clock = { wall: () => assert.fail("a wall clock can be set back"), monotonic: () => now };
  const limit = new RateLimit(clock);
  return {
    at: (time: number) => {
      now = time;
    },
    allow: (kind = "clock") => limit.allow(kind),
  };
}

test("RateLimit allows ten of a kind a minute, and then ten more", () => {
  const { at, allow } = scene();
  for (const start of [0, 60_000, 1_000_000.5]) {
    for (let count = 0; count < 10; count++) {
      at(start + count * 6000);
      assert.equal(allow().isAllowed, true);
    }
    at(start + 59_999.9);
    assert.equal(allow().isAllowed, false);
  }
});

test("RateLimit tells the first of a window, and nobody else, how many were suppressed", () => {
  const { at, allow } = scene();
  for (let count = 0; count < 10; count++) assert.equal(allow().suppressed, 0);
  for (let count = 0; count < 32; count++) assert.deepEqual(allow(), { isAllowed: false, suppressed: 0 });
  at(60_000);
  assert.deepEqual(allow(), { isAllowed: true, suppressed: 32 });
  assert.deepEqual(allow(), { isAllowed: true, suppressed: 0 });
  at(120_000);
  assert.deepEqual(allow(), { isAllowed: true, suppressed: 0 });
});

test("RateLimit counts each kind by itself", () => {
  const { allow } = scene();
  for (let count = 0; count < 11; count++) allow("replayed");
  assert.equal(allow("replayed").isAllowed, false);
  assert.equal(allow("bad-box").isAllowed, true);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pauseBefore } from "../../src/hub/reconnecting-link.ts";

test("pauseBefore() doubles from 0.1 s to 15 s, less up to a half of it", () => {
  fc.assert(
    fc.property(fc.nat(5_000), (attempt) => {
      const whole = Math.min(15_000, 100 * 2 ** attempt);
      const pause = pauseBefore(attempt);
      assert.ok(pause >= whole / 2 && pause <= whole, `${pause}`);
    }),
  );
});

test("pauseBefore() differs from one agent to the next", () => {
  assert.ok(new Set(Array.from({ length: 20 }, () => pauseBefore(8))).size > 10);
});

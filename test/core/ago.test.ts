import assert from "node:assert/strict";
import { test } from "node:test";
import { ago } from "../../src/core/ago.ts";

test("ago() counts in the largest unit of which there is one, rounding down", () => {
  const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];
  const rows = [
    [0, "0 seconds ago"],
    [second, "1 second ago"],
    [minute - 1, "59 seconds ago"],
    [minute, "1 minute ago"],
    [2 * hour - 1, "1 hour ago"],
    [day - 1, "23 hours ago"],
    [2.9 * day, "2 days ago"],
    [1000 * day, "1000 days ago"],
    [-5 * day, "0 seconds ago"],
  ] as const;
  for (const [milliseconds, text] of rows) assert.equal(ago(milliseconds), text);
});

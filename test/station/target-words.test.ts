import assert from "node:assert/strict";
import { test } from "node:test";
import type { Target } from "../../src/protocol/target.ts";
import { targetWords } from "../../src/station/target-words.ts";

test("targetWords() says each part, names folded", () => {
  const words = (target: Readonly<Record<string, readonly string[]>>) => targetWords(target as Target);
  assert.equal(words({ tags: ["eu", "web"] }), "has the tags eu,web");
  assert.equal(words({ excludedTags: ["db", "eu"] }), "has none of the tags db,eu");
  assert.equal(words({ excludedTags: ["eu"] }), "is without the tag eu");
  assert.equal(words({ identities: ["db*", "web1", "web2"] }), "is called db*,web[1-2]");
  assert.equal(
    words({ tags: ["web"], excludedIdentities: ["web9"] }),
    "has the tag web and is not called web9",
  );
  const many = Array.from({ length: 50 }, (_, index) => `host${index}x${index}`);
  assert.equal(words({ identities: many }).length, "is called ".length + 80);
});

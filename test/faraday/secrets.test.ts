import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutSecrets } from "../../src/faraday/secrets.ts";

test("withoutSecrets() hides each secret wherever it stands, the longer one first", () => {
  assert.equal(withoutSecrets("key=s3cret-long, s3cret", ["s3cret", "s3cret-long"]), "key=***, ***");
});

test("withoutSecrets() takes a secret for text, not for a pattern", () => {
  assert.equal(withoutSecrets("a.c+ abcc", ["a.c+"]), "*** abcc");
});

test("withoutSecrets() leaves text alone in which a very short secret would be found everywhere", () => {
  assert.equal(withoutSecrets("a cat", ["", "a", "cat"]), "a cat");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean, suggestion } from "../../src/core/suggestion.ts";

const WORDS = ["agent", "station", "keygen", "help"];

test("suggestion() finds the word behind a slip", () => {
  assert.equal(suggestion("agnet", WORDS), "agent");
  assert.equal(suggestion("sttion", WORDS), "station");
  assert.equal(suggestion("rnu", ["run", "ping"]), "run");
  assert.equal(suggestion("--fail-mising", ["--fail-missing", "--force-colors"]), "--fail-missing");
});

test("suggestion() does not guess", () => {
  assert.equal(suggestion("restart", WORDS), undefined);
  assert.equal(suggestion("ab", ["run"]), undefined);
  assert.equal(suggestion("", WORDS), undefined);
  assert.equal(suggestion("agent", []), undefined);
});

test("didYouMean() is the end of a message, or empty", () => {
  assert.equal(didYouMean("agnet", WORDS), ', did you mean "agent"?');
  assert.equal(didYouMean("restart", WORDS), "");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean, nearestName, suggestion, withoutPadding } from "../../src/core/suggestion.ts";

const WORDS = ["agent", "station", "keygen", "help"];

test("suggestion() finds the word behind a slip", () => {
  assert.equal(suggestion("agnet", WORDS), "agent");
  assert.equal(suggestion("sttion", WORDS), "station");
  assert.equal(suggestion("rnu", ["run", "ping"]), "run");
  assert.equal(suggestion("--fail-mising", ["--fail-missing", "--force-colors"]), "--fail-missing");
});

test("suggestion() takes the word of the same letters of two that are as near", () => {
  for (const words of [
    ["db", "web"],
    ["web", "db"],
  ])
    assert.equal(suggestion("wbe", words), "web");
});

test("nearestName() finds a misspelt name, and takes no other number for one", () => {
  const fleet = ["web1", "web2", "web40", "db01"];
  assert.equal(nearestName("wbe1", fleet), "web1");
  assert.equal(nearestName("web01", fleet), "web1");
  assert.equal(nearestName("db1", fleet), "db01");
  assert.equal(nearestName("web41", fleet), undefined);
  assert.equal(nearestName("db02", fleet), undefined);
  assert.equal(nearestName("cache1", fleet), undefined);
  assert.equal(nearestName("web100", ["web10"]), undefined);
});

test("withoutPadding() takes off the zeros in front of numbers, and no others", () => {
  const names = ["web01", "rack007-node0", "web100", "a00b10", "0x0", "web"];
  assert.deepEqual(names.map(withoutPadding), ["web1", "rack7-node0", "web100", "a0b10", "0x0", "web"]);
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

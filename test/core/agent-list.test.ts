import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { joinAgentLists, parseAgentList } from "../../src/core/agent-list.ts";
import { parseTagTerms } from "../../src/core/names.ts";

function read(text: string) {
  const { patterns, named } = parseAgentList(text);
  return [[...patterns], [...named]];
}

test("parseAgentList() expands folds, keeps patterns, and tells who was named as he is", () => {
  assert.deepEqual(read("web7"), [["web7"], ["web7"]]);
  assert.deepEqual(read("web[1-3],db*,web2"), [["web1", "web2", "web3", "db*"], ["web2"]]);
  assert.deepEqual(read("web[1,3]"), [["web1", "web3"], []]);
  assert.deepEqual(read("db[08-10]?,a.b_c-d"), [["db08?", "db09?", "db10?", "a.b_c-d"], ["a.b_c-d"]]);
});

test("parseAgentList() keeps what was written as folds, patterns aside", () => {
  const { folds } = joinAgentLists([parseAgentList("web[1-2],db*,a"), parseAgentList("x[1-2]*,r[1]-n[1-2]")]);
  assert.deepEqual(
    [...folds],
    [
      ["web[1-2]", ["web1", "web2"]],
      ["r[1]-n[1-2]", ["r1-n1", "r1-n2"]],
    ],
  );
});

test("parseAgentList() takes nothing for everybody, and names what it cannot read", () => {
  for (const text of ["", ",", "web1,", "we b", "web[1-", "web[3-1]", "-x", "a".repeat(65), "ä"]) {
    assert.throws(() => parseAgentList(text), SyntaxError, text);
  }
  assert.throws(() => parseAgentList("web1,w/b"), /pattern "w\/b": expected 1 to 64/);
  assert.throws(() => parseAgentList("web[1-999999]"), /expected 100000 names at most/);
  assert.throws(() => parseAgentList("db1,web01:web05"), {
    message: '"web01:web05": expected a range in brackets, as in web[01-05]',
  });
  assert.throws(() => parseAgentList("web{1..5}"), {
    message: /expected a range in brackets, as in web\[1-5\]$/,
  });
});

test("parseAgentList() never names who is not among its patterns", () => {
  const parts = fc.constantFrom("web1", "web[1-4]", "w*", "db?", "db[1-2],db1");
  fc.assert(
    fc.property(fc.array(parts, { minLength: 1 }), (list) => {
      const { patterns, named } = parseAgentList(list.join(","));
      for (const name of named) assert.ok(patterns.has(name as never));
    }),
  );
});

test("joinAgentLists() has all of each", () => {
  const { patterns, named } = joinAgentLists([parseAgentList("a,b*"), parseAgentList("c,a")]);
  assert.deepEqual([...patterns, ...named], ["a", "b*", "c", "a", "c"]);
  assert.equal(joinAgentLists([]).patterns.size, 0);
});

test("parseTagTerms() reads tags and excluded ones, also as bash leaves them", () => {
  assert.deepEqual(parseTagTerms("web,!eu,db,!db2"), ["db", "web", "!db2", "!eu"]);
  assert.deepEqual(parseTagTerms("\\!eu,web,!eu"), ["web", "!eu"]);
  for (const text of ["!", "web,!", "!!eu", "\\eu", "web,,!eu", "! eu", "eu!"]) {
    assert.throws(() => parseTagTerms(text), SyntaxError, text);
  }
  assert.throws(() => parseTagTerms("web,eu,!web"), /tag "web" is both wanted and excluded/);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareNames, foldMeant, foldNames, unfoldNames } from "../../src/core/name-set.ts";

const CASES: readonly (readonly [names: string, folded: string])[] = [
  ["web1 web2 web3 web7", "web[1-3,7]"],
  ["db01 db02 db10 db11 db12", "db[01-02,10-12]"],
  ["db08 db09 db10 db100", "db[08-10,100]"],
  ["db99 db100 db101", "db[99-101]"],
  ["web1 web01", "web1 web01"],
  ["mail", "mail"],
  ["web7", "web7"],
  ["b a", "a b"],
  ["rack1-node1 rack1-node2 rack2-node1", "rack1-node[1-2] rack2-node1"],
  ["web1.example.org web2.example.org", "web[1-2].example.org"],
  ["web10 web9 web9", "web[9-10]"],
  ["build20261122103000 build20261122103001", "build20261122103000 build20261122103001"],
  ["1 2 3", "[1-3]"],
];

for (const [names, folded] of CASES) {
  test(`foldNames of ${names} is ${folded}`, () => {
    assert.equal(foldNames(names.split(" ")).join(" "), folded);
  });
}

test("unfoldNames takes several names, brackets and ranges", () => {
  assert.deepEqual(unfoldNames("web[1-3,7],db01"), ["web1", "web2", "web3", "web7", "db01"]);
  assert.deepEqual(unfoldNames("r[1-2]n[1-2].x"), ["r1n1.x", "r1n2.x", "r2n1.x", "r2n2.x"]);
  assert.deepEqual(unfoldNames("db[08-11]"), ["db08", "db09", "db10", "db11"]);
  assert.deepEqual(unfoldNames("a,a"), ["a"]);
});

for (const text of [
  "web[1-3",
  "web1]",
  "web[[1]]",
  "web[3-1]",
  "web[a]",
  "web[]",
  "web[1-100001]",
  "a[1-999]b[1-999]",
]) {
  test(`unfoldNames refuses ${text}`, () => assert.throws(() => unfoldNames(text), SyntaxError));
}

const name = fc.oneof(
  fc.stringMatching(/^(web|db|r)[0-9]{0,3}(-n[0-9]{1,2})?(\.x)?$/),
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/),
);

test("unfoldNames gives back what foldNames was given, whatever the names", () => {
  fc.assert(
    fc.property(fc.array(name, { maxLength: 40 }), (names) => {
      const unfolded = foldNames(names).flatMap(unfoldNames);
      assert.deepEqual([...unfolded].sort(), [...new Set(names)].sort());
    }),
    { numRuns: 2000 },
  );
});

test("compareNames is an order: it counts, and only a name equals itself", () => {
  assert.deepEqual(["web10", "web01", "web2", "web1", "db"].sort(compareNames), [
    "db",
    "web1",
    "web01",
    "web2",
    "web10",
  ]);
  fc.assert(
    fc.property(name, name, name, (a, b, c) => {
      assert.equal(Math.sign(compareNames(a, b)), -Math.sign(compareNames(b, a)) + 0);
      assert.equal(compareNames(a, b) === 0, a === b);
      if (compareNames(a, b) < 0 && compareNames(b, c) < 0) assert.ok(compareNames(a, c) < 0);
    }),
  );
});

test("unfoldNames takes long lists, and refuses more brackets than a name has characters", () => {
  const names = Array.from({ length: 60_000 }, (_, at) => `web${at}`);
  assert.equal(unfoldNames(names.join(",")).length, 60_000);
  assert.throws(
    () => unfoldNames(`a${"[1]".repeat(40_000)}`),
    /^SyntaxError: .*expected 64 pairs of brackets/,
  );
  assert.equal(unfoldNames(`a${"[1]".repeat(63)}`)[0]?.length, 64);
});

test("foldMeant() knows the ranges that others write, and whether they could be names", () => {
  const rows: Readonly<Record<string, readonly [fold: string, isSure: boolean] | undefined>> = {
    "web01-web05": ["web[01-05]", true],
    "web01..web05": ["web[01-05]", true],
    "web01:web05": ["web[01-05]", true],
    "web01..05": ["web[01-05]", true],
    "web01:05": ["web[01-05]", true],
    "web{01..05}": ["web[01-05]", true],
    "web{1..5}.example.org": ["web[1-5].example.org", true],
    "web1.example.org-web5.example.org": ["web[1-5].example.org", true],
    "10.0.0.1-10.0.0.5": ["10.0.0.[1-5]", true],
    "rack2-node1-rack2-node9": ["rack2-node[1-9]", true],
    // A name like others: only a hint where nobody has it.
    "web01-05": ["web[01-05]", false],
    "rack1-2": ["rack[1-2]", false],
    "1-3": ["[1-3]", false],
    "web05-web01": undefined,
    "web1-web1": undefined,
    "web1-db5": undefined,
    "web1-": undefined,
    "build-2024-11": undefined,
    web1: undefined,
    "": undefined,
  };
  for (const [text, expected] of Object.entries(rows)) {
    const meant = foldMeant(text);
    assert.deepEqual(meant && [meant.fold, meant.isSure], expected, text);
  }
});

test("foldMeant() takes any text, quickly, and what it gives stands for the ends of the range", () => {
  const part = fc.constantFrom("web", "1", "05", "12", "-", "..", ":", "{", "}", ".", "x");
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const meant = foldMeant(parts.join(""));
      if (meant !== undefined) assert.ok(unfoldNames(meant.fold).length >= 2, meant.fold);
    }),
    { numRuns: 5000 },
  );
  for (const text of ["1".repeat(130), "1-".repeat(65), "a1".repeat(65), "-".repeat(5000)]) foldMeant(text);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ANY_NAME, matchesName, type NamePattern, parseNamePatterns } from "../../src/core/name-pattern.ts";

const cases: readonly (readonly [pattern: string, name: string, matches: boolean])[] = [
  ["reload", "reload", true],
  ["reload", "reload2", false],
  ["reload", "xreload", false],
  ["reload", "Reload", false],
  ["restart-*", "restart-nginx", true],
  ["restart-*", "restart-", true],
  ["restart-*", "restart", false],
  ["*.sh", "a.sh", true],
  ["*.sh", "a.sh.bak", false],
  ["web?", "web1", true],
  ["web?", "web", false],
  ["web?", "web12", false],
  ["a*b*c", "aXbXbXc", true],
  ["a*b*c", "acb", false],
  ["*?", "a", true],
  ["?*?", "a", false],
  ["**", "a", true],
  ["a.c", "abc", false],
];

for (const [pattern, name, matches] of cases) {
  test(`matchesName() says that ${pattern} ${matches ? "covers" : "does not cover"} ${name}`, () => {
    assert.equal(matchesName(pattern as NamePattern, name), matches);
  });
}

test("ANY_NAME covers every name", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/), (name) =>
      matchesName(ANY_NAME, name),
    ),
  );
});

test("matchesName() agrees with a regular expression", () => {
  const pattern = fc.array(fc.constantFrom("a", "b", ".", "*", "?"), { minLength: 1, maxLength: 8 });
  const name = fc.array(fc.constantFrom("a", "b", ".", "c"), { maxLength: 8 });
  fc.assert(
    fc.property(pattern, name, (characters, letters) => {
      const expression = characters
        .join("")
        .replaceAll(".", "\\.")
        .replaceAll("*", ".*")
        .replaceAll("?", ".");
      const text = letters.join("");
      assert.equal(
        matchesName(characters.join("") as NamePattern, text),
        new RegExp(`^${expression}$`).test(text),
      );
    }),
    { numRuns: 2_000 },
  );
});

test("matchesName() needs no more than length times length steps", () => {
  // A backtracking matcher would not come back from this.
  assert.equal(matchesName("*a".repeat(31) as NamePattern, `${"a".repeat(63)}b`), false);
});

test("parseNamePatterns() sorts, and folds repeats", () => {
  assert.deepEqual(parseNamePatterns("restart-*,reload,restart-*"), ["reload", "restart-*"]);
});

for (const text of [
  "",
  ",",
  "a,",
  ",a",
  "a,,b",
  "a b",
  "a/b",
  ".a",
  "-a",
  "a,\u001b",
  "a".repeat(65),
  "[a]",
]) {
  test(`parseNamePatterns() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseNamePatterns(text), SyntaxError);
  });
}

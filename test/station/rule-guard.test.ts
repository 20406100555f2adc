import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concatAll, utf8 } from "../../src/protocol/bytes.ts";
import { RuleGuard, startsAsRule } from "../../src/station/rule-guard.ts";

/** What becomes of these bytes, given so many at a time; each time from the same memory. */
function guarded(bytes: Uint8Array, sizes: readonly number[]): Uint8Array {
  const guard = new RuleGuard();
  const memory = new Uint8Array(bytes.length);
  const shown: Uint8Array[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    const data = bytes.subarray(at, at + size);
    at += data.length;
    memory.set(data);
    shown.push(guard.push(memory.subarray(0, data.length)).slice());
  }
  return concatAll([...shown, guard.end()]);
}

test("RuleGuard puts something before each line that begins as a rule, in whatever pieces it comes", () => {
  const word = fc.constantFrom("── ", "──", "─", " ", "\n", "a", "│ ");
  const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(""));
  fc.assert(
    fc.property(text, fc.array(fc.nat({ max: 9 }), { maxLength: 12 }), (all, sizes) => {
      const shown = new TextDecoder().decode(guarded(utf8(all), sizes));
      assert.equal(shown, all.replace(/^── /gm, "│ ── "));
    }),
    { numRuns: 2000 },
  );
});

test("RuleGuard leaves every other byte as it is", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(fc.nat({ max: 9 })), (bytes, sizes) => {
      assert.deepEqual([...guarded(bytes, sizes)], [...bytes]);
    }),
  );
});

test("RuleGuard.push gives back the very bytes where nothing is to be changed", () => {
  const bytes = utf8("a line\nand ── one more\n");
  assert.equal(new RuleGuard().push(bytes), bytes);
});

test("startsAsRule looks at the beginning alone", () => {
  assert.deepEqual(
    ["── x", "── ", "──x", "──", "", " ── x"].map((line) => startsAsRule(utf8(line))),
    [true, true, false, false, false, false],
  );
});

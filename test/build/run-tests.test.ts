/** The runner of tests, on tests of which few are as they should be. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runTests } from "../../build/run-tests.ts";

const HEAD = 'import { test } from "node:test";\n';

/** Runs files of the given bodies as one share, `bad`. */
async function outcomeOf(bodies: Readonly<Record<string, string>>, signal = new AbortController().signal) {
  const root = mkdtempSync(join(tmpdir(), "cb-tests-"));
  try {
    for (const [name, body] of Object.entries(bodies)) writeFileSync(join(root, name), HEAD + body);
    return await runTests({ name: "bad", files: Object.keys(bodies) }, root, signal);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test("runTests() counts what holds, and names what failed, was skipped or did not run", async () => {
  const { passed, failures, output } = await outcomeOf({
    "a.test.ts": 'test("holds", () => {});\ntest("fails", () => { throw new Error("struck"); });\n',
    "b.test.ts": 'test.skip("skipped", () => {});\ntest.todo("to do");\ntest("holds, too", () => {});\n',
    "c.test.ts": "",
  });
  assert.equal(passed, 2);
  assert.deepEqual(failures, [
    "a.test.ts: fails",
    "b.test.ts: skipped (skipped)",
    "b.test.ts: to do (skipped)",
    "c.test.ts: no test ran",
  ]);
  assert.match(output, /error: struck/);
});

test("runTests() takes a runner for failed that crashes or leaves", async () => {
  const held = 'test("holds", () => {});\n';
  for (const [end, status] of [
    ["process.exit(0)", 0],
    ['process.kill(process.pid, "SIGSEGV")', 139],
  ]) {
    const { passed, failures } = await outcomeOf({
      "a.test.ts": `${held}test("ends", () => { ${end}; });\n`,
    });
    assert.equal(passed, 0);
    assert.deepEqual(failures, [`bad: the runner ended with status ${status} and without a report`]);
  }
});

test("runTests() names what is left behind, in a home and a temporary directory that are nobody else's", async () => {
  const { passed, failures } = await outcomeOf({
    "a.test.ts": `
      import assert from "node:assert/strict";
      import { mkdirSync, readdirSync } from "node:fs";
      import { homedir, tmpdir } from "node:os";
      test("finds both empty", () => {
        assert.deepEqual([readdirSync(homedir()), readdirSync(tmpdir())], [[], []]);
        mkdirSync(\`\${tmpdir()}/litter\`);
      });`,
  });
  assert.deepEqual([passed, failures], [1, ["bad: left behind in $TMPDIR: litter"]]);
});

test("runTests() that is interrupted ends its tests and throws why", async () => {
  const interruption = new AbortController();
  const started = outcomeOf(
    { "a.test.ts": 'test("hangs", () => new Promise(() => {}));\n' },
    interruption.signal,
  );
  setTimeout(() => interruption.abort(new Error("interrupted")), 300);
  await assert.rejects(started, /interrupted/);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { readReport } from "../../build/junit.ts";

// As Bun 1.4.5 writes it.
const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4" failures="2" skipped="1">
  <testsuite name="test/a.test.ts" file="test/a.test.ts" tests="4">
    <testcase name="holds" classname="" time="0.000053" file="test/a.test.ts" line="3" assertions="0" />
    <testcase name="f() &lt;&amp;&gt; &quot;q&quot;" classname="" time="0.1" file="test/a.test.ts" line="4">
      <failure type="AssertionError" message="1 !== 2&#10;">AssertionError: 1 !== 2&#10;      at a</failure>
    </testcase>
    <testcase name="skipped one" classname="" time="0" file="test/a.test.ts" line="5">
      <skipped message="TODO" />
    </testcase>
    <testsuite name="group" file="test/a.test.ts" line="10" tests="1">
      <testcase name="in it" classname="group" time="1" file="test/a.test.ts" line="10">
        <failure type="TimeoutError" message="test timed out" />
      </testcase>
    </testsuite>
  </testsuite>
</testsuites>
`;

test("readReport() tells passed, failed and skipped tests apart", () => {
  const file = "test/a.test.ts";
  assert.deepEqual(readReport(REPORT), [
    { file, name: "holds", outcome: "passed" },
    { file, name: 'f() <&> "q"', outcome: "failed" },
    { file, name: "skipped one", outcome: "skipped" },
    { file, name: "group > in it", outcome: "failed" },
  ]);
});

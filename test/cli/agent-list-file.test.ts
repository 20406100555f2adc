import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAgentLines } from "../../src/cli/agent-list-file.ts";

test("parseAgentLines() takes names with blanks or commas between them, and passes over comments", () => {
  const { patterns, named } = parseAgentLines("# the shop\nweb[1-2] # two\r\n\ndb1 db2, cache*\n", "hosts");
  assert.deepEqual([...patterns], ["web1", "web2", "db1", "db2", "cache*"]);
  assert.deepEqual([...named], ["db1", "db2"]);
});

test("parseAgentLines() names the line that cannot be read, and the one with which there are too many", () => {
  const refused = (text: string, message: string) =>
    assert.throws(() => parseAgentLines(text, "hosts"), { code: "usage", message });
  refused(
    "web1\n\nweb[1\n",
    'Cannot use line 3 of hosts: "web[1": expected brackets in pairs, as in web[1-3,7]',
  );
  refused("a[1-99999]\nb[1-99999]\nweb[1\n", "Cannot use line 2 of hosts: expected 100000 agents at most");
  refused("# nobody\n", "Cannot use hosts: it names no agent, which does not mean all of them");
});

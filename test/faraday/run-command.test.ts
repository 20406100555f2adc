import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pluginEnvironment, readRunCommand } from "../../src/faraday/run-command.ts";

const RUN = {
  execution_ids: [41, 42],
  agent_id: 7,
  workspaces: ["w1", "w2"],
  action: "RUN",
  executor: "nmap1",
  args: { TARGET: ["10.0.0.1"], OPTION_PN: true },
  plugin_args: { ignore_info: false, resolve_hostname: true, vuln_tag: ["t1"], service_tag: null },
};

test("readRunCommand() reads what the server sends [F36] [F37]", () => {
  assert.deepEqual(readRunCommand(RUN), {
    executionIds: [41, 42],
    workspaces: ["w1", "w2"],
    executor: "nmap1",
    args: new Map<string, unknown>([
      ["TARGET", ["10.0.0.1"]],
      ["OPTION_PN", true],
    ]),
    pluginArgs: new Map<string, unknown>(Object.entries(RUN.plugin_args)),
  });
});

test("readRunCommand() needs neither args nor plugin_args: older servers send no plugin_args", () => {
  const { args, plugin_args, ...bare } = RUN;
  const command = readRunCommand(bare);
  assert.ok(!("problem" in command));
  assert.deepEqual([command.args, command.pluginArgs], [new Map(), new Map()]);
});

const CROOKED: readonly (readonly [string, unknown, string, readonly number[]])[] = [
  ["no object", [], "Cannot read the run: expected an object", []],
  ["null", null, "Cannot read the run: expected an object", []],
  ["a text", "run", "Cannot read the run: expected an object", []],
  [
    "no workspaces and no ids (5.25.2 sends it)",
    { ...RUN, workspaces: [], execution_ids: [] },
    "Cannot start a run: it names no workspace",
    [],
  ],
  ["no workspaces", { ...RUN, workspaces: [] }, "Cannot start a run: it names no workspace", [41, 42]],
  [
    "fewer ids than workspaces",
    { ...RUN, execution_ids: [41] },
    "Cannot start a run: it has 1 execution ids for 2 workspaces",
    [41],
  ],
  [
    "ids that are no integers",
    { ...RUN, execution_ids: [41, "42"] },
    "Cannot use execution_ids: expected a list of integers",
    [41],
  ],
  [
    "ids that are no list",
    { ...RUN, execution_ids: 41 },
    "Cannot use execution_ids: expected a list of integers",
    [],
  ],
  [
    "workspaces that are no texts",
    { ...RUN, workspaces: ["w1", 2] },
    "Cannot use workspaces: expected a list of names",
    [41, 42],
  ],
  [
    "a workspace that would be another path",
    { ...RUN, workspaces: ["w1", "../../x"] },
    'Cannot use workspace "../../x": no workspace can have this name',
    [41, 42],
  ],
  [
    "a workspace of two dots",
    { ...RUN, workspaces: ["w1", ".."] },
    'Cannot use workspace "..": no workspace can have this name',
    [41, 42],
  ],
  ["no executor", { ...RUN, executor: undefined }, "Cannot start a run: it names no executor", [41, 42]],
  ["an empty executor", { ...RUN, executor: "" }, "Cannot start a run: it names no executor", [41, 42]],
  ["args that are a list", { ...RUN, args: [] }, "Cannot use args: expected an object", [41, 42]],
  ["args that are null", { ...RUN, args: null }, "Cannot use args: expected an object", [41, 42]],
  [
    "plugin_args that are a text",
    { ...RUN, plugin_args: "x" },
    "Cannot use plugin_args: expected an object",
    [41, 42],
  ],
];

for (const [what, payload, problem, executionIds] of CROOKED) {
  test(`readRunCommand() refuses ${what}, under the ids that it could read`, () => {
    assert.deepEqual(readRunCommand(payload), { problem, executionIds });
  });
}

test("readRunCommand() answers anything with a command or a problem", () => {
  const field = fc
    .oneof(fc.jsonValue(), fc.constantFrom([1], ["w"], {}, "x", undefined))
    .filter((v) => v !== undefined);
  const payload = fc.oneof(
    fc.jsonValue(),
    fc.record(
      { execution_ids: field, workspaces: field, executor: field, args: field, plugin_args: field },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(payload, (value) => {
      const read = readRunCommand(value);
      if ("problem" in read) return;
      assert.equal(read.executionIds.length, read.workspaces.length);
      assert.ok(read.executionIds.length > 0);
      pluginEnvironment(read.pluginArgs);
    }),
    { numRuns: 2000 },
  );
});

test("pluginEnvironment() gives lists, texts and booleans as the original does, and those that are off too [F12]", () => {
  const given = {
    ignore_info: false,
    resolve_hostname: true,
    vuln_tag: ["a", "b"],
    service_tag: [],
    hostname_tag: null,
    min_severity: "LOW",
    max_severity: null,
    Other: 5,
  };
  assert.deepEqual(pluginEnvironment(new Map(Object.entries(given))), {
    AGENT_CONFIG_IGNORE_INFO: "False",
    AGENT_CONFIG_RESOLVE_HOSTNAME: "True",
    AGENT_CONFIG_VULN_TAG: "a,b",
    AGENT_CONFIG_SERVICE_TAG: "",
    AGENT_CONFIG_MIN_SEVERITY: "LOW",
    AGENT_CONFIG_OTHER: "5",
  });
});

test("pluginEnvironment() makes text of items that are none, where the original ends its run", () => {
  const given = new Map([["vuln_tag", [1, true, null, 1.5, { a: 1 }]]]);
  assert.deepEqual(pluginEnvironment(given), { AGENT_CONFIG_VULN_TAG: '1,True,None,1.5,{"a":1}' });
});

test("pluginEnvironment() gives nothing that a kernel or a shell cannot take", () => {
  const given = new Map<string, unknown>([
    ["a=b", "x"],
    ["a\0", "x"],
    ["", "x"],
    ["ä", "x"],
    ["tag", "a\0b"],
  ]);
  assert.deepEqual(pluginEnvironment(given), { AGENT_CONFIG_: "x", AGENT_CONFIG_TAG: "ab" });
});

test("readRunCommand() refuses a run for more workspaces than a status can name, under the first of its ids", () => {
  const many = (count: number) => ({
    execution_ids: Array.from({ length: count }, (_, index) => index),
    workspaces: Array.from({ length: count }, (_, index) => `w${index}`),
    executor: "nmap",
    args: {},
  });
  assert.equal("problem" in readRunCommand(many(1000)), false);
  const refused = readRunCommand(many(1001));
  assert.ok("problem" in refused);
  assert.match(refused.problem, /it is for 1001 workspaces, at most 1000 are taken$/);
  assert.equal(refused.executionIds.length, 1000);
});

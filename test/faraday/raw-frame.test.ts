import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { joinText, leaveText, readRun, statusText } from "../../src/faraday/raw-frame.ts";
import { readRunCommand } from "../../src/faraday/run-command.ts";

const STATUS = { executionIds: [4, 5], executor: "scan", running: false, successful: true, message: "done" };

test("readRun() takes the run of Faraday 4 as it is", () => {
  const run = {
    execution_ids: [1, 2],
    agent_id: 2,
    workspaces: ["w1", "w2"],
    action: "RUN",
    executor: "scan",
    args: { TARGET: "h" },
    plugin_args: { ignore_info: false, host_tag: null },
  };
  assert.deepEqual(readRun(JSON.stringify(run)), run);
});

test("readRun() brings the run of Faraday 3 into the form of 4, in which it is a run", () => {
  const text =
    '{"execution_id": 7, "agent_id": 1, "workspace": "w", "action": "RUN", "executor": "scan", "args": {"A": 1}}';
  const run = readRun(text);
  assert.deepEqual(run, {
    execution_ids: [7],
    workspaces: ["w"],
    agent_id: 1,
    action: "RUN",
    executor: "scan",
    args: { A: 1 },
  });
  assert.deepEqual(readRunCommand(run), {
    executionIds: [7],
    workspaces: ["w"],
    executor: "scan",
    args: new Map([["A", 1]]),
    pluginArgs: new Map(),
  });
});

test("readRun() lets lists win over what is said in the singular", () => {
  const run = {
    action: "RUN",
    execution_id: 1,
    execution_ids: [2, 3],
    workspace: "a",
    workspaces: ["b", "c"],
  };
  assert.deepEqual(readRun(JSON.stringify(run)), {
    action: "RUN",
    execution_ids: [2, 3],
    workspaces: ["b", "c"],
  });
});

for (const text of [
  "",
  "{",
  "null",
  "[]",
  '"RUN"',
  "{}",
  '{"action":"run"}',
  '{"action":["RUN"]}',
  "\ufeff{}",
]) {
  test(`readRun() sees no run in ${JSON.stringify(text)}`, () => {
    assert.equal(readRun(text), undefined);
  });
}

test("readRun() throws for no text, and what it gives can be judged", () => {
  const anyText = fc.oneof(
    fc.string(),
    fc.json(),
    anyRun().map((run) => JSON.stringify(run)),
  );
  fc.assert(
    fc.property(anyText, (text) => {
      const run = readRun(text);
      if (run !== undefined) readRunCommand(run);
    }),
  );
});

test("readRun() gives one id for one workspace, whatever stands in the singular", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (id, workspace) => {
      const run = readRun(JSON.stringify({ action: "RUN", execution_id: id, workspace }));
      assert.deepEqual(
        run,
        JSON.parse(JSON.stringify({ action: "RUN", execution_ids: [id], workspaces: [workspace] })),
      );
    }),
  );
});

function anyRun() {
  const fields = { execution_id: fc.jsonValue(), workspace: fc.jsonValue(), args: fc.jsonValue() };
  return fc.record({ action: fc.constant("RUN"), ...fields }, { requiredKeys: ["action"] });
}

test("statusText() has what Faraday 3 and what Faraday 4 reads, and never lacks a field that either wants", () => {
  assert.deepEqual(JSON.parse(statusText(STATUS)), {
    action: "RUN_STATUS",
    execution_id: 4,
    execution_ids: [4, 5],
    executor_name: "scan",
    running: false,
    successful: true,
    message: "done",
  });
});

test("statusText() has nothing that a database refuses, and no megabytes", () => {
  const text = statusText({ ...STATUS, executor: "a\0b", message: `\0\ud800${"x".repeat(1_000_000)}` });
  const { executor_name, message } = JSON.parse(text);
  assert.equal(executor_name, "ab");
  assert.match(message, /^\ufffdx{3000,4000}$/);
});

test("joinText() says of an executor what old servers know, its name and its parameters", () => {
  const args = { TARGET: { mandatory: true, type: "string", base: "string" } };
  const text = joinText("t", [{ executor_name: "scan", category: ["c"], tool: "nmap", args }]);
  assert.deepEqual(JSON.parse(text), {
    action: "JOIN_AGENT",
    token: "t",
    executors: [{ executor_name: "scan", args }],
  });
});

test("leaveText() has the token of the join", () => {
  assert.deepEqual(JSON.parse(leaveText("t", "bye")), { action: "LEAVE_AGENT", token: "t", reason: "bye" });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifest } from "../../src/exec/manifest.ts";
import { paramsText } from "../../src/faraday/run-params.ts";

const { parameters } = parseManifest(
  Buffer.from(
    '[parameters.TARGET]\ntype = "list"\n[parameters.FLAG]\ntype = "boolean"\n[parameters.KEY]\ntype = "password"\n',
  ),
  "a.toml",
);

test("paramsText() shows parameters as the executor gets them, and of secrets the name alone", () => {
  const values = new Map<string, string | boolean | readonly string[]>([
    ["TARGET", ["192.0.2.1", "b"]],
    ["FLAG", true],
    ["KEY", "hunter2"],
  ]);
  assert.equal(paramsText(values, parameters), 'TARGET=["192.0.2.1", "b"], FLAG=True, KEY=***');
});

test("paramsText() shows nothing of a parameter that no manifest declares", () => {
  assert.equal(paramsText(new Map([["X", "secret"]]), new Map()), "X=***");
});

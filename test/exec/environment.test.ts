import assert from "node:assert/strict";
import { test } from "node:test";
import { type Identity, parseName } from "../../src/core/names.ts";
import { COMMAND_ENVIRONMENT, commandEnvironment } from "../../src/exec/environment.ts";

const facts = {
  identity: parseName<Identity>("web1"),
  channel: parseName<never>("prod"),
  tags: [parseName<never>("eu"), parseName<never>("web")],
  command: parseName<never>("reload"),
  session: "00ff",
  station: "ops",
} as const;

test("commandEnvironment() holds the fixed variables and the facts, and nothing else", () => {
  assert.deepEqual(commandEnvironment(facts), {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LANG: "C.UTF-8",
    CB_IDENTITY: "web1",
    CB_CHANNEL: "prod",
    CB_TAGS: "eu,web",
    CB_COMMAND: "reload",
    CB_SESSION: "00ff",
    CB_STATION: "ops",
  });
});

test("commandEnvironment() sets CB_TAGS for an agent without tags", () => {
  assert.equal(commandEnvironment({ ...facts, tags: [] })["CB_TAGS"], "");
});

test("COMMAND_ENVIRONMENT documents every variable once", () => {
  const names = COMMAND_ENVIRONMENT.map(({ name }) => name);
  assert.deepEqual(names, Object.keys(commandEnvironment(facts)));
  assert.equal(new Set(names).size, names.length);
  for (const { meaning } of COMMAND_ENVIRONMENT) assert.notEqual(meaning, "");
});

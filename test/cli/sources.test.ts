import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { defineCommand } from "../../src/cli/command.ts";
import { configSettings, outputSettings } from "../../src/cli/settings/common.ts";
import { sourcesOf } from "../../src/cli/sources.ts";
import type { Environment } from "../../src/core/settings.ts";

const command = defineCommand({
  words: ["station"],
  summary: "",
  settings: { ...configSettings, ...outputSettings },
  configFile: "station.toml",
  run: async () => 0,
});

let home: string;
let environment: Environment;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "cb-sources-"));
  environment = { HOME: "/nonexistent", XDG_CONFIG_HOME: home };
  mkdirSync(join(home, "cb"));
});

afterEach(() => rmSync(home, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(home, name);
  writeFileSync(path, text);
  return path;
}

const config = (path: string) => new Map([["config", [path]]]);

test("sourcesOf() finds the command's own file among the configuration directories", () => {
  const path = write("cb/station.toml", "verbose = 2");
  write("cb/agent.toml", "verbose = 3");
  const { file } = sourcesOf(command, new Map(), environment);
  assert.equal(file?.path, path);
  assert.deepEqual(file?.texts.get("verbose"), ["2"]);
});

test("sourcesOf() reads the file of --config or CB_CONFIG instead, the option first", () => {
  write("cb/station.toml", "verbose = 2");
  const [one, other] = [write("one.toml", "verbose = 4"), write("other.toml", "verbose = 5")];
  assert.equal(sourcesOf(command, config(one), { ...environment, CB_CONFIG: other }).file?.path, one);
  assert.equal(sourcesOf(command, new Map(), { ...environment, CB_CONFIG: other }).file?.path, other);
});

test("sourcesOf() insists on the file of --config", () => {
  write("cb/station.toml", "verbose = 2");
  assert.throws(() => sourcesOf(command, config(join(home, "none")), environment), { code: "file" });
  assert.throws(() => sourcesOf(command, config(""), environment), {
    message: 'Cannot use --config "": expected a path',
  });
});

test("sourcesOf() reads no file for a command that has none", () => {
  write("cb/station.toml", "unknown = 2");
  const { configFile: _, ...without } = command;
  assert.equal(sourcesOf(without, new Map(), environment).file, undefined);
});

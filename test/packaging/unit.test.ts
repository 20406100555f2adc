/** systemd/cb-agent.service against its README, and against the settings that its times have to fit. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { agentSettings } from "../../src/cli/settings/agent.ts";
import { parseConfig } from "../../src/core/config-file.ts";
import { resolve } from "../../src/core/settings.ts";

const ROOT = join(import.meta.dirname, "../..");
const text = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** `[name, value]` of each line of the unit. */
const directives = text("systemd/cb-agent.service")
  .split("\n")
  .flatMap((line) => {
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : ([[name, value]] as const);
  });

/** The directives, `Name=value` or `Name=`, that stand in the first column of the table below a heading. */
function tableBelow(heading: string): readonly string[] {
  const [, section = ""] = text("systemd/README.md").split(`\n## ${heading}\n`);
  const rows = (section.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("| `"));
  return rows.flatMap((row) =>
    [...(row.split(" | ")[0] ?? "").matchAll(/`(\w+=[^`]*)`/g)].map(([, it]) => it ?? ""),
  );
}

test("systemd/README.md has a reason for every line of the unit, and for no other", () => {
  const explained = tableBelow("Every line of cb-agent.service");
  const names = new Set(explained.map((directive) => directive.split("=")[0]));
  assert.deepEqual([...names].sort(), [...new Set(directives.map(([name]) => name))].sort());
});

test("systemd/README.md gives the values that the unit has", () => {
  const lines = directives.map(([name, value]) => `${name}=${value}`);
  for (const directive of tableBelow("Every line of cb-agent.service")) {
    if (!directive.endsWith("=")) assert.ok(lines.includes(directive), directive);
  }
});

test("the unit has nothing that systemd/README.md says would break commands", () => {
  const missing = tableBelow("What is not there").map((directive) => directive.replace("=", ""));
  assert.ok(missing.length > 30);
  assert.deepEqual(
    directives.filter(([name]) => missing.includes(name)),
    [],
  );
});

test("the agent of the shipped settings has ended before systemd loses patience", () => {
  const path = join(ROOT, "packaging/agent.toml");
  const file = { path, texts: parseConfig(readFileSync(path), path, agentSettings) };
  const { values } = resolve(agentSettings, { arguments: new Map(), environment: {}, file });
  const limit = directives.find(([name]) => name === "TimeoutStopSec")?.[1];
  assert.match(limit ?? "", /^\d+s$/);
  /** Milliseconds for the last replies: twice up to 5 s. */
  const replies = 10_000;
  const longest = (values["stop-wait"] ?? Infinity) + values["stop-grace"] + values["drain-grace"] + replies;
  assert.ok(longest + 10_000 <= Number.parseInt(limit ?? "", 10) * 1000, `${longest} ms of ${limit}`);
});

test("the unit takes out of the environment what makes the executable something else", () => {
  const unset = directives.flatMap(([name, value]) => (name === "UnsetEnvironment" ? value.split(" ") : []));
  for (const variable of ["BUN_OPTIONS", "BUN_BE_BUN", "NODE_OPTIONS"])
    assert.ok(unset.includes(variable), variable);
});

/** The units against systemd/README.md, and against the settings that their times have to fit. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DISK_MS, FLUSH_MS } from "../../src/cli/dispatcher-command.ts";
import { agentSettings } from "../../src/cli/settings/agent.ts";
import { dispatcherSettings } from "../../src/cli/settings/dispatcher.ts";
import { SERVICE_USER } from "../../src/cli/state-owner.ts";
import { parseConfig } from "../../src/core/config-file.ts";
import { resolve } from "../../src/core/settings.ts";

const ROOT = join(import.meta.dirname, "../..");
const text = (path: string) => readFileSync(join(ROOT, path), "utf8");

type Directive = readonly [name: string, value: string];

/** Of each line of a unit. */
function directivesOf(unit: string): readonly Directive[] {
  return text(`systemd/${unit}`)
    .split("\n")
    .flatMap((line) => {
      const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : ([[name, value]] as const);
    });
}

const agent = directivesOf("cb-agent.service");
const dispatcher = directivesOf("cb-dispatcher.service");
const UNITS = { "cb-agent.service": agent, "cb-dispatcher.service": dispatcher };

/** The directives, `Name=value` or `Name=`, that stand in the first column of the table below a heading. */
function tableBelow(heading: string): readonly string[] {
  const [, section = ""] = text("systemd/README.md").split(`\n## ${heading}\n`);
  const rows = (section.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("| `"));
  return rows.flatMap((row) =>
    [...(row.split(" | ")[0] ?? "").matchAll(/`(\w+=[^`]*)`/g)].map(([, it]) => it ?? ""),
  );
}

for (const [unit, directives] of Object.entries(UNITS)) {
  test(`systemd/README.md has a reason for every line of ${unit}, and for no other`, () => {
    const explained = tableBelow(`Every line of ${unit}`);
    const names = new Set(explained.map((directive) => directive.split("=")[0]));
    assert.deepEqual([...names].sort(), [...new Set(directives.map(([name]) => name))].sort());
  });

  test(`systemd/README.md gives the values that ${unit} has`, () => {
    const lines = directives.map(([name, value]) => `${name}=${value}`);
    for (const directive of tableBelow(`Every line of ${unit}`)) {
      if (!directive.endsWith("=")) assert.ok(lines.includes(directive), directive);
    }
  });

  test(`${unit} has nothing that systemd/README.md says would break what it runs`, () => {
    const missing = tableBelow(`What is not in ${unit}`).map((directive) => directive.replace("=", ""));
    assert.ok(missing.length > 6);
    assert.deepEqual(
      directives.filter(([name]) => missing.includes(name)),
      [],
    );
  });

  test(`${unit} takes out of the environment what makes the executable something else`, () => {
    const unset = directives.flatMap(([name, value]) =>
      name === "UnsetEnvironment" ? value.split(" ") : [],
    );
    for (const variable of ["BUN_OPTIONS", "BUN_BE_BUN", "NODE_OPTIONS"])
      assert.ok(unset.includes(variable), variable);
  });
}

/** Milliseconds of `TimeoutStopSec=`. */
function stopLimit(directives: readonly Directive[]): number {
  const limit = directives.find(([name]) => name === "TimeoutStopSec")?.[1];
  assert.match(limit ?? "", /^\d+s$/);
  return Number.parseInt(limit ?? "", 10) * 1000;
}

test("the agent of the shipped settings has ended before systemd loses patience", () => {
  const path = join(ROOT, "packaging/agent.toml");
  const file = { path, texts: parseConfig(readFileSync(path), path, agentSettings) };
  const { values } = resolve(agentSettings, { arguments: new Map(), environment: {}, file });
  /** Milliseconds for the last replies: twice up to 5 s. */
  const replies = 10_000;
  const longest = (values["stop-wait"] ?? Infinity) + values["stop-grace"] + values["drain-grace"] + replies;
  assert.ok(longest + 10_000 <= stopLimit(agent), `${longest} ms`);
});

test("the dispatcher of the shipped settings has ended before systemd loses patience", () => {
  const path = join(ROOT, "packaging/dispatcher.toml");
  const file = { path, texts: parseConfig(readFileSync(path), path, dispatcherSettings) };
  const { values } = resolve(dispatcherSettings, { arguments: new Map(), environment: {}, file });
  const wait = values["stop-wait"] ?? Infinity;
  const longest = wait + values["stop-grace"] + values["drain-grace"] + DISK_MS + FLUSH_MS;
  assert.ok(longest + 10_000 <= stopLimit(dispatcher), `${longest} ms`);
});

test("cb-dispatcher.service runs as the user that sysusers makes, who has its state for a home", () => {
  const user = dispatcher.find(([name]) => name === "User")?.[1];
  const state = dispatcher.find(([name]) => name === "StateDirectory")?.[1];
  assert.deepEqual([user, state], [SERVICE_USER, SERVICE_USER]);
  assert.match(text("systemd/cb.sysusers"), /^u cb-dispatcher - "cb dispatcher" \/var\/lib\/cb-dispatcher$/m);
});

test("the drop-ins of the dispatcher open what they say, and nothing else", () => {
  const names = (file: string) => [...new Set(directivesOf(file).map(([name]) => name))].sort();
  assert.deepEqual(names("cb-dispatcher-raw-sockets.conf"), [
    "AmbientCapabilities",
    "CapabilityBoundingSet",
    "Environment",
    "RestrictAddressFamilies",
  ]);
  assert.deepEqual(names("cb-dispatcher-credentials.conf"), ["LoadCredential"]);
});

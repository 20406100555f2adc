/** Holds the house: the arrows and doors of src/ARCHITECTURE.md, and a few manners. Each rule is also seen to fail. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { breaches, type Rules } from "./support/architecture.ts";

const RULES: Rules = {
  rooms: {
    core: [],
    protocol: ["core"],
    hub: ["core"],
    exec: ["core"],
    agent: ["hub", "protocol", "exec", "core"],
    station: ["hub", "protocol", "core"],
    faraday: ["exec", "core"],
    setup: ["faraday", "exec", "core"],
    scanners: ["core"],
    cli: ["station", "agent", "setup", "scanners", "faraday", "exec", "hub", "protocol", "core"],
  },
  doors: {
    pino: ["core"],
    "smol-toml": ["core"],
    diff: ["station"],
    "fast-string-truncated-width": ["station"],
    "@decimalturn/toml-patch": ["core"],
    yaml: ["setup"],
    "@clack/prompts": ["setup"],
    saxes: ["scanners"],
    "libsodium-wrappers": ["protocol"],
    cborg: ["protocol"],
    "@scure/base": ["protocol"],
    ioredis: ["hub"],
    execa: ["exec"],
    undici: ["faraday"],
    "engine.io-client": ["faraday"],
    valibot: ["faraday"],
    cac: ["cli"],
    "bun:ffi": ["cli"],
    "fastest-levenshtein": ["core", "cli"],
  },
  pure: [
    "protocol",
    "agent/open.ts",
    "agent/admit.ts",
    "faraday/socket-packet.ts",
    "faraday/join-verdict.ts",
    "faraday/channel-protocol.ts",
    "faraday/raw-frame.ts",
    "faraday/reference-form.ts",
    "faraday/server-answer.ts",
    "scanners/xml-stream.ts",
    "scanners/vulnerability.ts",
    "scanners/nmap-report.ts",
    "scanners/nmap-findings.ts",
    "scanners/nmap-result.ts",
    "scanners/nmap-arguments.ts",
    "station/session.ts",
    "station/outcome.ts",
    "station/clock-refusal.ts",
    "station/fault-sentence.ts",
    "station/discovery.ts",
    "station/pins.ts",
    "station/attendance.ts",
    "station/run-times.ts",
    "station/histogram.ts",
    "station/html.ts",
    "station/report-row.ts",
    "station/report-timeline.ts",
  ],
  // A file that grows past this usually holds two things. An entry here says why it does not.
  longFiles: {},
  maxLines: 300,
};

test("src/ keeps the rules of the house", () => {
  assert.deepEqual(breaches(join(import.meta.dirname, "../src"), RULES), []);
});

const LONG = "// line\n".repeat(301);

/** A tree, and what must be said about it. */
const PLANTED: Readonly<Record<string, { files: Record<string, string>; said: readonly string[] }>> = {
  "nothing where all is in order": {
    files: {
      "core/text.ts":
        'import { pino } from "pino";\nimport { join } from "node:path";\nprocess.exitCode = 1;',
      "hub/hub.ts": 'import "../core/text.ts";',
      "cli/main.ts": 'import "../hub/hub.ts";\nawait import("../core/text.ts");',
    },
    said: [],
  },
  "an arrow that points up": {
    files: { "core/text.ts": '\nimport { x } from "../cli/x.ts";', "cli/x.ts": "" },
    said: ["core/text.ts:2: core may not import cli/x.ts"],
  },
  "an arrow between neighbours": {
    files: { "hub/hub.ts": 'import "../protocol/x.ts";', "protocol/x.ts": "" },
    said: ["hub/hub.ts:1: hub may not import protocol/x.ts"],
  },
  "an arrow in a type-only import": {
    files: { "hub/hub.ts": 'import type { X } from "../protocol/x.ts";', "protocol/x.ts": "" },
    said: ["hub/hub.ts:1: hub may not import protocol/x.ts"],
  },
  "an arrow in an inline type import": {
    files: { "hub/hub.ts": 'import { type X } from "../protocol/x.ts";', "protocol/x.ts": "" },
    said: ["hub/hub.ts:1: hub may not import protocol/x.ts"],
  },
  "an arrow in the type of a module": {
    files: { "hub/hub.ts": 'type X = import("../protocol/x.ts").X;', "protocol/x.ts": "" },
    said: ["hub/hub.ts:1: hub may not import protocol/x.ts"],
  },
  "an arrow in an import over several lines": {
    files: { "hub/hub.ts": 'import {\n  x,\n} from "../protocol/x.ts";', "protocol/x.ts": "" },
    said: ["hub/hub.ts:1: hub may not import protocol/x.ts"],
  },
  "an arrow in import()": {
    files: { "hub/hub.ts": 'await import("../protocol/x.ts");', "protocol/x.ts": "" },
    said: ["hub/hub.ts:1: hub may not import protocol/x.ts"],
  },
  "import() of a computed name": {
    files: { "hub/hub.ts": 'await import("../" + name);' },
    said: ["hub/hub.ts:1: no door is known for a computed name"],
  },
  "an arrow in export from": {
    files: { "hub/hub.ts": 'export { x } from "../protocol/x.ts";', "protocol/x.ts": "" },
    said: ["hub/hub.ts:1: hub may not import protocol/x.ts"],
  },
  "an arrow in export * from": {
    files: { "hub/hub.ts": 'export type * from "../protocol/x.ts";', "protocol/x.ts": "" },
    said: ["hub/hub.ts:1: hub may not import protocol/x.ts"],
  },
  "an arrow out of the house": {
    files: { "cli/main.ts": 'import "../../test/support/x.ts";' },
    said: ["cli/main.ts:1: cli may not import ../test/support/x.ts"],
  },
  "a file in no room": {
    files: { "main.ts": "", "attic/x.ts": "" },
    said: ["attic/x.ts: is in no room", "main.ts: is in no room"],
  },
  "a package through another room's door": {
    files: { "agent/agent.ts": 'import type { Redis } from "ioredis";' },
    said: ["agent/agent.ts:1: the door to ioredis is not in agent"],
  },
  "a package with two doors": {
    files: { "protocol/a.ts": 'import "@scure/base";', "protocol/b.ts": 'import "@scure/base/index.js";' },
    said: ["@scure/base: has 2 doors, protocol/a.ts and protocol/b.ts"],
  },
  "a package by require()": {
    files: { "cli/main.ts": 'require("ioredis");' },
    said: ["cli/main.ts:1: the door to ioredis is not in cli"],
  },
  "a package without a door": {
    files: { "cli/main.ts": 'import "lodash/merge";', "exec/sqlite.ts": 'import "bun:sqlite";' },
    said: [
      "cli/main.ts:1: no door is known for lodash/merge",
      "exec/sqlite.ts:1: no door is known for bun:sqlite",
    ],
  },
  "I/O, a clock and surroundings where all is pure": {
    files: { "protocol/a.ts": 'import "node:fs";\nDate.now();', "agent/open.ts": 'process.env["X"];' },
    said: [
      "agent/open.ts:1: is pure and may not use process.env",
      "protocol/a.ts:1: is pure and may not use node:fs",
      "protocol/a.ts:2: is pure and may not use Date.now",
    ],
  },
  "a long file without a reason": {
    files: { "core/long.ts": LONG },
    said: ["core/long.ts: has 301 lines, more than 300, and no reason is listed"],
  },
  "console and process.exit": {
    files: {
      "cli/a.ts": 'console.log(1);\nprocess.exit(1);\nprocess["exit"](1);\nglobalThis.console.error(1);',
      "cli/b.ts": 'import { exit } from "node:process";',
    },
    said: [
      "cli/a.ts:1: uses console.log",
      "cli/a.ts:2: uses process.exit",
      "cli/a.ts:3: uses process.exit",
      "cli/a.ts:4: uses console.error",
      "cli/b.ts:1: uses node:process",
    ],
  },
  "a cycle, of type-only imports too": {
    files: {
      "hub/a.ts": 'import type { B } from "./b.ts";',
      "hub/b.ts": 'import "./c.ts";',
      "hub/c.ts": 'import "./a.ts";',
    },
    said: ["cycle: hub/a.ts → hub/b.ts → hub/c.ts → hub/a.ts"],
  },
};

for (const [what, { files, said }] of Object.entries(PLANTED)) {
  test(`breaches() names ${what}`, () => {
    assert.deepEqual(breachesOf(files, RULES), said);
  });
}

test("breaches() lets a long file pass for a reason, as long as it is long", () => {
  const rules = { ...RULES, longFiles: { "core/long.ts": "a table", "core/short.ts": "a table" } };
  const files = { "core/long.ts": LONG, "core/short.ts": "" };
  assert.deepEqual(breachesOf(files, rules), ["core/short.ts: is listed as long and is not"]);
});

function breachesOf(files: Readonly<Record<string, string>>, rules: Rules): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), "cb-house-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    return breaches(directory, rules);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { wizardSettings } from "../../src/setup/wizard-settings.ts";
import { summaryLines } from "../../src/setup/wizard-summary.ts";
import type { Draft, Trust } from "../../src/setup/work.ts";
import { name } from "./wizard-scene.ts";

function draft(trust: Trust, changes: Partial<Draft> = {}): Draft {
  const connection = { server: "https://faraday.example", proxy: undefined, trust };
  const rest = { description: "", executors: [name("nmap")], made: [], python: undefined };
  return { connection, name: "box", ...rest, ...changes };
}

const NOTHING = new Set<string>();
const plain = (settings: ReadonlyMap<string, unknown>) => Object.fromEntries(settings);

test("wizardSettings() writes what was agreed on, and no more", () => {
  const least = { server: "https://faraday.example", name: "box", executors: ["nmap"] };
  assert.deepEqual(plain(wizardSettings(draft({ kind: "system" }), "/c.pem", NOTHING)), least);
  const all = draft({ kind: "certificate", pem: "PEM" }, { description: "mine", python: "/python" });
  assert.deepEqual(plain(wizardSettings(all, "/c.pem", NOTHING)), {
    ...least,
    "tls-ca": "/c.pem",
    description: "mine",
    python: "/python",
  });
  const file = wizardSettings(draft({ kind: "file", path: "/ca.pem" }), "/c.pem", NOTHING);
  assert.equal(file.get("tls-ca"), "/ca.pem");
  assert.equal(wizardSettings(draft({ kind: "insecure" }), "/c.pem", NOTHING).get("insecure"), true);
});

test("wizardSettings() takes away what no longer holds, as insecure and tls-ca exclude each other", () => {
  const now = new Set(["proxy", "tls-ca", "insecure", "description", "python"]);
  const gone = wizardSettings(draft({ kind: "system" }), "/c.pem", now);
  for (const key of ["proxy", "tls-ca", "insecure", "description"])
    assert.deepEqual([gone.has(key), gone.get(key)], [true, undefined], key);
  // A manifest that somebody else wrote may need it.
  assert.equal(gone.has("python"), false);
  const insecure = wizardSettings(draft({ kind: "insecure" }), "/c.pem", now);
  assert.deepEqual([insecure.get("insecure"), insecure.get("tls-ca")], [true, undefined]);
});

test("summaryLines() shows what changes, and no password", () => {
  const secret = {
    server: "http://faraday.example",
    proxy: "http://me:secret@proxy:3128",
    trust: { kind: "system" },
  } as const;
  const now = new Map([
    ["server", "http://old.example"],
    ["proxy", "http://me:hidden@old:3128"],
    ["name", "box"],
    ["description", "gone"],
  ]);
  const files = [
    { path: "/etc/cb/dispatcher.toml", isNew: false },
    { path: "/etc/cb/run.d/x\u001b", isNew: true },
  ];
  const lines = summaryLines(draft({ kind: "system" }, { connection: secret }), now, files, "a new one");
  assert.deepEqual(lines, [
    "server        http://faraday.example (was http://old.example)",
    "proxy         http://me@proxy:3128 (was http://me@old:3128)",
    "TLS           none",
    "name          box",
    "description   none (was gone)",
    "executors     nmap",
    "agent         a new one",
    "",
    "changed   /etc/cb/dispatcher.toml",
    "new       /etc/cb/run.d/x^[",
  ]);
  assert(
    summaryLines(draft({ kind: "insecure" }), new Map(), [], "x").some((line) =>
      line.includes("NOT verified"),
    ),
  );
  assert.equal(summaryLines(draft({ kind: "system" }), new Map(), [], "x").at(-1), "No file changes");
});

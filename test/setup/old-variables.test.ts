import assert from "node:assert/strict";
import { test } from "node:test";
import { isOpen } from "../../src/setup/old-variables.ts";
import { imported, withExecutors } from "./import.ts";

test("isOpen() shows what is clearly no secret, and nothing else", () => {
  const open = [
    ["HOST", "10.0.0.1"],
    ["TENABLE_HOST", "sc.example"],
    ["PORT", "9390"],
    ["ARACHNI_PATH", "/opt/arachni/bin"],
    ["NUCLEI_TEMPLATES", "/opt/templates"],
    ["TENABLE_PULL_INTERVAL", "30"],
    ["GVM_USER", "admin"],
    ["INSIGHTVM_USR", "admin"],
    ["GITHUB_OWNER", "infobyte"],
    ["NESSUS_URL", "https://nessus.example:8834/a/b"],
    ["CYBERVISION_HTTPS_URL", "https://c.example"],
    ["ANYTHING_AT_ALL", ""],
  ] as const;
  const secret = [
    ["GVM_PASSW", "x"],
    ["INSIGHTVM_PASSWD", "x"],
    ["CYBERVISION_TOKEN", "x"],
    ["HCL_KEY_ID", "x"],
    ["CLIENT_SECRET", "x"],
    ["TENANT_ID", "x"],
    ["CLIENT_ID", "x"],
    ["KEY_FILE", "x"],
    ["PASSWORD_FILE", "x"],
    ["AUTH_USER", "x"],
    ["DEPTH", "3"],
    ["NESSUS_URL", "https://me:word@nessus.example"],
    ["NESSUS_URL", "https://nessus.example/?token=1"],
    ["PROXY_HOST", "me:word@proxy"],
    ["SONAR_URL", "sonar.example?token=1@x"],
    ["HOSTILE", "x"],
    ["SLACK_WEBHOOK_URL", "https://hooks.example/T0/B0"],
  ] as const;
  for (const [name, value] of open) assert(isOpen(name, value), name);
  for (const [name, value] of secret) assert(!isOpen(name, value), `${name} ${value}`);
});

test("setupOf() takes values as they are written, also where the original would die of a number", () => {
  const lines = [
    "a: 0123",
    "b: 1.10",
    "c: True",
    "d: ~",
    "e: ' x '",
    "f: |",
    "  two",
    "  lines",
    "g: !!int 5",
  ];
  const text = withExecutors("x:", "  cmd: /x", "  varenvs:", ...lines.map((line) => `    ${line}`));
  const { executors, notable } = imported(text);
  assert.deepEqual(notable, []);
  assert.deepEqual(Object.fromEntries(executors[0]?.manifest?.environment ?? []), {
    A: { secret: "0123" },
    B: { secret: "1.10" },
    C: { secret: "True" },
    D: { secret: "~" },
    E: { secret: " x " },
    // One newline at the end of a secret's file is none of it.
    F: { secret: "two\nlines\n\n" },
    G: { secret: "5" },
  });
});

/** What strangers could slip to the executable: files where it is called, variables where it is started. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BUNDLE, EXECUTABLE, PINNED } from "../../build/paths.ts";
import { Fleet } from "../support/fleet.ts";

test("the executable reads no .env, bunfig.toml or tsconfig.json of the directory where it is called", () => {
  const directory = mkdtempSync(join(tmpdir(), "cb-stranger-"));
  try {
    const trace = join(directory, "trace");
    const files = {
      ".env": "CB_JOBS=a-stranger's\n",
      "bunfig.toml": 'preload = ["./stranger.js"]\n',
      "stranger.js": `require("node:fs").writeFileSync(${JSON.stringify(trace)}, "");\n`,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    const run = (file: string, ...args: readonly string[]) =>
      spawnSync(file, [...args, "agent", "--tls-ca", "/nowhere"], {
        cwd: directory,
        env: { PATH: "/usr/bin:/bin", HOME: directory },
        encoding: "utf8",
      }).stderr;

    // Bun itself, on the same program, takes both: the trap is set.
    assert.match(run(PINNED.bun, BUNDLE), /^cb: error: Cannot use CB_JOBS "a-stranger's": /);
    assert.ok(existsSync(trace));
    rmSync(trace);

    // With this, Bun would take what a stranger has for each module that the program asks for.
    const paths = { "*": ["./stranger.js"] };
    writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions: { paths } }));
    assert.match(run(EXECUTABLE), /^cb: error: Cannot find the network secret key: /);
    assert.ok(!existsSync(trace));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a command gets none of the variables that an agent's runtime obeys", async () => {
  await using fleet = await Fleet.start();
  // BUN_BE_BUN cannot be among them, as the agent would be Bun.
  const environment = { BUN_OPTIONS: "--smol", NODE_OPTIONS: "--no-warnings", NODE_PATH: "/nowhere" };
  await fleet.agent("web1", [], { environment });
  const { status, stdout, stderr } = await fleet.station("run", "prints-environment");
  assert.equal(status, 0, stderr);
  assert.match(stdout, /\0CB_COMMAND=prints-environment\0/);
  assert.doesNotMatch(stdout, /(BUN|NODE)_/);
});

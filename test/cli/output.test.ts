import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const OUTPUT = join(import.meta.dirname, "../../src/cli/output.ts");

/** Runs a script that has `write` and `stdout`, its standard output going through `redirection`. */
function shell(script: string, redirection: string) {
  const program = `
    import { write } from ${JSON.stringify(OUTPUT)};
    const { stdout } = process;
    stdout.on("error", () => {});
    async function main() { ${script} }
    main().catch((error) => { process.stderr.write(error.message); process.exitCode = error.exitStatus; });`;
  const { stdout, stderr } = spawnSync(
    "bash",
    [
      "-c",
      `{ sleep 0.1; "$0" -e "$1"; } ${redirection}; echo "status \${PIPESTATUS[0]}"`,
      process.execPath,
      program,
    ],
    { encoding: "utf8" },
  );
  return { stdout, stderr };
}

test("write() loses nothing where the reader is slow, and holds little of it", () => {
  const script = `
    for (let piece = 0; piece < 3000; piece++) await write(stdout, new Uint8Array(65536).fill(97));
    if (process.memoryUsage().rss > 120e6) throw new Error("too much memory");
    process.exitCode = 3;`;
  const { stdout, stderr } = shell(script, "| { sleep 0.5; wc -c; }");
  assert.equal(stderr, "");
  assert.equal(stdout.replace(/\s+/g, " "), `${3000 * 65536} status 3 `);
});

test("write() fails with 141 where the reader is gone, whatever the size", () => {
  for (const size of [1, 1_000_000]) {
    const { stdout, stderr } = shell(`await write(stdout, "a".repeat(${size}));`, "| true");
    assert.equal(stderr, "Cannot write output: its reader is gone");
    assert.equal(stdout, "status 141\n");
  }
});

test("write() fails with 1 where the disk is full", () => {
  const { stdout, stderr } = shell('await write(stdout, "a");', "> /dev/full");
  assert.equal(stderr, "Cannot write output: no space left on device");
  assert.equal(stdout, "status 1\n");
});

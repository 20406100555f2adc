/**
 * `npm run check`: everything about the sources that can be said without running the product, one line a step;
 * a step that fails shows its output. With `--fix` (`npm run format`), formats and mends first what can be.
 */
import { join } from "node:path";
import { PINNED, ROOT } from "./paths.ts";
import { program, run } from "./program.ts";

// The programs of npm packages are scripts for Node; the pinned Bun runs them, whatever Node the machine has.
const modules = join(ROOT, "node_modules");

async function check(fix: boolean, signal: AbortSignal): Promise<number> {
  const steps: Readonly<Record<string, readonly string[]>> = {
    "format and lint": [
      join(modules, "@biomejs/biome/bin/biome"),
      "check",
      "--error-on-warnings",
      ...(fix ? ["--write"] : []),
    ],
    types: [join(modules, "typescript/bin/tsc")],
    "dead code": [join(modules, "knip/bin/knip-bun.js")],
    architecture: ["test", "./test/architecture.test.ts"],
  };
  let failed = 0;
  for (const [name, args] of Object.entries(steps)) {
    const { status, output } = await run([PINNED.bun, ...args], { signal });
    process.stdout.write(status === 0 ? `ok      ${name}\n` : `failed  ${name}\n${output}\n`);
    if (status !== 0) failed += 1;
  }
  return failed === 0 ? 0 : 1;
}

await program((signal) => check(process.argv.includes("--fix"), signal));

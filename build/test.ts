/**
 * `npm test [-- PATH…]`: builds, runs test/**\/*.test.ts, several files at a time, and ends with the one line
 * `N passed, N failed`.
 *
 * What a test runner writes is shown when it has ended, and only where something failed; all failures are named
 * once more at the end.
 */
import { existsSync, globSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { build } from "./build.ts";
import { inLanes, type Share, shareOut } from "./lanes.ts";
import { PINNED, ROOT } from "./paths.ts";
import { program, temporaryDirectory } from "./program.ts";
import { redisServer } from "./redis-server.ts";
import { COMPILED, runTests } from "./run-tests.ts";
import { tool } from "./tool.ts";

/** Test runners at a time: a test of whole programs waits for two thirds of its time. */
const LANES = 3 * availableParallelism();

async function test(filters: readonly string[], signal: AbortSignal): Promise<number> {
  let passed = 0;
  const failures: string[] = [];
  const compiled = temporaryDirectory(tmpdir());
  const runShare = async (share: Share) => {
    const startedAt = performance.now();
    const tests = await runTests(share, ROOT, signal, { [COMPILED]: compiled });
    passed += tests.passed;
    failures.push(...tests.failures);
    if (tests.failures.length > 0) process.stdout.write(tests.output);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
    process.stdout.write(`${seconds} s  ${count(tests.passed, tests.failures.length)}  ${share.name}\n`);
  };
  try {
    await prepare(signal);
    const wanted = (file: string) => filters.length === 0 || filters.some((filter) => file.includes(filter));
    const files = globSync("test/**/*.test.ts", { cwd: ROOT }).filter(wanted);
    if (files.length === 0) failures.push(`no test file matches ${filters.join(" ")}`);
    await inLanes(shareOut(files), LANES, runShare);
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error));
  } finally {
    rmSync(compiled, { recursive: true });
  }
  const lines = failures.sort(unitsFirst).map((failure) => `failed: ${failure}\n`);
  process.stdout.write(`\n${lines.join("")}${count(passed, failures.length)}\n`);
  return failures.length === 0 ? 0 : 1;
}

function count(passed: number, failed: number): string {
  return `${passed} passed, ${failed} failed`;
}

/** What runs whole programs comes after what says where the fault is. */
function unitsFirst(one: string, other: string): number {
  const rank = (failure: string) => Number(failure.startsWith("test/integration/"));
  return rank(one) - rank(other);
}

/** @throws where something is missing without which the tests would say little */
async function prepare(signal: AbortSignal): Promise<void> {
  for (const [name, file] of Object.entries(PINNED)) {
    if (!existsSync(file)) throw new Error(`Cannot find ${name} "${file}": run npm ci --include=optional`);
  }
  redisServer();
  for (const scanner of ["nmap", "sslscan"]) tool(scanner, scanner);
  await build(signal);
}

await program((signal) => test(process.argv.slice(2), signal));

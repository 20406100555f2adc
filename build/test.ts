/**
 * `npm test [-- PATH…]`: builds, runs test/**\/*.test.ts under the pinned Bun and ends with the one line
 * `N passed, N failed`.
 *
 * Only what ran and held is a pass. A skipped or todo test, a file in which no test ran, a runner that ended
 * without its report (a test that calls process.exit leaves none), a missing runtime, and a file or directory
 * left behind: each counts as failed and is named.
 */
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "./build.ts";
import { readReport } from "./junit.ts";
import { PINNED, ROOT } from "./paths.ts";
import { program, run, temporaryDirectory } from "./program.ts";
import { redisServer } from "./redis-server.ts";

/** Milliseconds for one test, and for all files of a group. */
const TEST_LIMIT = 30_000;
const GROUP_LIMIT = 600_000;

type Tally = { passed: number; readonly failures: string[] };

async function test(filters: readonly string[], signal: AbortSignal): Promise<number> {
  const tally: Tally = { passed: 0, failures: [] };
  try {
    await prepare(signal);
    const wanted = (file: string) => filters.length === 0 || filters.some((filter) => file.includes(filter));
    const files = globSync("test/**/*.test.ts", { cwd: ROOT }).filter(wanted).sort();
    if (files.length === 0) tally.failures.push(`no test file matches ${filters.join(" ")}`);
    // What runs whole programs comes after what says where the fault is.
    const isIntegration = (file: string) => file.startsWith("test/integration/");
    await runGroup(
      files.filter((file) => !isIntegration(file)),
      tally,
      signal,
    );
    await runGroup(files.filter(isIntegration), tally, signal);
  } catch (error) {
    tally.failures.push(error instanceof Error ? error.message : String(error));
  }
  const lines = tally.failures.map((failure) => `failed: ${failure}\n`);
  process.stdout.write(`\n${lines.join("")}${tally.passed} passed, ${tally.failures.length} failed\n`);
  return tally.failures.length === 0 ? 0 : 1;
}

/** @throws where something is missing without which the tests would say little */
async function prepare(signal: AbortSignal): Promise<void> {
  for (const [name, file] of Object.entries(PINNED)) {
    if (!existsSync(file)) throw new Error(`Cannot find ${name} "${file}": run npm ci --include=optional`);
  }
  redisServer();
  await build(signal);
}

async function runGroup(files: readonly string[], tally: Tally, signal: AbortSignal): Promise<void> {
  if (files.length === 0) return;
  const scratch = temporaryDirectory(tmpdir());
  const temporary = temporaryDirectory(scratch);
  const home = join(scratch, "home");
  mkdirSync(home);
  const report = join(scratch, "report.xml");
  const reporting = ["--only-failures", "--reporter=junit", `--reporter-outfile=${report}`];
  const paths = files.map((file) => `./${file}`);
  const command = [PINNED.bun, "test", `--timeout=${TEST_LIMIT}`, ...reporting, ...paths] as const;
  try {
    const { status, timedOut } = await run(command, {
      signal,
      show: true,
      limit: GROUP_LIMIT,
      // The keys and settings of whoever calls us are none of the tests' business.
      env: { HOME: home, TMPDIR: temporary },
    });
    if (timedOut) tally.failures.push(`the runner took more than ${GROUP_LIMIT / 60_000} minutes`);
    const failuresBefore = tally.failures.length;
    addReport(report, files, tally);
    if (status !== 0 && tally.failures.length === failuresBefore) {
      tally.failures.push(`the runner ended with status ${status}, though no test failed`);
    }
    const left = await leftBehind(temporary);
    if (left.length > 0) tally.failures.push(`left behind in $TMPDIR: ${left.join(", ")}`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function addReport(report: string, files: readonly string[], tally: Tally): void {
  if (!existsSync(report)) {
    tally.failures.push("the runner ended without a report");
    return;
  }
  const cases = readReport(readFileSync(report, "utf8"));
  for (const { file, name, outcome } of cases) {
    if (outcome === "passed") tally.passed += 1;
    else tally.failures.push(`${file}: ${name}${outcome === "skipped" ? " (skipped)" : ""}`);
  }
  const reported = new Set(cases.map(({ file }) => file));
  for (const file of files) if (!reported.has(file)) tally.failures.push(`${file}: no test ran`);
}

/** What lies in a directory once the guards of Redis have had two seconds to clean up. */
async function leftBehind(directory: string): Promise<readonly string[]> {
  for (let attempts = 20; attempts > 0 && readdirSync(directory).length > 0; attempts -= 1) await sleep(100);
  return readdirSync(directory);
}

await program((signal) => test(process.argv.slice(2), signal));

/**
 * Runs test files under the pinned Bun, in a process, a home and a temporary directory of their own.
 *
 * Only what ran and held is a pass. A skipped or todo test, a file in which no test ran, a runner that ended
 * without its report (a test that calls process.exit leaves none), and a file or directory left behind: each
 * counts as failed and is named.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readReport } from "./junit.ts";
import type { Share } from "./lanes.ts";
import { PINNED } from "./paths.ts";
import { run, temporaryDirectory } from "./program.ts";

/** Milliseconds for one test, four times what the longest takes at a load of 3; and for all files of a share. */
const TEST_LIMIT = 60_000;
const SHARE_LIMIT = 300_000;

/** Names a directory for what runtimes have compiled, which all tests of a run may share (test/support/runtimes.ts). */
export const COMPILED = "TEST_COMPILED";

type Tests = {
  readonly passed: number;
  /** A line each. */
  readonly failures: readonly string[];
  /** What the runner and the tests have written. */
  readonly output: string;
};

/**
 * @param root what the files are below
 * @param environment for the tests, besides a home and a temporary directory
 * @throws the reason of `signal`; whatever else goes wrong is a failure
 */
export async function runTests(
  { name, files }: Share,
  root: string,
  signal: AbortSignal,
  environment: Readonly<Record<string, string>> = {},
): Promise<Tests> {
  const scratch = temporaryDirectory(tmpdir());
  const temporary = temporaryDirectory(scratch);
  const home = join(scratch, "home");
  mkdirSync(home);
  const report = join(scratch, "report.xml");
  const reporting = ["--only-failures", "--reporter=junit", `--reporter-outfile=${report}`];
  const paths = files.map((file) => `./${file}`);
  const command = [PINNED.bun, "test", `--timeout=${TEST_LIMIT}`, ...reporting, ...paths] as const;
  try {
    const { status, timedOut, output } = await run(command, {
      signal,
      cwd: root,
      limit: SHARE_LIMIT,
      // The keys and settings of whoever calls us are none of the tests' business.
      env: { ...environment, HOME: home, TMPDIR: temporary },
    });
    const { passed, failures } = existsSync(report)
      ? readOutcomes(readFileSync(report, "utf8"), files)
      : { passed: 0, failures: [] };
    const ofShare = (problem: string) => failures.push(`${name}: ${problem}`);
    if (timedOut) ofShare(`the runner took more than ${SHARE_LIMIT / 60_000} minutes`);
    else if (!existsSync(report)) ofShare(`the runner ended with status ${status} and without a report`);
    else if (status !== 0 && failures.length === 0) {
      ofShare(`the runner ended with status ${status}, though no test failed`);
    }
    const left = await leftBehind(temporary);
    if (left.length > 0) ofShare(`left behind in $TMPDIR: ${left.join(", ")}`);
    return { passed, failures, output };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function readOutcomes(report: string, files: readonly string[]): { passed: number; failures: string[] } {
  const cases = readReport(report);
  const failed = cases.filter(({ outcome }) => outcome !== "passed");
  const failures = failed.map(({ file, name, outcome }) => {
    return `${file}: ${name}${outcome === "skipped" ? " (skipped)" : ""}`;
  });
  const reported = new Set(cases.map(({ file }) => file));
  for (const file of files) if (!reported.has(file)) failures.push(`${file}: no test ran`);
  return { passed: cases.length - failed.length, failures };
}

/** What lies in a directory once the guards of Redis have had two seconds to clean up. */
async function leftBehind(directory: string): Promise<readonly string[]> {
  for (let attempts = 20; attempts > 0 && readdirSync(directory).length > 0; attempts -= 1) await sleep(100);
  return readdirSync(directory);
}

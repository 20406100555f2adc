/**
 * The time that everything we make is dated with, so that the same commit gives the same bytes.
 * Source: https://reproducible-builds.org/specs/source-date-epoch/
 */
import { execFileSync } from "node:child_process";
import { ROOT } from "./paths.ts";
import { Failure } from "./program.ts";

/**
 * `$SOURCE_DATE_EPOCH` where it is set, else the time of the commit, in seconds since the epoch.
 *
 * @throws {Failure} outside of a checkout, or for what is no time
 */
export function sourceDate(): number {
  const text = process.env["SOURCE_DATE_EPOCH"] ?? commitTime();
  if (!/^\d{1,11}$/.test(text)) {
    throw new Failure(`Cannot use SOURCE_DATE_EPOCH "${text}": expected seconds since the epoch`);
  }
  return Number(text);
}

function commitTime(): string {
  try {
    // Somebody else's checkout, as in a container that runs as root: there git refuses, lest hooks run.
    const git = ["-c", `safe.directory=${ROOT}`, "log", "-1", "--format=%ct"];
    return execFileSync("git", git, {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch (cause) {
    const why = "this is no git checkout, set SOURCE_DATE_EPOCH to seconds since the epoch";
    throw new Failure(`Cannot date what is made: ${why}`, { cause });
  }
}

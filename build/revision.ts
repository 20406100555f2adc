/** Which commit is built: what the version line says, and the date of what is made. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./paths.ts";
import { Failure } from "./program.ts";
import { sourceDate } from "./source-date.ts";

export type Revision = {
  /** The commit's first 12 digits, with `-dirty` where the sources differ from it; undefined outside of git. */
  readonly commit: string | undefined;
  /** Seconds since the epoch, as `sourceDate` has it; undefined outside of git where none is given. */
  readonly date: number | undefined;
};

/**
 * The revision of this checkout.
 *
 * @param sources paths relative to the checkout; changes elsewhere do not make it dirty
 * @throws {Failure} where there is a repository and git cannot read it
 */
export function revision(sources: readonly string[]): Revision {
  // Not whatever repository the unpacked sources may lie in.
  if (!existsSync(join(ROOT, ".git"))) {
    return { commit: undefined, date: process.env["SOURCE_DATE_EPOCH"] ? sourceDate() : undefined };
  }
  // `git rev-parse --short` gives more digits where the repository holds more objects.
  const commit = git("rev-parse", "HEAD").slice(0, 12);
  const isDirty = git("status", "--porcelain", "--", ...sources) !== "";
  return { commit: isDirty ? `${commit}-dirty` : commit, date: sourceDate() };
}

function git(...words: readonly string[]): string {
  // Somebody else's checkout, as in a container that runs as root: there git refuses, lest hooks run.
  const args = ["-c", `safe.directory=${ROOT}`, ...words];
  try {
    return execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (cause) {
    const { stderr } = cause as { readonly stderr?: string };
    const why = stderr?.split("\n")[0] || "git cannot be run";
    throw new Failure(`Cannot tell which commit this is: ${why}`, { cause });
  }
}

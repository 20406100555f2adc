/**
 * The directory that is an executor's alone, for as long as its run takes: it starts there, and has TMPDIR there.
 *
 * What executors leave there may be in directories that they have made read-only, as caches of packages are; and a
 * daemon of theirs may go on writing. Neither has anything to do with how the run ended.
 */
import { chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../core/errors.ts";
import { attempt } from "../core/files.ts";
import type { Log } from "../core/log.ts";

type Surroundings = {
  /** Below it each run has its directory. */
  readonly workDirectory: string;
  readonly log: Log;
};

export function workplaceOf({ workDirectory }: Pick<Surroundings, "workDirectory">, run: string): string {
  return join(workDirectory, run);
}

/** Empty, and nobody else's. @throws {CbError} `file` */
export function makeWorkplace(surroundings: Pick<Surroundings, "workDirectory">, run: string): string {
  const directory = workplaceOf(surroundings, run);
  attempt("create", directory, () => {
    deleteTree(directory);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  });
  return directory;
}

/** Deletes it with all that is left there. Never throws: what cannot be deleted is said, and stays. */
export function removeWorkplace(surroundings: Surroundings, run: string): void {
  const directory = workplaceOf(surroundings, run);
  try {
    attempt("delete", directory, () => deleteTree(directory));
  } catch (error) {
    surroundings.log.warn(
      { event: "work-left", run, reason: messageOf(error) },
      "Cannot delete what an executor has left",
    );
  }
}

/** Also what is in directories that were made read-only. @throws what the system says */
export function deleteTree(directory: string): void {
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    remove();
  } catch {
    makeWritable(directory);
    remove();
  }
}

function makeWritable(directory: string): void {
  chmodSync(directory, 0o700);
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) makeWritable(join(directory, entry.name));
}

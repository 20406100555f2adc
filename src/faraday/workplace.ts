/**
 * The directory that an executor works in: of one run alone, and gone with it.
 *
 * What executors leave there may be in directories that they have made read-only, as caches of packages are; and a
 * daemon of theirs may go on writing. Neither has anything to do with how the run ended.
 */
import { chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../core/errors.ts";
import { attempt } from "../core/files.ts";
import type { Log } from "../core/log.ts";

/** Empty, and nobody else's. @throws {CbError} `file` */
export function makeWorkplace(parent: string, run: string): string {
  const directory = join(parent, run);
  attempt("create", directory, () => {
    removeAll(directory);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  });
  return directory;
}

/** Never throws: what cannot be removed is said, and stays. */
export function removeWorkplace(parent: string, run: string, log: Log): void {
  try {
    removeAll(join(parent, run));
  } catch (error) {
    log.warn({ event: "work-left", run, reason: messageOf(error) }, "Cannot remove a working directory");
  }
}

function removeAll(directory: string): void {
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

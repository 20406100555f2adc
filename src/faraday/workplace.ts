/** The directory that is an executor's alone, for as long as its run takes: it starts there, and has TMPDIR there. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../core/errors.ts";
import { attempt } from "../core/files.ts";
import type { Log } from "../core/log.ts";

type Surroundings = {
  /** Below it each run has its directory. */
  readonly workDirectory: string;
  readonly log: Log;
};

/** @throws {CbError} `file` */
export function makeWorkplace({ workDirectory }: Pick<Surroundings, "workDirectory">, run: string): string {
  const directory = join(workDirectory, run);
  attempt("create", directory, () => {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  });
  return directory;
}

/** Deletes it with all that is left there. What cannot be deleted says nothing about how the run ended. */
export function removeWorkplace({ workDirectory, log }: Surroundings, run: string): void {
  const directory = join(workDirectory, run);
  try {
    attempt("delete", directory, () => rmSync(directory, { recursive: true, force: true }));
  } catch (error) {
    log.warn(
      { event: "work-left", run, reason: messageOf(error) },
      "Cannot delete what an executor has left",
    );
  }
}

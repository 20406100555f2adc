/**
 * A lock that the kernel takes back when its holder dies, however it dies.
 *
 * Node has no flock(2). But such a lock belongs to the open file description, which a child shares with us:
 * util-linux's flock(1) sets the lock on the descriptor that it inherits and goes, and the lock stays with
 * us. Measured on Node, Bun and Deno. A pid in a file alone would not do: pids come back, above all in
 * containers.
 */
import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { CbError, systemCode } from "./errors.ts";
import { attempt, systemReason } from "./files.ts";
import { printable } from "./text.ts";

export type LockFile = {
  /** Gives the lock back before the process ends; the file stays. */
  readonly release: () => void;
};

/**
 * Takes the lock of a file, which is made where it is not there, and writes our pid into it.
 *
 * @param holder who else may have it: `agent`
 * @param patience seconds to wait for it; all of this process stands still meanwhile
 * @throws {CbError} `locked`, naming the pid of the holder; `file`, for anything else
 */
export function lockFile(path: string, holder: string, patience = 0): LockFile {
  const file = attempt("lock", path, () => openSync(path, "a+", 0o600));
  try {
    setLock(file, path, holder, patience);
    attempt("write", path, () => {
      ftruncateSync(file, 0);
      writeSync(file, `${process.pid}\n`);
    });
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return { release: () => closeSync(file) };
}

function setLock(file: number, path: string, holder: string, patience: number): void {
  const wait = patience > 0 ? ["-w", String(patience)] : ["-n"];
  const result = spawnSync("flock", [...wait, "-x", "3"], { stdio: ["ignore", "ignore", "pipe", file] });
  if (result.status === 0) return;
  const what = `Cannot lock "${printable(path)}"`;
  if (result.error !== undefined) {
    if (systemCode(result.error) !== "ENOENT")
      throw new CbError("file", `${what}: ${systemReason(result.error)}`);
    throw new CbError("file", `${what}: the program flock is missing`, { hint: "Install util-linux" });
  }
  if (result.status === 1) {
    // The holder may have the lock and not yet have written its pid.
    const pid = /^\d+/.exec(readFileSync(path, "utf8"))?.[0];
    const who = pid === undefined ? `another ${holder}` : `the ${holder} with pid ${pid}`;
    throw new CbError("locked", `Cannot use "${printable(path)}": ${who} has it`);
  }
  throw new CbError("file", `${what}: ${printable(String(result.stderr).trim())}`);
}

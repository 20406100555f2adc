/** What the scripts of this folder share: how they end, and how they run other programs. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { ROOT } from "./paths.ts";

/** A failure that one line explains: no stack is shown. */
export class Failure extends Error {
  override readonly name = "Failure";
}

/**
 * Runs the body of a script and sets the exit status that it returns.
 *
 * @param main gets a signal that aborts on Ctrl-C and the like
 */
export async function program(main: (signal: AbortSignal) => Promise<number>): Promise<void> {
  const interruption = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => interruption.abort(new Failure(`Interrupted by ${name}`)));
  }
  try {
    process.exitCode = await main(interruption.signal);
  } catch (error) {
    process.exitCode = interruption.signal.aborted ? 130 : 1;
    process.stderr.write(`${error instanceof Failure ? error.message : inspect(error)}\n`);
  }
}

type RunOptions = {
  /** Ends the program and all of its process group, at once. */
  readonly signal: AbortSignal;
  /** Default: the top of the checkout. */
  readonly cwd?: string;
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which its process group is ended; default: 10 minutes. */
  readonly limit?: number;
};

type RunResult = {
  /** Exit status, or 128 and the number of the signal that ended it, as in a shell. */
  readonly status: number;
  readonly timedOut: boolean;
  /** Standard output and error as they came. */
  readonly output: string;
};

/**
 * A new directory that stands in for /tmp: everybody may use it, as tests start programs as other users.
 *
 * @param parent an existing directory; what is made in it can be reached by everybody, too
 */
export function temporaryDirectory(parent: string): string {
  const directory = mkdtempSync(join(parent, "cb-"));
  chmodSync(directory, 0o1777);
  return directory;
}

/** Runs a program to its end, whatever its status. */
export async function run(command: readonly [string, ...string[]], options: RunOptions): Promise<RunResult> {
  options.signal.throwIfAborted();
  const scratch = mkdtempSync(join(tmpdir(), "cb-run-"));
  const log = join(scratch, "output");
  // A file, not a pipe: a process left behind with the other end would keep us waiting.
  const output = openSync(log, "a");
  try {
    const [file, ...args] = command;
    const child = spawn(file, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env },
      detached: true,
      stdio: ["ignore", output, output],
    });
    const end = () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    };
    let timedOut = false;
    const expire = () => {
      timedOut = true;
      end();
    };
    const timer = setTimeout(expire, options.limit ?? 600_000);
    options.signal.addEventListener("abort", end);
    const [status, signal] = (await once(child, "exit")) as [number, null] | [null, NodeJS.Signals];
    clearTimeout(timer);
    options.signal.removeEventListener("abort", end);
    options.signal.throwIfAborted();
    return { status: status ?? 128 + constants.signals[signal], timedOut, output: readFileSync(log, "utf8") };
  } finally {
    closeSync(output);
    rmSync(scratch, { recursive: true });
  }
}

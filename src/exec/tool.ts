/**
 * A program that an executor of ours runs for itself, such as a scanner.
 *
 * It stays in the executor's process group: whoever runs the executor ends the group, at last by SIGKILL, and in a
 * group of its own the scanner would live on and scan. So a signal to one of them alone is passed on here, and one to
 * the group, Ctrl-C too, reaches both anyway.
 */
import { delimiter, isAbsolute, join } from "node:path";
import { systemCode } from "../core/errors.ts";
import { isExecutable } from "../core/files.ts";
import { startChild } from "./child.ts";
import { SEARCH_PATH } from "./environment.ts";
import { type Output, OutputReader } from "./output-reader.ts";

export type ToolEnd = {
  readonly kind: "end";
  /** Exit status; undefined where a signal ended it, or where it was not started. */
  readonly status: number | undefined;
  readonly signal: string | undefined;
  /** Why it was not started, in the system's words. */
  readonly detail: string | undefined;
};

type ToolOptions = {
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Ends the tool, with SIGTERM; what it has written until then is still given out. */
  readonly signal: AbortSignal;
  /** Milliseconds after which SIGKILL follows. */
  readonly stopGrace?: number;
};

/** As a dispatcher gives its executors by default. */
const STOP_GRACE = 10_000;
/** Milliseconds to go on reading after its exit, while something that it started holds its output. */
const DRAIN_GRACE = 1_000;

/** The program of that name in the directories of a PATH; undefined where there is none. */
export function findTool(name: string, path: string | undefined): string | undefined {
  const directories = (path ?? SEARCH_PATH).split(delimiter).filter((directory) => isAbsolute(directory));
  return directories.map((directory) => join(directory, name)).find((file) => isExecutable(file));
}

/**
 * Runs `path` in the directory `/`: its output in order, then one `end`. It is not read faster than the consumer takes
 * events. A consumer that leaves early ends it.
 */
export async function* runTool(
  path: string,
  { arguments: words, environment, signal, stopGrace = STOP_GRACE }: ToolOptions,
): AsyncGenerator<({ readonly kind: "output" } & Output) | ToolEnd, void, undefined> {
  const child = await startChild(path, { arguments: words, environment, directory: "/", sharesGroup: true });
  if (!child.started) {
    yield { kind: "end", status: undefined, signal: undefined, detail: child.detail };
    return;
  }
  const output = new OutputReader(child.stdout, child.stderr);
  let hasExited = false;
  let force: NodeJS.Timeout | undefined;
  const end = () => {
    // Afterwards its id may be somebody else's.
    if (hasExited) return;
    signalTo(child.pid, "SIGTERM");
    force ??= setTimeout(() => signalTo(child.pid, "SIGKILL"), stopGrace);
  };
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  const exited = child.exited.then(async (exit) => {
    hasExited = true;
    clearTimeout(force);
    await output.drain(DRAIN_GRACE);
    return exit;
  });
  try {
    for (let chunk = await output.next(); chunk !== undefined; chunk = await output.next()) {
      yield { kind: "output", ...chunk };
    }
    yield { kind: "end", ...(await exited), detail: undefined };
  } finally {
    signal.removeEventListener("abort", end);
    end();
    output.stop();
    await exited;
  }
}

function signalTo(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It has just ended, or has become another user and is not ours to end.
    if (!["ESRCH", "EPERM"].includes(systemCode(error) ?? "")) throw error;
  }
}

/**
 * One run of one executor, from its start to its one `end`.
 *
 *   running ──exit──▶ draining ──streams end, or drain grace──▶ end
 *      │ time limit, abort       ▲
 *      ▼                         │ group gone
 *   ending: SIGTERM, grace, SIGKILL
 *
 * The first reason wins: a command that is past its time limit and then exits 0 has met its time limit.
 * One that exits by itself leaves its background children alone; one that is ended takes its whole process
 * group along (process-group.ts says who escapes).
 */
import { type Clock, LONGEST_TIMER } from "../core/clock.ts";
import { type Surroundings, startChild } from "./child.ts";
import { type Output, OutputReader, type StreamName } from "./output-reader.ts";
import { endGroup } from "./process-group.ts";

export type ExecutionOptions = Omit<Surroundings, "directory"> & {
  /** Where it starts; `/` if not given. */
  readonly directory?: string;
  /** Milliseconds the command may run; `undefined` for as long as it likes. At most 24 days. */
  readonly timeLimit: number | undefined;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly stopGrace: number;
  /** Milliseconds to go on reading after the exit while another process holds an output stream. */
  readonly drainGrace: number;
  /** Ends the command; its reason is `"cancelled"` (the station's wish) or `"stopped"` (the agent's). */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Told the id of the process, which is that of its process group, before anything of its output; must not throw. */
  readonly onStart?: (pid: number) => void;
};

export type EndReason =
  | "exited"
  | "signalled" // by somebody else or itself, not by us
  | "time-limit"
  | "stopped"
  | "cancelled"
  | "not-started";

export type ExecutionEnd = {
  readonly kind: "end";
  readonly reason: EndReason;
  /** Exit status; `undefined` if a signal ended it or it never ran. Also there when we ended it. */
  readonly status: number | undefined;
  /** Name of the signal that ended it, such as `SIGKILL`. */
  readonly signal: string | undefined;
  /** Why it did not start, in the system's words; or that it lives on, as it has become another user (sudo). */
  readonly detail: string | undefined;
  /** Milliseconds from its start to its own exit. */
  readonly runTime: number;
  /** Bytes given out. */
  readonly bytes: Readonly<Record<StreamName, number>>;
  /** Whether another process still held an output stream when reading stopped. */
  readonly leftOpen: boolean;
};

/** Milliseconds for an exit once all was done to bring it about. */
const EXIT_WAIT = 1_000;
const LIVES_ON = "it lives on, as it could not be ended";

export type ExecutionEvent = ({ readonly kind: "output" } & Output) | ExecutionEnd;

const NEVER_RAN = {
  kind: "end",
  status: undefined,
  signal: undefined,
  detail: undefined,
  runTime: 0,
  bytes: { stdout: 0, stderr: 0 },
  leftOpen: false,
} as const;

/**
 * Runs `path`: its output in order, then exactly one `end`. It starts with the first `next()`, and is not
 * read faster than the consumer takes events. A consumer that leaves early kills the process group at once.
 *
 * @param path absolute: an executor as `resolveExecutor` gives it, or the interpreter of one
 */
export async function* execute(
  path: string,
  options: ExecutionOptions,
): AsyncGenerator<ExecutionEvent, void, undefined> {
  const { signal, clock } = options;
  if (signal.aborted) {
    yield { ...NEVER_RAN, reason: abortReason(signal) };
    return;
  }
  const startedAt = clock.monotonic();
  const child = await startChild(path, { directory: "/", ...options });
  if (!child.started) {
    yield { ...NEVER_RAN, reason: "not-started", detail: child.detail };
    return;
  }

  const output = new OutputReader(child.stdout, child.stderr);
  options.onStart?.(child.pid);
  let reason: EndReason | undefined;
  let groupEnded: Promise<void> | undefined;
  const abandoned = new AbortController();
  /** After an exit of its own the group is left alone, and an empty group's id may soon be somebody else's. */
  let isGroupOurs = true;
  const end = (why: EndReason) => {
    if (reason !== undefined) return;
    reason = why;
    groupEnded = endGroup(child.pid, options.stopGrace);
    void groupEnded.then(() => abandonLater());
  };
  let patience: NodeJS.Timeout | undefined;
  const abandonLater = () => {
    patience = setTimeout(() => abandoned.abort(), EXIT_WAIT);
  };
  const onAbort = () => end(abortReason(signal));
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  const limit =
    options.timeLimit === undefined
      ? undefined
      : setTimeout(() => end("time-limit"), Math.min(options.timeLimit, LONGEST_TIMER));

  const finish = async (): Promise<ExecutionEnd> => {
    const exit = await Promise.race([child.exited, once(abandoned.signal)]);
    clearTimeout(patience);
    if (exit === undefined) child.abandon();
    const runTime = clock.monotonic() - startedAt;
    clearTimeout(limit);
    signal.removeEventListener("abort", onAbort);
    reason ??= exit?.signal === undefined ? "exited" : "signalled";
    await groupEnded;
    clearTimeout(patience);
    isGroupOurs = false;
    const leftOpen = await output.drain(options.drainGrace);
    const { status, signal: endedBy } = exit ?? {};
    const detail = exit === undefined ? LIVES_ON : undefined;
    return { kind: "end", reason, status, signal: endedBy, detail, runTime, bytes: output.bytes, leftOpen };
  };
  const finished = finish();
  let isOver = false;

  try {
    for (let chunk = await output.next(); chunk !== undefined; chunk = await output.next()) {
      yield { kind: "output", ...chunk };
    }
    const last = await finished;
    isOver = true;
    yield last;
  } finally {
    if (!isOver) {
      if (isGroupOurs) await endGroup(child.pid, 0);
      abandonLater();
      output.stop();
      await finished;
      clearTimeout(patience);
    }
  }
}

function once(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }));
}

function abortReason(signal: AbortSignal): "stopped" | "cancelled" {
  return signal.reason === "cancelled" ? "cancelled" : "stopped";
}

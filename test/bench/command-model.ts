/** A command that is only said to run: what it prints, how long it takes, and how it ends. */
import type { ExecutionEnd, ExecutionEvent, ExecutionOptions, execute } from "../../src/exec/execution.ts";

export type CommandModel = {
  /** Printed at its end, standard output first. */
  readonly stdout?: Uint8Array;
  readonly stderr?: Uint8Array;
  readonly status?: number;
  /** Milliseconds that it runs; `Infinity` for as long as it may. */
  readonly delay?: number;
  /** It begins with a wait for this, which no time limit ends. */
  readonly until?: Promise<void>;
  /** The system does not start it, or somebody else kills it when it has printed. */
  readonly failure?: "not-started" | "killed";
  /** Told when it begins and when it has ended, by the agent itself. */
  readonly onChange?: (isRunning: boolean) => void;
};

/** Bytes in one event, as `exec/` gives them out. */
const MAX_CHUNK = 64 * 1024;

const STREAMS = ["stdout", "stderr"] as const;

/** `execute`, of this command. */
export function modelled(model: CommandModel): typeof execute {
  return async function* (_path, options): AsyncGenerator<ExecutionEvent, void, undefined> {
    if (model.failure === "not-started") {
      yield ended("not-started", {}, 0, { detail: "out of memory" });
      return;
    }
    const startedAt = options.clock.monotonic();
    model.onChange?.(true);
    const early = await runs(model, options);
    model.onChange?.(false);
    const runTime = options.clock.monotonic() - startedAt;
    if (early !== undefined) {
      yield ended(early, {}, runTime, { signal: "SIGTERM" });
      return;
    }
    for (const stream of STREAMS) {
      const bytes = model[stream] ?? new Uint8Array();
      for (let at = 0; at < bytes.length; at += MAX_CHUNK) {
        yield { kind: "output", stream, data: bytes.subarray(at, at + MAX_CHUNK) };
      }
    }
    if (model.failure === "killed") yield ended("signalled", model, runTime, { signal: "SIGKILL" });
    else yield ended("exited", model, runTime, { status: model.status ?? 0 });
  };
}

/** @returns why it was ended before its time */
async function runs(
  { delay = 0, until }: CommandModel,
  { signal, timeLimit = Infinity }: ExecutionOptions,
): Promise<"time-limit" | "cancelled" | "stopped" | undefined> {
  if (until !== undefined) {
    const end = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    await Promise.race([until, end]);
  }
  const milliseconds = Math.min(delay, timeLimit);
  const ended = () => (signal.reason === "cancelled" ? "cancelled" : "stopped");
  if (signal.aborted) return ended();
  if (milliseconds > 0) {
    await new Promise<void>((resolve) => {
      const timer = milliseconds === Infinity ? undefined : setTimeout(resolve, milliseconds);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
  if (signal.aborted) return ended();
  return delay > timeLimit ? "time-limit" : undefined;
}

function ended(
  reason: ExecutionEnd["reason"],
  { stdout, stderr }: CommandModel,
  runTime: number,
  how: Partial<Pick<ExecutionEnd, "status" | "signal" | "detail">>,
): ExecutionEnd {
  return {
    kind: "end",
    reason,
    status: undefined,
    signal: undefined,
    detail: undefined,
    ...how,
    runTime,
    bytes: { stdout: stdout?.length ?? 0, stderr: stderr?.length ?? 0 },
    leftOpen: false,
  };
}

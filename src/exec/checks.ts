/**
 * The checks of a manifest: shell commands that say whether what an executor depends on is there.
 *
 * Each runs as executors do, with the executor's environment, one after the other, and must exit 0.
 */
import { systemClock } from "../core/clock.ts";
import { printable } from "../core/text.ts";
import { type ExecutionEnd, execute } from "./execution.ts";
import type { Manifest } from "./manifest.ts";

export type CheckResult = {
  readonly command: string;
  readonly ok: boolean;
  /** What went wrong, harmless to a terminal; empty where it is ok. */
  readonly detail: string;
};

type CheckOptions = { readonly hide: (text: string) => string; readonly timeLimit: number };

/** Milliseconds for one check. */
const CHECK_LIMIT = 60_000;
const STOP_GRACE = 2_000;
/** A check that starts a daemon is done when it exits itself. */
const DRAIN_GRACE = 200;
/** Of what a check says, the end is shown. */
const MAX_DETAIL = 200;
/** Bytes of it that are kept: a secret may have half of them, and half of a secret would not be found. */
const MAX_SAID = 128 * 1024;

/**
 * Every check is run, unless the signal comes; those that it keeps from running are not ok.
 *
 * @param environment the whole environment that the executor would have
 * @param hide takes secrets out of what they say
 * @param timeLimit milliseconds for each
 */
export async function runChecks(
  { checks }: Pick<Manifest, "checks">,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
  { hide = (text) => text, timeLimit = CHECK_LIMIT }: Partial<CheckOptions> = {},
): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const command of checks) {
    results.push(await runCheck(command, environment, signal, { hide, timeLimit }));
  }
  return results;
}

async function runCheck(
  command: string,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
  { hide, timeLimit }: CheckOptions,
): Promise<CheckResult> {
  const execution = execute("/bin/sh", {
    arguments: ["-c", command],
    environment,
    timeLimit,
    stopGrace: STOP_GRACE,
    drainGrace: DRAIN_GRACE,
    signal,
    clock: systemClock,
  });
  // The last bytes are enough for the last line, whatever else it prints.
  let said = Buffer.alloc(0);
  for await (const event of execution) {
    if (event.kind === "output") {
      said = Buffer.concat([said, event.data]).subarray(-MAX_SAID);
      continue;
    }
    const ok = event.reason === "exited" && event.status === 0;
    return {
      command,
      ok,
      detail: ok ? "" : [wordsOf(event, timeLimit), lastLine(said, hide)].filter(Boolean).join(": "),
    };
  }
  throw new Error("an execution ended without its end");
}

function wordsOf({ reason, status, signal, detail }: ExecutionEnd, timeLimit: number): string {
  switch (reason) {
    case "exited":
      return `exit status ${status}`;
    case "signalled":
      return `ended by ${signal}`;
    case "time-limit":
      return `not finished after ${timeLimit / 1000} s`;
    case "not-started":
      return `not started, ${detail}`;
    case "stopped":
    case "cancelled":
      return "stopped";
  }
}

function lastLine(said: Uint8Array, hide: CheckOptions["hide"]): string {
  const line = hide(new TextDecoder().decode(said)).trimEnd().split("\n").at(-1) ?? "";
  return printable(Array.from(line.trim()).slice(-MAX_DETAIL).join(""));
}

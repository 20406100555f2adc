/**
 * What became of one agent, as programs read it: the last event of each agent in `--output ndjson`, and the
 * `result.json` of `--to-directory`.
 *
 * Every agent that the request was for has exactly one of them, whether its command ended, it refused, or it was never
 * heard; so whoever wants to know who did not do what was asked needs no other event.
 * The words are in `ndjson.schema.json`.
 */
import type { Identity } from "../core/names.ts";
import type { Disposition, Exit } from "../protocol/reply.ts";
import type { MissingAgent } from "./attendance.ts";
import type { AgentVerdict, Verdict } from "./verdict.ts";

/** What `status` says of an agent that answered. */
export type ResultStatus = "ok" | "failed" | "refused" | "not_run" | "unfinished" | "not_targeted";

type AgentResult = {
  readonly type: "exit";
  readonly agent: Identity;
  readonly status: ResultStatus;
  /** In few words, the same for all agents that it is the same for; absent where all is well. */
  readonly reason: string | undefined;
  readonly [more: string]: unknown;
};

export function resultStatus(verdict: Verdict): ResultStatus {
  return verdict.replace(" ", "_") as ResultStatus;
}

/** @param disposition that of its hello, where no command has ended */
export function agentResult(
  { identity, verdict, trouble, sentence }: AgentVerdict,
  exit: Exit | undefined,
  disposition?: Disposition,
): AgentResult {
  const refusal = disposition !== undefined && "reason" in disposition ? disposition.reason : undefined;
  return {
    type: "exit",
    agent: identity,
    status: resultStatus(verdict),
    reason: trouble,
    message: sentence,
    refusal,
    ...(exit && ended(exit)),
  };
}

export function missingResult({ identity, lastSeen }: MissingAgent) {
  return {
    type: "missing",
    agent: identity,
    status: "missing",
    last_seen: lastSeen === undefined ? undefined : new Date(lastSeen).toISOString(),
  } as const;
}

function ended({ ending, status, signal, runTime, stdout, stderr, dropped, leftOpen, detail }: Exit) {
  return {
    ending,
    exit_status: status,
    signal,
    seconds: secondsOf(runTime),
    stdout_bytes: stdout,
    stderr_bytes: stderr,
    dropped_bytes: dropped,
    left_open: leftOpen || undefined,
    detail,
  };
}

/** Milliseconds as programs get them, to the millisecond. */
export function secondsOf(milliseconds: number): number {
  return Math.round(milliseconds) / 1000;
}

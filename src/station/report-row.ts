/** One agent in a report: when it was heard, when its command started and ended, and what became of it; pure. */
import type { Identity } from "../core/names.ts";
import { seconds } from "../core/text.ts";
import { type ResultStatus, resultStatus } from "./agent-result.ts";
import { lastSeenText, type MissingAgent } from "./attendance.ts";
import type { AgentRecord } from "./roster.ts";
import { endOfRun } from "./run-times.ts";
import type { AgentVerdict } from "./verdict.ts";

export type ReportStatus = Exclude<ResultStatus, "not_targeted"> | "missing";

/** Those in trouble first: the order of rows and of figures. */
export const REPORT_STATUSES: readonly ReportStatus[] = [
  "failed",
  "refused",
  "unfinished",
  "not_run",
  "missing",
  "ok",
];

/** Times are milliseconds from the request; undefined where it did not come to that. */
export type ReportRow = {
  readonly identity: Identity;
  readonly status: ReportStatus;
  /** In few words: `exit status 1 · 0.80 s`. */
  readonly what: string;
  readonly heard: number | undefined;
  readonly started: number | undefined;
  readonly ended: number | undefined;
};

export function answeredRow(agent: AgentRecord, { verdict, trouble }: AgentVerdict): ReportRow | undefined {
  const status = resultStatus(verdict);
  if (status === "not_targeted") return undefined;
  const { hello, roundTrip, startedAfter, endedAfter } = agent;
  const exit = endOfRun(agent);
  const ran = exit === undefined ? [] : [seconds(exit.runTime)];
  return {
    identity: hello.identity,
    status,
    what: [...(trouble === undefined ? [] : [trouble]), ...ran].join(" · "),
    heard: roundTrip,
    started: startedAfter,
    ended: endedAfter,
  };
}

/** @param now milliseconds since the epoch */
export function missingRow({ identity, lastSeen }: MissingAgent, now: number): ReportRow {
  const none = { heard: undefined, started: undefined, ended: undefined };
  return { identity, status: "missing", what: lastSeenText(lastSeen, now), ...none };
}

/** `not run`, as people read it. */
export function statusText(status: ReportStatus): string {
  return status.replace("_", " ");
}

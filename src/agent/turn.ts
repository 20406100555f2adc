/**
 * When an admitted command may start, or why it never does.
 *
 *   slot ──▶ is its station there? ──▶ was it issued by now? ──▶ is it fresh? ──▶ start
 *    ▲               │ no
 *    └── it is back ─┴─▶ wait without the slot ──▶ 10 s later: its station has gone
 *
 * The station is asked for only where a command had to wait: a slot that is free is taken within moments of the
 * request. Whoever waits for a station gives the slot back meanwhile, and then queues up again: commands that
 * nobody waits for any more must not keep one that somebody waits for from its turn.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import type { JobSlots } from "../exec/job-slots.ts";
import type { AgentHub } from "../hub/agent-hub.ts";
import type { RunRequest } from "../protocol/request.ts";
import type { Answer } from "./admit.ts";
import { STATION_GONE } from "./reply-sender.ts";

/** Between two looks for a station that is away, in milliseconds; it renews its sign of life every five seconds. */
const LOOK_AGAIN = 500;

export type TurnParts = {
  readonly slots: JobSlots;
  readonly clock: Clock;
  readonly hub: Pick<AgentHub, "backlog">;
  /** The agent is stopping: nobody waits any more. */
  readonly leaveQueue: AbortSignal;
  /** Which bound of freshness a request has passed by now, as `stalenessAtTurn` names it. */
  readonly staleness: (request: RunRequest) => string | undefined;
};

/** The command never starts. */
export type NoTurn =
  | { readonly release: undefined; readonly ending: "cancelled"; readonly detail: undefined }
  | {
      readonly release: undefined;
      readonly ending: "never-started" | "never-released";
      readonly detail: string;
    };

export type Turn =
  /** The command may start now; `release` gives its slot back. */
  { readonly release: () => void } | NoTurn;

export type RunAnswer = Extract<Answer, { decision: "run" }>;

/** Of a station: `unknown` where the hub did not say while it was of use. */
type Presence = "there" | "away" | "unknown";

const EXPIRED = "its turn did not come while the request was valid";
const CLOCK_CHANGED = "the agent's clock was changed";
const STATION_HAS_GONE = "its station has gone";
const HUB_SILENT = "the hub did not say whether its station is there";

/**
 * Waits for as long as the request is valid, or a released run could have been held. A slot that is free is taken before this returns its promise:
 * nobody else may come between decision and slot.
 *
 * @param end ends the command; its reason is `"cancelled"` or `"stopped"`
 */
export async function takeTurn(answer: RunAnswer, parts: TurnParts, end: AbortSignal): Promise<Turn> {
  const { slots, clock, hub, leaveQueue } = parts;
  const { request, start } = answer;
  const expires = request.holdUntil ?? request.expires;
  // By a timer, so that a clock that is set back makes nobody wait for longer.
  const validity = AbortSignal.timeout(Math.max(0, expires - clock.wall()));
  const signal = AbortSignal.any([leaveQueue, validity, end]);
  const never = (detail: string): Turn => {
    if (end.reason === "cancelled") return { release: undefined, ending: "cancelled", detail: undefined };
    const isStopping = leaveQueue.aborted || end.aborted;
    const why = isStopping ? "the agent is stopping" : detail;
    return { release: undefined, ending: "never-started", detail: why };
  };
  const look = async (): Promise<Presence> => {
    try {
      const { isStationThere } = await hub.backlog(request.replyAddress, signal);
      return isStationThere ? "there" : "away";
    } catch {
      return "unknown";
    }
  };

  for (;;) {
    const release = await slots.take(request.command, signal, answer.concurrency);
    if (release === undefined) return never(EXPIRED);
    const presence = start === "queued" ? await look() : "there";
    if (presence === "there") {
      const late = await untilIssued(request, parts, signal);
      if (late === undefined) return { release };
      release();
      return never(late);
    }
    release();
    const gone = presence === "away" ? await untilBack(look, clock, signal) : HUB_SILENT;
    if (gone !== undefined) return never(gone);
  }
}

/**
 * Waits for a station that was away just now: after a restart of Redis it is for some seconds.
 *
 * @returns undefined once it is back
 */
async function untilBack(
  look: () => Promise<Presence>,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | undefined> {
  const since = clock.monotonic();
  for (;;) {
    await sleep(LOOK_AGAIN, undefined, { signal }).catch(() => {});
    if (signal.aborted) return EXPIRED;
    const presence = await look();
    if (presence === "there") return undefined;
    if (presence === "unknown") return HUB_SILENT;
    if (clock.monotonic() - since >= STATION_GONE) return STATION_HAS_GONE;
  }
}

/**
 * A command never starts before it was issued, by our clock: then no request that has run is dated later than the
 * moment at which a lost state directory is noticed, and `born` refuses it for ever. The clock may be set while we
 * wait, for a turn or for the time of issue.
 *
 * @returns why the command cannot start any more; undefined where it can, at once
 */
async function untilIssued(
  request: RunRequest,
  { staleness, clock }: TurnParts,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (;;) {
    const bound = staleness(request);
    if (bound !== undefined) return bound === "future" || bound === "uptime" ? CLOCK_CHANGED : EXPIRED;
    const early = request.issued - clock.wall();
    if (early <= 0) return undefined;
    await sleep(early, undefined, { signal }).catch(() => {});
    if (signal.aborted) return EXPIRED;
  }
}

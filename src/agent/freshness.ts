/** Whether what a station says comes in time, by an agent's clock and by what it remembers. Source: PROTOCOL.md §5. */
import { MAX_FUTURE, MAX_HOLD, MAX_VALIDITY } from "../protocol/limits.ts";
import type { RunRequest } from "../protocol/request.ts";

export type ReplayState = {
  /** Requests issued up to here may have been forgotten. */
  readonly born: number;
  /** Requests that expire up to here have been forgotten. */
  readonly floor: number;
  readonly has: (session: Uint8Array) => boolean;
};

/** What freshness is judged by; times in milliseconds. */
export type Instant = {
  /** Since the epoch, by this agent's clock. */
  readonly now: number;
  /** How long this process has been up, by the monotonic clock. */
  readonly uptime: number;
  readonly replay: ReplayState;
};

/**
 * `detail` names the bound that was passed and `bound` its value, so that an operator can tell a slow hub from
 * a wrong clock.
 */
export type Staleness = { readonly detail: string; readonly bound: number };

/**
 * Why a message is not fresh; undefined where it is.
 *
 * @param most how long it may be valid, in milliseconds
 */
export function staleness(
  { issued, expires }: Pick<RunRequest, "issued" | "expires">,
  { now, uptime, replay }: Instant,
  most: number = MAX_VALIDITY,
): Staleness | undefined {
  if (expires <= issued) return stale("validity", issued);
  if (expires - issued > most) return stale("validity", issued + most);
  if (issued > now + MAX_FUTURE) return stale("future", now + MAX_FUTURE);
  if (expires <= now) return stale("expired", now);
  if (expires <= replay.floor) return stale("floor", replay.floor);
  if (issued <= replay.born) return stale("born", replay.born);
  if (now - issued > uptime) return stale("uptime", Math.floor(now - uptime));
  return undefined;
}

/** Of a run whose turn has come: one that was held has its own last moment. */
export function stalenessAtTurn(
  { issued, expires, holdUntil }: Pick<RunRequest, "issued" | "expires" | "holdUntil">,
  instant: Instant,
): Staleness | undefined {
  return holdUntil === undefined
    ? staleness({ issued, expires }, instant)
    : staleness({ issued, expires: holdUntil }, instant, MAX_HOLD);
}

function stale(detail: string, bound: number): Staleness {
  return { detail, bound };
}

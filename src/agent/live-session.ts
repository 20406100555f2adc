/**
 * A session of which a command runs, waits or is held here, and what later messages of a station may do to it.
 *
 *   held ──go──▶ released ──▶ over
 *     └─ a go that is not fresh, or no longer allowed; hold-until; cancel; the agent stops ──▶ over
 *
 * Pure. A hold is left once and never entered again, so of two goes the second has nothing to do, whichever it is:
 * that is all that "a higher sequence" comes to. Source: PROTOCOL.md §5.
 */
import type { CommandName, Identity } from "../core/names.ts";
import { equalBytes } from "../protocol/crypto.ts";
import { GO_VALIDITY } from "../protocol/limits.ts";
import type { GoRequest } from "../protocol/request.ts";
import { type Instant, staleness } from "./freshness.ts";

/** What must be the same in a later message of a session as in the one that opened it. */
export type SessionKeys = {
  readonly networkKey: Uint8Array;
  readonly stationKey: Uint8Array;
  readonly challenge: Uint8Array;
};

export type LiveSession = SessionKeys & {
  /** Whether its command waits for a `go`. */
  readonly isHeld: boolean;
  /** Undefined for what runs none. */
  readonly command: CommandName | undefined;
};

/** What an agent has of the session that a go names. */
export type Addressee = {
  readonly identity: Identity;
  /** Undefined where nothing of the session is here any more. */
  readonly live: LiveSession | undefined;
  /** Whether the session has been here since this process started. */
  readonly isOver: boolean;
  /** Whether its station may run the command by what the agent is told now. */
  readonly isAllowed: boolean;
};

/** Where a go leads. */
export type GoJudgement =
  /** It is for others, or nothing is left for it to do. */
  | { readonly leads: "nowhere"; readonly why: "not-named" | "other-session" | "replayed" | "stale" }
  /** Nothing is known of its session here: the agent was restarted. */
  | { readonly leads: "gone" }
  | { readonly leads: "release" }
  /** The hold ends, and the command never starts; `why` is for people. */
  | { readonly leads: "withdraw"; readonly why: string };

/** Whether a message comes from elsewhere than the one that opened the session. */
export function isFromElsewhere(live: SessionKeys, message: SessionKeys): boolean {
  if (!equalBytes(live.networkKey, message.networkKey)) return true;
  if (!equalBytes(live.stationKey, message.stationKey)) return true;
  if (!equalBytes(live.challenge, message.challenge)) return true;
  return false;
}

/**
 * What a go does to the session that it names.
 *
 * One that comes too late, by this agent's clock, ends the hold: whether the hub has kept it back or a clock is wrong,
 * the station learns of it at once, and a slot of its rollout is free; to run the command would be worse than either.
 */
export function judgeGo(
  go: Pick<GoRequest, "identities" | "issued" | "expires">,
  keys: SessionKeys,
  { identity, live, isOver, isAllowed }: Addressee,
  instant: Instant,
): GoJudgement {
  if (!go.identities.includes(identity)) return { leads: "nowhere", why: "not-named" };
  const stale = staleness(go, instant, GO_VALIDITY);
  if (live === undefined) {
    if (stale !== undefined) return { leads: "nowhere", why: "stale" };
    return isOver ? { leads: "nowhere", why: "replayed" } : { leads: "gone" };
  }
  if (isFromElsewhere(live, keys)) return { leads: "nowhere", why: "other-session" };
  if (!live.isHeld) return { leads: "nowhere", why: "replayed" };
  if (stale !== undefined) return { leads: "withdraw", why: `the release was not fresh: ${stale.detail}` };
  if (!isAllowed) return { leads: "withdraw", why: "this base station key may not run the command any more" };
  return { leads: "release" };
}

/**
 * When a station has waited long enough.
 *
 *   nobody it is meant for has answered ──hello──▶ agents are active ──last exit──▶ all have finished
 *              │ hello wait                            │ reply wait                      │ minimum wait
 *              ▼                                       ▼                                 ▼
 *             over                               over, expired                          over
 *
 * From the first and the last state it is also over once everybody is accounted for: as many agents have
 * answered as the hub counted receivers, or all that were named where only names were. Agents that are known
 * besides and could be meant get a moment longer.
 * Time in which nothing could be heard counts for no wait; a hub that stays silent ends the session in the end.
 * A rollout says itself who is active, and keeps the session up until nobody is and nobody is to be released.
 * The count comes from a stranger: it decides how long to wait, never what is called complete. No clock, no
 * I/O: `follower.ts` feeds it and sleeps until `deadline`.
 * Source: PROTOCOL.md §8.
 */

import type { Deaf } from "./hub-watch.ts";

/** Durations in milliseconds; `Infinity` is no end. */
export type WaitPolicy = {
  readonly helloWait: number;
  readonly replyWait: number;
  readonly minimumWait: number;
  /** The operator asked for this minimum wait: nothing cuts it short. */
  readonly isMinimumExplicit: boolean;
  /** How long the hub may be silent at least; 30 s where it is not said. */
  readonly hubWait?: number;
};

/**
 * After an interrupt, in milliseconds: how long agents have to confirm that their commands have ended (an agent
 * gives a command 10 s between SIGTERM and SIGKILL), and how long a hello that was on its way has to arrive.
 */
export const CONFIRMATION_WAIT = 15_000;
const STRAGGLER_WAIT = 500;
/** How long known agents that the hub has not counted get from the request on, in milliseconds, at least. */
const SETTLING_TIME = 500;
/** And in terms of the slowest first answer. */
const SETTLING_FACTOR = 3;

/** In milliseconds: so long the station's own sign of life counts at the hub. */
const HUB_WAIT = 30_000;
/** And at most: a list of replies to which nothing is added has expired by then (PROTOCOL.md §7). */
const LONGEST_HUB_WAIT = 600_000;

export type Session = {
  /** Later by the time in which nothing could be heard. */
  readonly sentAt: number;
  /** How many receivers the hub counted; 0 where it counts for nothing. */
  readonly counted: number;
  /** Agents that answered, whatever they said. */
  readonly answered: number;
  /** Those of them for whom the request was meant. */
  readonly addressed: number;
  /** Those of them that are running or queued. */
  readonly active: number;
  /** Agents known from before, for whom the request could be meant, that have not answered. */
  readonly awaited: number;
  /** Agents that can answer at all and have not; undefined where anybody may. */
  readonly unheardNames: number | undefined;
  /** Milliseconds from the request to the last first answer. */
  readonly slowestHello: number;
  readonly lastSign: number;
  /** Before that nobody was silent. */
  readonly listeningSince: number;
  /** When the operator asked the agents to end; from then on only their confirmation is waited for. */
  readonly interruptedAt: number | undefined;
  /** Agents wait to be released, or are still running: their rollout says when it is over, and who is active. */
  readonly isRollingOut: boolean;
  readonly end: undefined | "all-heard" | "waited" | "reply-wait-expired" | "interrupted" | "hub-silent";
};

export type SessionEvent =
  | {
      readonly kind: "hello";
      readonly isAddressed: boolean;
      readonly isActive: boolean;
      readonly isAwaited: boolean;
      /** Whether it is one of those that alone can answer. */
      readonly isNamed?: boolean;
    }
  /** A genuine answer of which nothing can be used. */
  | { readonly kind: "worthless-hello" }
  | { readonly kind: "sign-of-life" }
  | { readonly kind: "finished" }
  /** Who is active is for the rollout to say. */
  | { readonly kind: "rollout"; readonly inFlight: number; readonly isOver: boolean }
  | Deaf
  /** And for so long that nobody waits any more. */
  | { readonly kind: "hub-silent" }
  | { readonly kind: "interrupted" }
  /** Of what had been said by now, all has been heard. */
  | { readonly kind: "tick" };

/** What is no agent's word. */
const NO_REPLIES: ReadonlySet<SessionEvent["kind"]> = new Set([
  "tick",
  "interrupted",
  "rollout",
  "deaf",
  "hub-silent",
]);

/** @param now any clock that never goes back, in milliseconds; the same for every call */
export function newSession(
  now: number,
  counted: number,
  awaited: number,
  unheardNames?: number | undefined,
  isRollingOut = false,
): Session {
  return {
    sentAt: now,
    counted,
    answered: 0,
    addressed: 0,
    active: 0,
    awaited,
    unheardNames,
    slowestHello: 0,
    lastSign: now,
    listeningSince: now,
    interruptedAt: undefined,
    isRollingOut,
    end: undefined,
  };
}

export function step(session: Session, event: SessionEvent, now: number, waits: WaitPolicy): Session {
  // What arrived along with the reply that ended it still counts: the agent that it is from is not done.
  const isReply = !NO_REPLIES.has(event.kind);
  if (session.end !== undefined && !isReply) return session;
  if (event.kind === "hub-silent") return { ...session, end: event.kind };
  // A hub can make worthless hellos as long as it likes.
  const lastSign = isReply && event.kind !== "worthless-hello" ? now : session.lastSign;
  const interruptedAt = session.interruptedAt ?? (event.kind === "interrupted" ? now : undefined);
  const next = { ...apply(session, event, now), lastSign, interruptedAt };
  return { ...next, end: judge(next, now, waits) };
}

/** When the session would be over if nobody said anything more. */
export function deadline(session: Session, waits: WaitPolicy): number {
  if (session.interruptedAt !== undefined) {
    return session.interruptedAt + (session.active > 0 ? CONFIRMATION_WAIT : STRAGGLER_WAIT);
  }
  if (session.isRollingOut) return Infinity;
  if (session.active > 0) return Math.max(session.lastSign, session.listeningSince) + waits.replyWait;
  return heardAt(session, waits);
}

/**
 * How long the hub may be silent, in milliseconds: as long as agents that are active may, and at least as long as a
 * restart of Redis takes; without end for nobody.
 */
export function hubPatience(
  { active, isRollingOut }: Session,
  { replyWait, hubWait = HUB_WAIT }: WaitPolicy,
): number {
  const forAgents = active > 0 || isRollingOut ? replyWait : 0;
  return Math.min(LONGEST_HUB_WAIT, Math.max(hubWait, forAgents));
}

/** When the session is over whether the hub lives or not. @param aliveAt when the hub was heard the last time */
export function overAt(session: Session, aliveAt: number, waits: WaitPolicy): number {
  if (session.interruptedAt !== undefined) return deadline(session, waits);
  return aliveAt + hubPatience(session, waits);
}

/** When whoever wanted to answer has answered, as far as can be known. */
export function heardAt(session: Session, waits: WaitPolicy): number {
  const waited = session.sentAt + (session.addressed === 0 ? waits.helloWait : waits.minimumWait);
  return isEverybodyHeard(session) && !waits.isMinimumExplicit
    ? Math.min(waited, settledAt(session))
    : waited;
}

/**
 * How many of those that the hub counted were waited for and did not answer. Nobody, where all that alone can be meant
 * have answered: the session then ends without the others. Nor where it ended before all had the time to answer.
 */
export function unheardOf(session: Session, waits: WaitPolicy): number {
  const { counted, answered, unheardNames, end, interruptedAt, lastSign } = session;
  if (end === undefined || interruptedAt !== undefined || unheardNames === 0) return 0;
  // A hub that fell silent may have kept their answers; what came after their time shows that it had not.
  if (end === "hub-silent" && lastSign < heardAt(session, waits)) return 0;
  return Math.max(0, counted - answered);
}

/**
 * When agents that are known and have not answered are missing, though the session goes on: when it would be over,
 * were nobody active.
 */
export function rollCallAt(session: Session, waits: WaitPolicy): number {
  if (session.active === 0 || session.interruptedAt !== undefined) return Infinity;
  return heardAt(session, waits);
}

function apply(session: Session, event: SessionEvent, now: number): Session {
  const { answered, addressed, active } = session;
  switch (event.kind) {
    case "hello":
      return {
        ...session,
        answered: answered + 1,
        addressed: addressed + Number(event.isAddressed),
        active: active + Number(event.isActive),
        awaited: session.awaited - Number(event.isAwaited),
        unheardNames: session.unheardNames && session.unheardNames - Number(event.isNamed ?? false),
        slowestHello: now - session.sentAt,
      };
    case "worthless-hello":
      return { ...session, answered: answered + 1 };
    case "rollout":
      return { ...session, active: event.inFlight, isRollingOut: !event.isOver };
    case "finished":
      return { ...session, active: active - 1 };
    case "deaf":
      return { ...session, sentAt: session.sentAt + now - event.since, listeningSince: event.returnBy };
    case "sign-of-life":
    case "hub-silent":
    case "interrupted":
    case "tick":
      return session;
  }
}

function judge(session: Session, now: number, waits: WaitPolicy): Session["end"] {
  const isInterrupted = session.interruptedAt !== undefined;
  const maySettle = isInterrupted || (!waits.isMinimumExplicit && now >= settledAt(session));
  if (session.active === 0 && !session.isRollingOut && isEverybodyHeard(session) && maySettle)
    return "all-heard";
  if (now < deadline(session, waits)) return undefined;
  if (isInterrupted) return "interrupted";
  return session.active > 0 ? "reply-wait-expired" : "waited";
}

/** Whether all have answered that the hub counted, or that were named where only names were. */
export function isEverybodyHeard({ counted, answered, unheardNames }: Session): boolean {
  return unheardNames === 0 || (counted > 0 && answered >= counted);
}

/** When known agents that could still answer have had the time for it. */
function settledAt({ sentAt, awaited, slowestHello }: Session): number {
  return awaited === 0 ? sentAt : sentAt + Math.max(SETTLING_TIME, SETTLING_FACTOR * slowestHello);
}

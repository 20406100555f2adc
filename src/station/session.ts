/**
 * When a station has waited long enough.
 *
 *   nobody it is meant for has answered ──hello──▶ agents are active ──last exit──▶ all have finished
 *              │ hello wait                            │ reply wait                      │ minimum wait
 *              ▼                                       ▼                                 ▼
 *             over                               over, expired                          over
 *
 * From the first and the last state it is also over once everybody is accounted for: as many agents have
 * answered as the hub counted receivers. The count comes from a stranger: it decides how long to wait, never
 * what is called complete. No clock, no I/O: `station.ts` feeds it and sleeps until `deadline`.
 * Source: PROTOCOL.md §8.
 */

/** Durations in milliseconds; `Infinity` is no end. */
export type WaitPolicy = {
  readonly helloWait: number;
  readonly replyWait: number;
  readonly minimumWait: number;
  /** The operator asked for this minimum wait: nothing cuts it short. */
  readonly isMinimumExplicit: boolean;
};

export type Session = {
  readonly sentAt: number;
  /** How many receivers the hub counted; 0 where it counts for nothing. */
  readonly counted: number;
  /** Agents that answered, whatever they said. */
  readonly answered: number;
  /** Those of them for whom the request was meant. */
  readonly addressed: number;
  /** Those of them that are running or queued. */
  readonly active: number;
  readonly lastSign: number;
  readonly end: undefined | "all-heard" | "waited" | "reply-wait-expired";
};

export type SessionEvent =
  | { readonly kind: "hello"; readonly isAddressed: boolean; readonly isActive: boolean }
  /** A genuine answer of which nothing can be used. */
  | { readonly kind: "worthless-hello" }
  | { readonly kind: "sign-of-life" }
  | { readonly kind: "finished" }
  | { readonly kind: "tick" };

/** @param now any clock that never goes back, in milliseconds; the same for every call */
export function newSession(now: number, counted: number): Session {
  return { sentAt: now, counted, answered: 0, addressed: 0, active: 0, lastSign: now, end: undefined };
}

export function step(session: Session, event: SessionEvent, now: number, waits: WaitPolicy): Session {
  if (session.end !== undefined) return session;
  const next = { ...apply(session, event), lastSign: event.kind === "tick" ? session.lastSign : now };
  return { ...next, end: judge(next, now, waits) };
}

/** When the session would be over if nobody said anything more. */
export function deadline(session: Session, waits: WaitPolicy): number {
  if (session.active > 0) return session.lastSign + waits.replyWait;
  if (session.addressed === 0) return session.sentAt + waits.helloWait;
  return session.sentAt + waits.minimumWait;
}

function apply(session: Session, event: SessionEvent): Session {
  const { answered, addressed, active } = session;
  switch (event.kind) {
    case "hello":
      return {
        ...session,
        answered: answered + 1,
        addressed: addressed + Number(event.isAddressed),
        active: active + Number(event.isActive),
      };
    case "worthless-hello":
      return { ...session, answered: answered + 1 };
    case "finished":
      return { ...session, active: active - 1 };
    case "sign-of-life":
    case "tick":
      return session;
  }
}

function judge(session: Session, now: number, waits: WaitPolicy): Session["end"] {
  if (session.active === 0 && isEverybodyHeard(session) && !waits.isMinimumExplicit) return "all-heard";
  if (now < deadline(session, waits)) return undefined;
  return session.active > 0 ? "reply-wait-expired" : "waited";
}

function isEverybodyHeard({ counted, answered }: Session): boolean {
  return counted > 0 && answered >= counted;
}

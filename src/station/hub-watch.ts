/**
 * Whether the hub can be heard: nobody is silent in a time in which it kept replies back, or brought them nowhere.
 *
 *   asked every second, and whenever a wait is over ──▶ answered: nothing is unread ──▶ proven: whoever was not heard
 *        │ no answer for 2 s, or a failure                                             until the question was silent
 *        ▼
 *   deaf ──answered, or replies come──▶ alive: all waits go on, longer by that time; agents get some to come back
 *
 * Pure. Replies prove that the hub lives, not that nothing else waits there. Time that we did not listen ourselves,
 * as our reader stood still, is deaf as well, and not the hub's fault.
 */
import { LONGEST_RETURN } from "../hub/reconnecting-link.ts";

/** Milliseconds, as all that follows: between two questions. */
const EVERY = 1_000;
/** Between two questions while a wait is over and something is unread: it is on its way. */
const SOON = 50;
/** Beyond that an agent that says every five seconds that it lives could be lost within the least reply wait. */
const DEAF = 2_000;
/** A hub that has been silent for so long is worth a line. */
const WORTH_SAYING = 3_000;

export type HubWatch = {
  /** When it was last heard. */
  readonly aliveAt: number;
  /** What agents had said by then has all been read. */
  readonly provenAt: number;
  /** Of the last question. */
  readonly askedAt: number;
  readonly isAsking: boolean;
  /** A question has failed since it was last heard. */
  readonly hasFailed: boolean;
  readonly isSaid: boolean;
};

/** Nothing could be heard for some time, which counts for nobody. */
export type Deaf = {
  readonly kind: "deaf";
  readonly since: number;
  /** Until then agents may be on their way back to the hub, and are not silent either. */
  readonly returnBy: number;
};

/** What follows from a sign of life, or from its absence. */
export type Heard = {
  readonly watch: HubWatch;
  readonly deaf?: Deaf;
  /** The operator was told that nothing is heard: for how many milliseconds it was. */
  readonly saidFor?: number;
};

export function newHubWatch(now: number): HubWatch {
  return {
    aliveAt: now,
    provenAt: now,
    askedAt: now,
    isAsking: false,
    hasFailed: false,
    isSaid: false,
  };
}

/** When the hub is to be asked next; `Infinity` while it is. @param due when the next wait is over */
export function askAt({ provenAt, askedAt, isAsking, hasFailed }: HubWatch, due: number): number {
  if (isAsking) return Infinity;
  if (due <= provenAt || hasFailed) return askedAt + EVERY;
  return Math.min(askedAt + EVERY, askedAt < due ? due : askedAt + SOON);
}

/** When the operator is to be told that nothing is heard. */
export function sayAt({ aliveAt, isSaid }: HubWatch): number {
  return isSaid ? Infinity : aliveAt + WORTH_SAYING;
}

export function asked(watch: HubWatch, now: number): HubWatch {
  return { ...watch, askedAt: now, isAsking: true };
}

/** @param answer whether replies are unread; undefined where the question failed, or replies cannot be read */
export function answered(watch: HubWatch, answer: boolean | undefined, now: number): Heard {
  const rested = { ...watch, isAsking: false };
  if (answer === undefined) return { watch: { ...rested, hasFailed: true } };
  // One who says for ever that there is more, and never brings it, is not alive.
  if (answer) return { watch: rested };
  return replied({ ...rested, provenAt: watch.askedAt }, now);
}

/** Replies have come. */
export function replied(watch: HubWatch, now: number): Heard {
  const { aliveAt, hasFailed, isSaid } = watch;
  const alive = { ...watch, aliveAt: now, hasFailed: false, isSaid: false };
  if (!hasFailed && now - aliveAt <= DEAF) return { watch: alive };
  const deaf = { kind: "deaf", since: aliveAt, returnBy: now + LONGEST_RETURN } as const;
  return { watch: alive, deaf, ...(isSaid && { saidFor: now - aliveAt }) };
}

/** For some time, until now, we have not listened. */
export function inattentive(watch: HubWatch, now: number): HubWatch {
  return { ...watch, aliveAt: now };
}

export function said(watch: HubWatch): HubWatch {
  return { ...watch, isSaid: true };
}

/** Whether somebody who meant to look at `planned` looks so late that he stood still himself. */
export function isLate(planned: number, now: number): boolean {
  return now - planned > DEAF;
}

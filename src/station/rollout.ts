/**
 * Who is released when: a run that agents hold, a few at a time.
 *
 *   held ──release──▶ in flight ──exit──▶ settled
 *                       │     ▲
 *        silent for the │     │ it speaks after all
 *            reply wait ▼     │
 *                        lost, its slot is free
 *
 * Never more than the bound are in flight: an agent counts from before its release is sent until its exit has come, or
 * until it can be neither about to start (the release has expired) nor running (it would have said so meanwhile). One
 * that stands still, or is cut off, while it runs says nothing all the same: what that comes to is kept, to be said.
 * Pure: events and a time go in, a new state and what is to be sent come out. Source: PROTOCOL.md §8.
 */
import { compareNames } from "../core/name-set.ts";
import type { Identity } from "../core/names.ts";
import { LONGEST_RETURN } from "../hub/reconnecting-link.ts";
import { GO_VALIDITY } from "../protocol/limits.ts";
import type { Deaf } from "./hub-watch.ts";
import { countOf } from "./rollout-plan.ts";
import type { Fleet, Flight, Rollout, StopReason } from "./rollout-state.ts";
import { without, withoutKey } from "./without.ts";

export type RolloutEvent =
  | { readonly kind: "held"; readonly identity: Identity; readonly isPinned: boolean }
  /** All who answer in time have answered. */
  | { readonly kind: "gathered" }
  | { readonly kind: "sign"; readonly identity: Identity }
  | {
      readonly kind: "exit";
      readonly identity: Identity;
      readonly isWell: boolean;
      /** The command never started there. */
      readonly isUnbegun?: boolean;
    }
  /** It was restarted, and knows nothing of what it held. */
  | { readonly kind: "gone"; readonly identity: Identity }
  /** Nothing that it says is believed any more. */
  | { readonly kind: "silenced"; readonly identity: Identity }
  | Deaf
  /** And for so long that nobody waits any more. */
  | { readonly kind: "hub-silent" }
  | { readonly kind: "interrupted" }
  /** What agents had said until `heard` has been read, all of it. */
  | { readonly kind: "tick"; readonly heard: number };

/** What is to be sent. */
export type RolloutEffects = {
  /** In the order of their names. */
  readonly release: readonly Identity[];
  /** Of those that were released before and have not answered. */
  readonly again: readonly Identity[];
  /** Those that are held need not wait. */
  readonly withdraw: boolean;
};

/**
 * A release that is not answered is sent again, so many milliseconds after the first, and once more when an agent that
 * had lost the hub is surely back: Redis keeps nothing for one that is away.
 */
const AGAIN = [1_000, 3_000, 6_000, 12_000, LONGEST_RETURN + 2_000];
/** How long those that were told that they are not released have to confirm it, in milliseconds. */
const WITHDRAWAL_WAIT = 2_000;

export function stepRollout(
  before: Rollout,
  event: RolloutEvent,
  now: number,
): { readonly rollout: Rollout; readonly effects: RolloutEffects } {
  // Whoever is silent is found out when nothing else is to be read.
  const heard = event.kind === "tick" ? loseSilent(before, event.heard) : apply(before, event, now);
  const emptied = before.inFlight.size > 0 && heard.inFlight.size === 0;
  const settled = emptied ? { ...heard, emptiedAt: now } : heard;
  const judged = { ...settled, stopped: settled.stopped ?? reasonToStop(settled, now) };
  const release = nextReleases(judged, now);
  const again = judged.stopped === undefined ? unanswered(judged, now) : [];
  const sent = send(judged, release, again, now);
  const withdraw = isToWithdraw(sent);
  const rollout = withdraw ? { ...sent, withdrawnAt: now } : sent;
  return { rollout: { ...rollout, isOver: isOver(rollout, now) }, effects: { release, again, withdraw } };
}

/** When the next tick is due, if nothing is heard before. */
export function rolloutDeadline(rollout: Rollout): number {
  const { fleet, held, inFlight, plan, emptiedAt, stopped, withdrawnAt, releaseBy, isOver: over } = rollout;
  if (fleet === undefined || over) return Infinity;
  const flights = [...inFlight.values()].flatMap((flight) => [
    stopped === undefined ? againAt(flight) : Infinity,
    silentAt(flight, rollout),
  ]);
  const isWaiting = held.size > 0 && stopped === undefined;
  return Math.min(
    ...flights,
    isWaiting ? releaseBy : Infinity,
    isWaiting && inFlight.size === 0 && emptiedAt !== undefined ? emptiedAt + plan.pause : Infinity,
    withdrawnAt === undefined || inFlight.size > 0 ? Infinity : withdrawnAt + WITHDRAWAL_WAIT,
  );
}

function apply(rollout: Rollout, event: Exclude<RolloutEvent, { kind: "tick" }>, now: number): Rollout {
  switch (event.kind) {
    case "held":
      return { ...rollout, held: new Map(rollout.held).set(event.identity, event.isPinned) };
    case "gathered":
      return rollout.fleet === undefined ? { ...rollout, fleet: gather(rollout) } : rollout;
    case "sign":
      return heardOf(afterLoss(rollout, event.identity, now), event.identity, now);
    case "exit": {
      const known = event.isUnbegun ? rollout : afterLoss(rollout, event.identity, now);
      return exited(known, event.identity, event.isWell);
    }
    case "gone": {
      // To the first release: then it has not started, and will not.
      const isSure = rollout.inFlight.get(event.identity)?.goes === 1;
      if (isSure) return exited(rollout, event.identity, false);
      return failedIn(heardOf(rollout, event.identity, now), event.identity);
    }
    case "silenced":
      return rollout.held.has(event.identity)
        ? exited(rollout, event.identity, false)
        : failedIn(rollout, event.identity);
    case "deaf":
      return { ...deafened(rollout, event.since, now), listeningSince: event.returnBy };
    case "hub-silent":
    case "interrupted":
      return { ...rollout, stopped: rollout.stopped ?? event.kind, withdrawnAt: now };
  }
}

/** The canaries are the first of those whose keys are known from before. */
function gather({ plan, held }: Rollout): Fleet {
  const size = held.size;
  const pinned = [...held].filter(([, isPinned]) => isPinned).map(([identity]) => identity);
  return {
    bound: plan.parallel === undefined ? Infinity : countOf(plan.parallel, size, "at most"),
    budget: plan.maxFailures === undefined ? Infinity : countOf(plan.maxFailures, size, "at least"),
    canaries: new Set(pinned.sort(compareNames).slice(0, plan.canary)),
  };
}

function heardOf(rollout: Rollout, identity: Identity, now: number): Rollout {
  const { held, inFlight, settled, failed, lost } = rollout;
  const flight = inFlight.get(identity);
  if (flight !== undefined)
    return { ...rollout, inFlight: new Map(inFlight).set(identity, { ...flight, lastSign: now }) };
  // One that runs without a release takes a slot as well.
  if (!lost.has(identity) && !held.has(identity)) return rollout;
  const back = { releasedAt: now, goes: AGAIN.length + 1, lastGo: now, lastSign: now };
  return {
    ...rollout,
    held: withoutKey(held, identity),
    inFlight: new Map(inFlight).set(identity, back),
    settled: without(settled, identity),
    failed: without(failed, identity),
    lost: withoutKey(lost, identity),
  };
}

/** Keeps that one which was lost was at it, if more may have been at once than should. */
function afterLoss(rollout: Rollout, identity: Identity, now: number): Rollout {
  const loss = rollout.lost.get(identity);
  if (loss === undefined || loss.atOnce <= (rollout.fleet?.bound ?? Infinity)) return rollout;
  return { ...rollout, overlaps: new Map(rollout.overlaps).set(identity, now - loss.since) };
}

function exited(rollout: Rollout, identity: Identity, isWell: boolean): Rollout {
  const { held, inFlight, settled, failed, lost, fleet } = rollout;
  if (held.has(identity)) {
    // It will not be released any more; where it was to go first, that is a failure.
    const isCanary = fleet?.canaries.has(identity) === true;
    const left = { ...rollout, held: withoutKey(held, identity) };
    return isCanary ? { ...left, failed: new Set(failed).add(identity) } : left;
  }
  if (!inFlight.has(identity) && !lost.has(identity)) return rollout;
  return {
    ...rollout,
    inFlight: withoutKey(inFlight, identity),
    settled: new Set(settled).add(identity),
    failed: isWell ? without(failed, identity) : new Set(failed).add(identity),
    lost: withoutKey(lost, identity),
  };
}

/** It is no good any more, and may still run: its slot is free when a silent one's would be. */
function failedIn(rollout: Rollout, identity: Identity): Rollout {
  if (!rollout.inFlight.has(identity)) return rollout;
  return { ...rollout, failed: new Set(rollout.failed).add(identity) };
}

/** A release that was sent into that time, and has not been answered, is sent again as if the time had not been. */
function deafened(rollout: Rollout, since: number, now: number): Rollout {
  const inFlight = [...rollout.inFlight].map(([identity, flight]) => {
    const { releasedAt } = flight;
    return [identity, { ...flight, releasedAt: releasedAt + now - Math.max(since, releasedAt) }] as const;
  });
  return { ...rollout, inFlight: new Map(inFlight) };
}

function loseSilent(rollout: Rollout, now: number): Rollout {
  const { inFlight, settled, failed, lost } = rollout;
  const silent = new Map([...inFlight].filter(([, flight]) => now >= silentAt(flight, rollout)));
  if (silent.size === 0) return rollout; // mutant: equivalent, copies of the same
  const losses = [...silent].map(([identity, { lastSign, releasedAt }]) => {
    return [identity, { since: lastSign ?? releasedAt, atOnce: 0 }] as const;
  });
  return {
    ...rollout,
    inFlight: new Map([...inFlight].filter(([identity]) => !silent.has(identity))),
    settled: new Set([...settled, ...silent.keys()]),
    failed: new Set([...failed, ...silent.keys()]),
    lost: new Map([...lost, ...losses]),
  };
}

function reasonToStop(
  { plan, fleet, held, failed, releaseBy }: Rollout,
  now: number,
): StopReason | undefined {
  if (fleet === undefined) return undefined;
  if (held.size > 0 && fleet.canaries.size < plan.canary) return "canaries-absent";
  const hasCanaryFailed = [...fleet.canaries].some((identity) => failed.has(identity));
  if (hasCanaryFailed && plan.maxFailures === undefined) return "canary-failed";
  if (failed.size >= fleet.budget) return "failures";
  if (held.size > 0 && now >= releaseBy) return "hold-over";
  return undefined;
}

function nextReleases(rollout: Rollout, now: number): readonly Identity[] {
  const { fleet, stopped, held, inFlight, plan, emptiedAt } = rollout;
  if (fleet === undefined || stopped !== undefined) return [];
  const inBatches = plan.pause > 0;
  if (inBatches && inFlight.size > 0) return [];
  if (inBatches && emptiedAt !== undefined && now < emptiedAt + plan.pause) return [];
  const canaries = [...fleet.canaries];
  const isCanaryTime = canaries.some((identity) => held.has(identity) || inFlight.has(identity));
  const waiting = isCanaryTime ? canaries.filter((identity) => held.has(identity)) : [...held.keys()];
  return waiting.sort(compareNames).slice(0, Math.max(0, fleet.bound - inFlight.size));
}

function unanswered({ inFlight }: Rollout, now: number): readonly Identity[] {
  return [...inFlight].filter(([, flight]) => now >= againAt(flight)).map(([identity]) => identity);
}

function send(
  rollout: Rollout,
  release: readonly Identity[],
  again: readonly Identity[],
  now: number,
): Rollout {
  if (release.length === 0 && again.length === 0) return rollout; // mutant: equivalent, copies of the same
  const inFlight = new Map(rollout.inFlight);
  for (const identity of again) {
    const flight = inFlight.get(identity);
    if (flight !== undefined) inFlight.set(identity, sentAgain(flight, now));
  }
  for (const identity of release)
    inFlight.set(identity, { releasedAt: now, goes: 1, lastGo: now, lastSign: undefined });
  const held = new Map([...rollout.held].filter(([identity]) => !release.includes(identity)));
  const lost = [...rollout.lost].map(([identity, { since, atOnce }]) => {
    return [identity, { since, atOnce: Math.max(atOnce, inFlight.size + rollout.lost.size) }] as const;
  });
  return { ...rollout, held, inFlight, lost: new Map(lost) };
}

/** Once, however many times have passed while nothing could be sent. */
function sentAgain(flight: Flight, now: number): Flight {
  const passed = AGAIN.filter((after) => now >= flight.releasedAt + after);
  return { ...flight, goes: 1 + passed.length, lastGo: now };
}

/** Not where somebody is lost: he would be told to end what he may still be doing. Holds end by themselves. */
function isToWithdraw({ stopped, inFlight, held, lost, withdrawnAt }: Rollout): boolean {
  return (
    stopped !== undefined && withdrawnAt === undefined && inFlight.size + lost.size === 0 && held.size > 0
  );
}

function isOver({ fleet, inFlight, held, stopped, withdrawnAt }: Rollout, now: number): boolean {
  if (inFlight.size > 0) return false;
  if (held.size === 0) return fleet !== undefined || stopped !== undefined;
  if (stopped === undefined) return false;
  return withdrawnAt === undefined || now >= withdrawnAt + WITHDRAWAL_WAIT;
}

function againAt({ goes, releasedAt, lastSign }: Flight): number {
  return lastSign === undefined ? releasedAt + (AGAIN[goes - 1] ?? Infinity) : Infinity;
}

function silentAt({ lastGo, lastSign }: Flight, { plan, listeningSince }: Rollout): number {
  return Math.max(lastSign ?? lastGo + GO_VALIDITY, listeningSince) + plan.replyWait;
}

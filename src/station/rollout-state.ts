/** What is known of a rollout at one moment; `rollout.ts` says how one follows from another. */
import type { Identity } from "../core/names.ts";
import type { RolloutPlan } from "./rollout-plan.ts";

/** Why nobody else is released. */
export type StopReason =
  | "interrupted"
  | "hub-silent"
  | "canaries-absent"
  | "canary-failed"
  | "failures"
  | "hold-over";

export type Rollout = {
  readonly plan: RolloutPlan;
  /** After that nobody is released: what agents hold is void soon. */
  readonly releaseBy: number;
  /** Undefined until all who answer in time have answered. */
  readonly fleet: Fleet | undefined;
  /** Those that wait for their release; true: their key is pinned from before. */
  readonly held: ReadonlyMap<Identity, boolean>;
  /** Before that nobody could be heard, or agents were on their way back to the hub: nobody was silent. */
  readonly listeningSince: number;
  readonly inFlight: ReadonlyMap<Identity, Flight>;
  /** Released, and their slot is free again. */
  readonly settled: ReadonlySet<Identity>;
  /** Released and not well, in flight or settled. */
  readonly failed: ReadonlySet<Identity>;
  /** Of those: nothing was heard of them for so long that their slot is given to others. */
  readonly lost: ReadonlyMap<Identity, Loss>;
  /** Heard of after all when others had their slot: for how many milliseconds they had said nothing. */
  readonly overlaps: ReadonlyMap<Identity, number>;
  /** When nobody was in flight any more, the last time. */
  readonly emptiedAt: number | undefined;
  readonly stopped: StopReason | undefined;
  /** When those that are not released were told so. */
  readonly withdrawnAt: number | undefined;
  /** Nobody is in flight, and nobody is waited for. */
  readonly isOver: boolean;
};

/** What is fixed once the rollout begins. */
export type Fleet = {
  readonly bound: number;
  /** Failures at which it stops. */
  readonly budget: number;
  readonly canaries: ReadonlySet<Identity>;
};

export type Flight = {
  readonly releasedAt: number;
  /** Releases that were sent, or whose time has passed. */
  readonly goes: number;
  readonly lastGo: number;
  /** Undefined: it has not answered the release. */
  readonly lastSign: number | undefined;
};

export type Loss = {
  /** When it was heard of the last time, or released where it never was. */
  readonly since: number;
  /** The most that may have been at it at once after a later release, whoever is lost among them. */
  readonly atOnce: number;
};

/** @param releaseBy by the clock of all the times that follow: any that never goes back, in milliseconds */
export function newRollout(plan: RolloutPlan, releaseBy: number): Rollout {
  return {
    plan,
    releaseBy,
    fleet: undefined,
    held: new Map(),
    listeningSince: 0,
    inFlight: new Map(),
    settled: new Set(),
    failed: new Set(),
    lost: new Map(),
    overlaps: new Map(),
    emptiedAt: undefined,
    stopped: undefined,
    withdrawnAt: undefined,
    isOver: false,
  };
}

/** Where a rollout is, and what it says of those whom it did not release, or of whom nothing was heard. */
import { compareNames, foldNames } from "../core/name-set.ts";
import type { Identity } from "../core/names.ts";
import { count } from "../core/text.ts";
import type { Rollout } from "./rollout-state.ts";

/** What a rollout knows of an agent that the agent does not say. */
export type Fate =
  /** It never started the command, and never will. */
  | { readonly is: "not-released"; readonly why: string }
  /** It was released, and then nothing was heard of it for the reply wait. */
  | { readonly is: "lost" };

export type RolloutProgress = {
  readonly released: number;
  /** From 1 on, once anybody is released. */
  readonly batch: number;
  readonly batches: number;
};

export function progressOf({ fleet, held, inFlight, settled }: Rollout): RolloutProgress {
  const released = inFlight.size + settled.size;
  const bound = fleet?.bound ?? Infinity;
  const canaries = fleet?.canaries.size ?? 0;
  const batchesOf = (agents: number) => (bound === Infinity ? Number(agents > 0) : Math.ceil(agents / bound));
  const first = Math.min(canaries, released);
  return {
    released,
    batch: batchesOf(first) + batchesOf(released - first),
    batches: batchesOf(canaries) + batchesOf(Math.max(0, released + held.size - canaries)),
  };
}

/** Where a rollout is at one moment, as an operator wants to know who sees nothing happen. */
export type RolloutStage = {
  /** Whether those that go first are at it, or have just been. */
  readonly isCanary: boolean;
  /** Milliseconds until the pause is over; undefined where none is. */
  readonly nextBatchIn: number | undefined;
};

/** @param now by the clock of the rollout's events */
export function stageOf(rollout: Rollout, now: number): RolloutStage {
  const { fleet, held, inFlight, settled, emptiedAt, stopped, plan } = rollout;
  const canaries = fleet?.canaries.size ?? 0;
  const isPausing = plan.pause > 0 && held.size > 0 && inFlight.size === 0 && stopped === undefined;
  return {
    isCanary: canaries > 0 && inFlight.size + settled.size <= canaries,
    nextBatchIn: isPausing && emptiedAt !== undefined ? Math.max(0, emptiedAt + plan.pause - now) : undefined,
  };
}

/** Undefined for what the agent itself has the last word on. */
export function fateOf(rollout: Rollout, identity: Identity): Fate | undefined {
  if (rollout.lost.has(identity)) return { is: "lost" };
  if (rollout.inFlight.has(identity) || rollout.settled.has(identity)) return undefined;
  return { is: "not-released", why: reasonOf(rollout) };
}

/** Why nobody else was released, in words that follow "not run:". */
function reasonOf({ stopped, failed, fleet, plan }: Rollout): string {
  switch (stopped) {
    case "interrupted":
      return "interrupted before its turn";
    case "hub-silent":
      return "the hub fell silent before its turn";
    case "canaries-absent":
      return `only ${count(fleet?.canaries.size ?? 0, "agent")} of the ${plan.canary} that should go first can`;
    case "canary-failed":
      return `of those that went first ${named(failed)} failed`;
    case "failures":
      return `${named(failed)} failed`;
    case "hold-over":
      return "its turn did not come within the hour";
    case undefined:
      return "it answered when all was over";
  }
}

/** Names of agents that are named, at most. */
const MAX_NAMED = 3;

function named(agents: ReadonlySet<Identity>): string {
  const names = foldNames([...agents].sort(compareNames));
  return names.length <= MAX_NAMED ? names.join(", ") : count(agents.size, "agent");
}

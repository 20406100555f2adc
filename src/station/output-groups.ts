/** Which agents came to the same: what is folded into one group under their folded names. */
import { compareNames } from "../core/name-set.ts";
import type { Identity } from "../core/names.ts";

/** One agent, as it is compared with others. */
export type Comparable = {
  readonly identity: Identity;
  /** Equal where the output is. */
  readonly digest: string;
  /** How it ended, in words; undefined where all is well. */
  readonly trouble: string | undefined;
  /** False where its command never began, or nobody knows: such follow upon those that failed. */
  readonly hasRun?: boolean;
  /** Why not all of its output could be kept; then it is equal to nobody's. */
  readonly cut?: string | undefined;
};

export type OutputGroup<One extends Comparable> = {
  /** As people count; never empty. */
  readonly agents: readonly [One, ...One[]];
  readonly digest: string;
  readonly trouble: string | undefined;
};

/** Those in trouble first, and of them those that ran; then the larger groups first; among equals by name. */
export function groupOutputs<One extends Comparable>(agents: readonly One[]): readonly OutputGroup<One>[] {
  const byName = [...agents].sort((one, other) => compareNames(one.identity, other.identity));
  const groups = new Map<string, [One, ...One[]]>();
  for (const agent of byName) {
    const key = JSON.stringify([agent.digest, agent.trouble]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [agent]);
    else group.push(agent);
  }
  return [...groups.values()]
    .map((group) => ({ agents: group, digest: group[0].digest, trouble: group[0].trouble }))
    .sort((one, other) => {
      return rankOf(one) - rankOf(other) || other.agents.length - one.agents.length;
    });
}

function rankOf({ agents: [first], trouble }: OutputGroup<Comparable>): number {
  if (trouble === undefined) return 2;
  return first.hasRun === false ? 1 : 0;
}

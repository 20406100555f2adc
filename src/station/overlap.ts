/** What is said of agents that were heard of after all when others had their place in a rollout. */
import { count, seconds } from "../core/text.ts";
import type { Finding } from "./finding.ts";
import type { Rollout } from "./rollout-state.ts";

/** In the order in which they were heard of: the last is the newest. */
export function overlapsOf({ overlaps, fleet }: Rollout): readonly Finding[] {
  const bound = count(fleet?.bound ?? 0, "agent");
  const so = `so more than ${bound} may have been at it at once`;
  return [...overlaps].map(([identity, silence]) => ({
    agents: [identity],
    sentence: `${identity} came back after it had said nothing for ${seconds(silence)}: others had its place, ${so}`,
    ofSeveral: ` came back after they had said nothing for too long: others had their places, ${so}`,
  }));
}

/** Who is at it: those that run the command, have it queued, or were released to run it, and have not ended. */
import type { Identity } from "../core/names.ts";
import type { AgentRecord } from "./roster.ts";
import { verdictSoFar } from "./verdict.ts";

/** @param inFlight of a rollout: of those that hold the command, these alone may run it */
export function activeAgents(
  agents: readonly AgentRecord[],
  inFlight: Pick<ReadonlyMap<Identity, unknown>, "has"> = new Map(),
): readonly Identity[] {
  const active = agents.filter((agent) => {
    const { identity, disposition } = agent.hello;
    return verdictSoFar(agent) === undefined && (disposition.is !== "held" || inFlight.has(identity));
  });
  return active.map(({ hello }) => hello.identity);
}

/** Who is at it: those that run the command, have it queued, or were released to run it, and have not ended. */
import type { Identity } from "../core/names.ts";
import type { AgentRecord } from "./roster.ts";

/** @param inFlight of a rollout: of those that hold the command, these alone may run it */
export function activeAgents(
  agents: readonly AgentRecord[],
  inFlight: Pick<ReadonlyMap<Identity, unknown>, "has"> = new Map(),
): readonly Identity[] {
  const active = agents.filter(({ hello: { identity, disposition }, exit, isSilenced }) => {
    if (exit !== undefined || isSilenced) return false;
    return disposition.is === "held"
      ? inFlight.has(identity)
      : ["running", "queued"].includes(disposition.is);
  });
  return active.map(({ hello }) => hello.identity);
}

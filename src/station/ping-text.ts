/** What a ping shows once all have answered: a table, or who would run a command. */
import type { Attendance, MissingAgent } from "./attendance.ts";
import { pingTable } from "./ping-table.ts";
import { planText } from "./plan-text.ts";
import type { AgentRecord } from "./roster.ts";
import type { StationParts } from "./station-parts.ts";

/** Nothing where the form of output has said it all. */
export function pingText(
  { plan, clock, output, store }: Pick<StationParts, "plan" | "clock" | "output" | "store">,
  agents: readonly AgentRecord[],
  missing: readonly MissingAgent[],
  { unheardNames }: Pick<Attendance, "unheardNames">,
): string {
  if (plan === undefined) return pingTable(agents);
  const canOthersFit = unheardNames === undefined;
  return output === "ndjson" ? "" : planText(plan, agents, store.pins, missing, clock.wall(), canOthersFit);
}

/** The table of `cb station ping`: who is there, how far away, which version, which tags, what time it is there. */
import { printable } from "../core/text.ts";
import type { AgentRecord } from "./roster.ts";
import { table } from "./table.ts";

/** One line for each agent that is present, columns aligned. */
export function pingTable(agents: readonly AgentRecord[]): string {
  return table(agents.filter(({ hello }) => hello.disposition.is === "present").map(cells), 1);
}

function cells({ hello, roundTrip, heardAt }: AgentRecord): readonly string[] {
  const { identity, software, tags, time } = hello;
  const version = `cb ${printable(software)}`;
  // The agent read its clock about half a round trip before we heard of it.
  const tenths = Math.round((time - (heardAt - roundTrip / 2)) / 100);
  const clock = `clock ${tenths < 0 ? "-" : "+"}${(Math.abs(tenths) / 10).toFixed(1)} s`;
  return [identity, `${roundTrip.toFixed(1)} ms`, version, tags.join(",") || "-", clock];
}

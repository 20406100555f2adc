/** The table of `cb station ping`: who is there, how far away, which version, which tags, what time it is there. */
import { printable } from "../core/text.ts";
import type { AgentRecord } from "./roster.ts";
import { table } from "./table.ts";

/** In milliseconds. */
const SECOND = 1_000;
/** Milliseconds by which two clocks that are read to the whole millisecond may seem to differ. */
const GRAIN = 1;

/** One line for each agent that is present, columns aligned. */
export function pingTable(agents: readonly AgentRecord[]): string {
  return table(agents.filter(({ hello }) => hello.disposition.is === "present").map(cells), 1);
}

function cells({ hello, roundTrip, heardAt }: AgentRecord): readonly string[] {
  const { identity, software, tags, time } = hello;
  const version = `cb ${printable(software)}`;
  // The agent read its clock at some time of the round trip: half of it is how far the middle may be off.
  const error = roundTrip / 2;
  const clock = `clock ${offsetText(time - (heardAt - error), error)}`;
  return [identity, `${roundTrip.toFixed(1)} ms`, version, tags.join(",") || "-", clock];
}

/** In tenths of a second, which both clocks tell; nothing where it is within the error. Both are milliseconds. */
function offsetText(offset: number, error: number): string {
  // Beyond half a second the tenths would be made up.
  const [unit, digits] = error < SECOND / 2 ? [SECOND / 10, 1] : [SECOND, 0];
  const units = Math.abs(offset) <= error + GRAIN ? 0 : Math.round(offset / unit);
  return `${units < 0 ? "-" : "+"}${((Math.abs(units) * unit) / SECOND).toFixed(digits)} s`;
}

/** What `--plan` says: who would run a command, as far as a ping can tell. */
import { ago } from "../core/ago.ts";
import { foldNames } from "../core/name-set.ts";
import type { CommandName } from "../core/names.ts";
import { count } from "../core/text.ts";
import type { MissingAgent } from "./attendance.ts";
import type { AgentRecord } from "./roster.ts";

/**
 * @param agents all that answered
 * @param now milliseconds since the epoch
 */
export function planText(
  command: CommandName,
  agents: readonly AgentRecord[],
  missing: readonly MissingAgent[],
  now: number,
): string {
  const present = agents.filter(({ hello }) => hello.disposition.is === "present");
  const names = foldNames(present.map(({ hello }) => hello.identity)).join(",");
  const absent = missing.map(({ identity, lastSeen }) => {
    const seen = lastSeen === undefined ? "not known here" : `last seen ${ago(now - lastSeen)}`;
    return `no answer from ${identity} (${seen})\n`;
  });
  return [
    `"${command}" would be sent to ${count(present.length, "agent")}${names === "" ? "" : `: ${names}`}\n`,
    ...absent,
    "others that fit would get it too, if they listen by then\n",
  ].join("");
}

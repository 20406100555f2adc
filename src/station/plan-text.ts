/** What `--plan` says: who would run a command, as far as a ping can tell. */
import { foldNames } from "../core/name-set.ts";
import type { CommandName } from "../core/names.ts";
import { count } from "../core/text.ts";
import { lastSeenText, type MissingAgent } from "./attendance.ts";
import type { AgentRecord } from "./roster.ts";
import type { AgentVerdict } from "./verdict.ts";

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
    return `no answer from ${identity} (${lastSeenText(lastSeen, now)})\n`;
  });
  return [
    `${wouldRun(present.length, command)}${names === "" ? "" : `: ${names}`}\n`,
    ...absent,
    "others that fit would get it too, if they listen by then\n",
  ].join("");
}

/** The last line: that nothing was done. */
export function planSummary(command: CommandName, agents: readonly AgentVerdict[]): string {
  const would = agents.filter(({ verdict }) => verdict === "ok").length;
  return `${wouldRun(would, command)}; nothing ran`;
}

function wouldRun(agents: number, command: CommandName): string {
  return `${agents === 0 ? "no agent" : count(agents, "agent")} would run "${command}"`;
}

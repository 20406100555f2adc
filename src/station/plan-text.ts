/** What `--plan` says: who would be asked to run a command, and in which order, as far as a ping can tell. */
import { compareNames, foldNames } from "../core/name-set.ts";
import type { CommandName, Identity } from "../core/names.ts";
import { count, seconds } from "../core/text.ts";
import { lastSeenText, type MissingAgent } from "./attendance.ts";
import type { Pins } from "./pins.ts";
import { countOf, type RolloutPlan } from "./rollout-plan.ts";
import type { AgentRecord } from "./roster.ts";
import type { AgentVerdict } from "./verdict.ts";

/** Of which run a ping is to tell. */
export type Plan = { readonly command: CommandName; readonly rollout: RolloutPlan | undefined };

/**
 * Whether they have the command, a ping does not ask.
 *
 * @param agents all that answered
 * @param now milliseconds since the epoch
 * @param canOthersFit whether more than those that were named can be meant
 */
export function planText(
  { command, rollout }: Plan,
  agents: readonly AgentRecord[],
  pins: Pins,
  missing: readonly MissingAgent[],
  now: number,
  canOthersFit: boolean,
): string {
  const present = agents.filter(({ hello }) => hello.disposition.is === "present");
  const identities = present.map(({ hello }) => hello.identity);
  const names = foldNames(identities).join(",");
  const absent = missing.map(({ identity, lastSeen }) => {
    return `no answer from ${identity} (${lastSeenText(lastSeen, now)})\n`;
  });
  return [
    `${wouldRun(identities.length, command)}${names === "" ? "" : `: ${names}`}\n`,
    rollout === undefined || identities.length === 0 ? "" : `${orderOf(rollout, identities, pins)}\n`,
    ...absent,
    canOthersFit ? "others that fit would be asked too, if they listen by then\n" : "",
  ].join("");
}

/**
 * The last line: that nothing was done.
 *
 * @param isListed whether the reader has just seen who they are
 */
export function planSummary({ command }: Plan, agents: readonly AgentVerdict[], isListed: boolean): string {
  const would = agents.filter(({ verdict }) => verdict === "ok").length;
  return isListed ? "nothing ran" : `${wouldRun(would, command)}; nothing ran`;
}

function wouldRun(agents: number, command: CommandName): string {
  return `${agents === 0 ? "no agent" : count(agents, "agent")} would be asked to run "${command}"`;
}

/** `first canary web01, then 4 at a time` */
function orderOf(
  { canary, parallel, pause }: RolloutPlan,
  identities: readonly Identity[],
  pins: Pins,
): string {
  const pinned = identities.filter((identity) => pins.has(identity)).sort(compareNames);
  if (pinned.length < canary)
    return `but nothing would run: only ${pinned.length} of the ${count(canary, "agent")} that should go first can`;
  const bound = parallel && countOf(parallel, identities.length, "at most");
  const between = pause === 0 ? "" : `, with ${seconds(pause)} between batches`;
  const others = `${bound === undefined ? "all others at once" : `${bound} at a time`}${between}`;
  if (canary === 0) return others;
  const first = `first ${canary === 1 ? "canary" : "canaries"} ${foldNames(pinned.slice(0, canary)).join(",")}`;
  return pinned.length === canary && identities.length === canary ? first : `${first}, then ${others}`;
}

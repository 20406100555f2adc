/**
 * How long nothing has been heard of those that run something.
 *
 * Who was released in a rollout says every 5 s that it lives (PROTOCOL.md §6), and is dead if it does not. Of all others
 * silence is what it is: nothing was printed, or the agent is dead; the reply wait goes by the same.
 */
import { compareNames, foldNames } from "../core/name-set.ts";
import type { Identity } from "../core/names.ts";
import type { Flight } from "./rollout-state.ts";
import type { AgentRecord } from "./roster.ts";

/** What could be heard; times of one clock that never goes back, in milliseconds. */
export type Listening = {
  readonly publishedAt: number;
  /** Before that nobody was silent: the hub was, or we did not listen. */
  readonly listeningSince: number;
  /** What agents had said by then has all been heard. */
  readonly provenAt: number;
};

export type Runner = {
  readonly identity: Identity;
  /** Milliseconds, not below 0. */
  readonly silentFor: number;
};

/** Milliseconds of silence that are worth a word: two signs of life are overdue. */
const WORTH_SAYING = 12_000;
/** Agents that are named, folded, at most: to fold more takes longer than a line may that is drawn ten times a second. */
const MAX_NAMED = 200;

/** @param flight of one that was released: before that it had nothing to say */
export function runnerOf(
  { hello: { identity, disposition }, lastSign, startedAfter }: AgentRecord,
  { publishedAt, listeningSince, provenAt }: Listening,
  flight?: Pick<Flight, "releasedAt">,
): Runner {
  // Until its turn comes it says nothing more.
  if (disposition.is === "queued" && startedAfter === undefined) return { identity, silentFor: 0 };
  const since = Math.max(publishedAt + lastSign, listeningSince, flight?.releasedAt ?? 0);
  return { identity, silentFor: Math.max(0, provenAt - since) };
}

/** `web14, silent for 17 s; db[1-2]`: the longest silent first; "" where they are too many to be named. */
export function runnerNames(runners: readonly Runner[]): string {
  const silent = new Map<number, Runner[]>();
  for (const runner of runners) {
    if (runner.silentFor < WORTH_SAYING) continue;
    const whole = Math.floor(runner.silentFor / 1000);
    const ones = silent.get(whole) ?? [];
    silent.set(whole, ones);
    ones.push(runner);
  }
  const quiet = [...silent.values()].flat();
  if (quiet.length > MAX_NAMED) return "";
  const groups = [...silent].sort(([one], [other]) => other - one);
  const others = runners.filter(({ silentFor }) => silentFor < WORTH_SAYING);
  const parts = groups.map(([whole, ones]) => `${folded(ones)}, silent for ${whole} s`);
  if (runners.length > MAX_NAMED) return parts.length === 0 ? "" : [...parts, "…"].join("; ");
  return [...parts, ...(others.length === 0 ? [] : [folded(others)])].join("; ");
}

function folded(runners: readonly Runner[]): string {
  return foldNames(runners.map(({ identity }) => identity).sort(compareNames)).join(", ");
}

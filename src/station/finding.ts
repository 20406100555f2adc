/**
 * What is said of agents at the end of a session: a sentence for each, and one for all of whom the same is to be said.
 *
 *     web7: exit status 100 after 0.80 s: E: Unable to locate package nginz
 *     web[7,9] (2 agents): exit status 100: E: Unable to locate package nginz
 */
import { foldNames } from "../core/name-set.ts";
import type { Identity } from "../core/names.ts";
import { count } from "../core/text.ts";
import { shownNames } from "./shown-names.ts";
import { fitting, widthOf } from "./text-width.ts";

export type Finding = {
  /** Empty where it is about none of them. */
  readonly agents: readonly Identity[];
  /** The sentence, while it is about one. */
  readonly sentence: string;
  /** What follows the names where it is about several; undefined where each has a sentence of its own. */
  readonly ofSeveral?: string | undefined;
  /** The last words of the command: why, most likely. */
  readonly words?: string | undefined;
  /** What is before the names and behind them, where all of them are in it from the beginning: nothing is added. */
  readonly around?: readonly [before: string, behind: string] | undefined;
  /** That they were not heard, and nothing more. */
  readonly isAbsence?: boolean | undefined;
};

/** Columns of a terminal, and lines of it that the names and the whole of a sentence may take, about. */
export type Room = { readonly columns: number; readonly nameLines: number; readonly lines: number };

/** Columns of last words that say anything. */
const MIN_WORDS = 40;

/** Those of which the same is said, together, where the first of them stood. */
export function together(findings: readonly Finding[]): readonly Finding[] {
  const groups = new Map<string | symbol, Omit<Finding, "agents"> & { readonly agents: Identity[] }>();
  for (const finding of findings) {
    const { agents, ofSeveral, words } = finding;
    const key = ofSeveral === undefined ? Symbol() : JSON.stringify([ofSeveral, words]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { ...finding, agents: [...agents] });
    else for (const identity of agents) known.agents.push(identity);
  }
  return [...groups.values()];
}

/** @param room on a terminal; without it nothing is left out */
export function sentenceOf(finding: Finding, room?: Room): string {
  const { agents, sentence, ofSeveral = "", words, around } = finding;
  const names = () => shownNames(agents, room && room.columns * room.nameLines).join(", ");
  if (around !== undefined) return around.join(names());
  const said = agents.length < 2 ? sentence : `${names()} (${count(agents.length, "agent")})${ofSeveral}`;
  if (words === undefined) return said;
  const rest = room === undefined ? Infinity : room.columns * room.lines - widthOf(`${said}: `);
  return `${said}: ${fitting(words, Math.max(MIN_WORDS, rest))}`;
}

/** Names of all that these are about, folded. */
export function namesIn(findings: readonly Finding[]): readonly string[] {
  return foldNames(findings.flatMap(({ agents }) => agents));
}

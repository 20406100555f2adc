/**
 * Agents as an operator lists them: `web1,web[3-9],db*`, names, folds of them and patterns.
 *
 * Who writes a name without fold or pattern expects that very agent; a fold or a pattern is for those that are there.
 */
import { hasWildcard, type NamePattern, parseNamePattern } from "./name-pattern.ts";
import { splitNames, unfoldNames } from "./name-set.ts";
import type { Identity } from "./names.ts";

export type AgentList = {
  /** What covers the agents; folds are expanded. */
  readonly patterns: ReadonlySet<NamePattern>;
  /** Those that were written as they are. */
  readonly named: ReadonlySet<Identity>;
};

/** @throws {SyntaxError} for an empty list, or what is neither name nor fold nor pattern */
export function parseAgentList(text: string): AgentList {
  const patterns = new Set<NamePattern>();
  const named = new Set<Identity>();
  for (const part of splitNames(text)) {
    for (const name of unfoldNames(part)) {
      const pattern = parseNamePattern(name);
      patterns.add(pattern);
      if (name === part && !hasWildcard(pattern)) named.add(name as Identity);
    }
  }
  return { patterns, named };
}

/** All that is in any of them. */
export function joinAgentLists(lists: readonly AgentList[]): AgentList {
  return {
    patterns: new Set(lists.flatMap(({ patterns }) => [...patterns])),
    named: new Set(lists.flatMap(({ named }) => [...named])),
  };
}

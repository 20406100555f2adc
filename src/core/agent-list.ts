/**
 * Agents as an operator lists them: `web1,web[3-9],db*`, names, folds of them and patterns.
 *
 * Who writes a name without fold or pattern expects that very agent; a fold or a pattern is for those that are there.
 */
import { hasWildcard, isNamePattern, type NamePattern, parseNamePattern } from "./name-pattern.ts";
import { foldMeant, MAX_NAMES, splitNames, unfoldNames } from "./name-set.ts";
import type { Identity } from "./names.ts";
import { abridged } from "./text.ts";

export type AgentList = {
  /** What covers the agents; folds are expanded. */
  readonly patterns: ReadonlySet<NamePattern>;
  /** Those that were written as they are. */
  readonly named: ReadonlySet<Identity>;
  /** What was written with brackets, and the names that it stands for; none of those with a `*` or `?` besides. */
  readonly folds: ReadonlyMap<string, readonly Identity[]>;
};

/** @throws {SyntaxError} for an empty list, or what is neither name nor fold nor pattern */
export function parseAgentList(text: string): AgentList {
  const patterns = new Set<NamePattern>();
  const named = new Set<Identity>();
  const folds = new Map<string, readonly Identity[]>();
  for (const part of splitNames(text)) {
    const names = unfoldNames(part);
    if (part.includes("[") && !/[*?]/.test(part)) folds.set(part, names as readonly Identity[]);
    for (const name of names) {
      const meant = isNamePattern(name) ? undefined : foldMeant(part);
      if (meant !== undefined)
        throw new SyntaxError(`"${abridged(part)}": expected a range in brackets, as in ${meant.fold}`);
      const pattern = parseNamePattern(name);
      patterns.add(pattern);
      if (name === part && !hasWildcard(pattern)) named.add(name as Identity);
    }
  }
  return { patterns, named, folds };
}

/** All that is in any of them. @throws {SyntaxError} for more than 100 000, before the rest is looked at */
export function joinAgentLists(lists: Iterable<AgentList>): AgentList {
  const joined = {
    patterns: new Set<NamePattern>(),
    named: new Set<Identity>(),
    folds: new Map<string, readonly Identity[]>(),
  };
  for (const { patterns, named, folds } of lists) {
    for (const [fold, names] of folds) joined.folds.set(fold, names);
    for (const pattern of patterns) joined.patterns.add(pattern);
    for (const name of named) joined.named.add(name);
    if (joined.patterns.size > MAX_NAMES) throw new SyntaxError(`expected ${MAX_NAMES} agents at most`);
  }
  return joined;
}

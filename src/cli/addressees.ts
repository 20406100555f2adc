/** Whom a station means, of all the options that say so. */
import { type AgentList, joinAgentLists } from "../core/agent-list.ts";
import { CbError } from "../core/errors.ts";
import { hasWildcard, matchesName, type NamePattern, parseNamePattern } from "../core/name-pattern.ts";
import type { Tag, TagTerm } from "../core/names.ts";
import type { Values } from "../core/settings.ts";
import { MAX_IDENTITIES } from "../protocol/limits.ts";
import type { Target } from "../protocol/target.ts";
import type { Addressees } from "../station/messages.ts";
import { readAgentListFile } from "./agent-list-file.ts";
import type { targetSettings } from "./settings/target.ts";

export type Addressed = Addressees & {
  /** What of `--not-to` takes nobody out of those that are named: it is for others, or a mistake. */
  readonly spared: AgentList;
  /** The folds of those that are meant, each with the names that are left. */
  readonly folds: AgentList["folds"];
  /** All of `--not-to`, also where the target need not say it. */
  readonly excluded: readonly NamePattern[];
};

type Settings = Pick<Values<typeof targetSettings>, keyof typeof targetSettings>;

/**
 * Nothing is excluded on the wire that was not included: then an agent that knows of fewer kinds of targets can read it.
 *
 * @throws {CbError} `usage` where nobody is left, or too many are named; `file`
 */
export async function addresseesOf(settings: Settings): Promise<Addressed> {
  const { to, "not-to": notTo, "to-file": path } = settings;
  const wanted = joinAgentLists([to, ...(path === undefined ? [] : [await readAgentListFile(path)])]);
  const excluded = [...notTo.patterns];
  const isExcluded = (name: string) => excluded.some((pattern) => matchesName(pattern, name));
  const identities = [...wanted.patterns].filter((pattern) => hasWildcard(pattern) || !isExcluded(pattern));
  if (identities.length === 0 && wanted.patterns.size > 0) {
    throw new CbError("usage", "Cannot ask anybody: --not-to excludes all that are named");
  }
  // Where only names are meant, those that are excluded have just gone.
  const stillExcluded = identities.length === 0 || identities.some(hasWildcard) ? excluded : [];
  const target: Target = {
    tags: listed(tagsOf(settings.tags, false)),
    excludedTags: listed(tagsOf(settings.tags, true)),
    identities: listed(bounded("ask", identities)),
    excludedIdentities: listed(bounded("leave out", stillExcluded)),
  };
  const isForEverybody = Object.values(target).every((list) => list === undefined);
  const named = new Set([...wanted.named].filter((name) => !isExcluded(name)));
  const folds = new Map(
    [...wanted.folds].map(([fold, names]) => [fold, names.filter((name) => !isExcluded(name))]),
  );
  const spared = sparedBy(notTo, wanted);
  return { target: isForEverybody ? undefined : target, named, folds, excluded, spared };
}

function sparedBy(notTo: AgentList, { patterns: wanted }: AgentList): AgentList {
  const names = [...wanted].filter((pattern) => !hasWildcard(pattern));
  const isOfNoEffect = (pattern: NamePattern) =>
    hasWildcard(pattern) ? !names.some((name) => matchesName(pattern, name)) : !wanted.has(pattern);
  const patterns = new Set([...notTo.patterns].filter(isOfNoEffect));
  return {
    patterns,
    named: new Set([...notTo.named].filter((name) => patterns.has(parseNamePattern(name)))),
    // Whole: of one that takes out somebody who is named, only the rest may be a mistake.
    folds: notTo.folds,
  };
}

function tagsOf(terms: readonly TagTerm[], areExcluded: boolean): readonly Tag[] {
  const isExcluded = (term: TagTerm): term is `!${Tag}` => term.startsWith("!");
  const own = terms.filter((term) => isExcluded(term) === areExcluded);
  return own.map((term) => (isExcluded(term) ? term.slice(1) : term) as Tag);
}

function bounded(what: string, patterns: readonly NamePattern[]): readonly NamePattern[] {
  if (patterns.length <= MAX_IDENTITIES) return patterns;
  const hint = "Use tags or patterns such as web*, or ask in several runs";
  const why = `Cannot ${what} ${patterns.length} agents by name: expected at most ${MAX_IDENTITIES}`;
  throw new CbError("usage", why, { hint });
}

function listed<Item extends string>(items: readonly Item[]): readonly Item[] | undefined {
  return items.length === 0 ? undefined : [...items].sort();
}

/**
 * Names, patterns and tags that no agent has which is known here: said before anybody is asked.
 *
 * A name that is asked for and is wrong costs a wait and +64. One that is to be left out is worse: the command runs on
 * the very server that was to be spared, and all looks well (Ansible's `--limit '!typo'` is silent). Hence a plain name
 * on the command line is refused where agents are known and it is not one of them, and so is a fold without any of them,
 * or with other zeros than theirs; and a pattern, a fold of which some are there, a tag, or a line of station.toml that
 * outlived its server, which may rightly fit nobody today, is said and goes through. Nobody has the tag of
 * `--tags '!maintenance'` on a good day.
 */
import { CbError } from "../core/errors.ts";
import { hasWildcard, matchesName, type NamePattern, parseNamePattern } from "../core/name-pattern.ts";
import { foldMeant } from "../core/name-set.ts";
import type { Identity, Tag } from "../core/names.ts";
import { didYouMean, nearestName } from "../core/suggestion.ts";
import { matchesTarget, type Target } from "../protocol/target.ts";
import type { KnownAgent } from "../station/agents-table.ts";
import type { Addressed } from "./addressees.ts";
import { type Gap, gapsIn } from "./fold-doubts.ts";

type Names = Addressed & {
  /** Whether it stands on the command line who is left out. */
  readonly isTyped: boolean;
  /** Whether it is said elsewhere who of those that were named is not known. */
  readonly areNamesReported?: boolean;
};

/** Sentences, at most: a file may list thousands. */
export const MAX_SAID = 10;

/**
 * A sentence for each name, pattern and tag that fits no known agent; none where nobody is known: nothing can be told then.
 *
 * @throws {CbError} `usage` for a name or a fold that is to be left out, or a range without brackets, that nobody has
 */
export function doubtsAbout(
  { target, named, folds, spared, isTyped, areNamesReported = false }: Names,
  known: readonly KnownAgent[],
): readonly string[] {
  const names = new Set(known.map(({ identity }) => identity));
  const [strangers, unspared] = [named, spared.named].map((all) =>
    [...all].filter((name) => !names.has(name)),
  );
  for (const name of strangers ?? []) {
    if (foldMeant(name)?.isSure) throw refusal("ask", name, names);
  }
  const wrong = unspared?.find((name) => foldMeant(name)?.isSure || (isTyped && names.size > 0));
  if (wrong !== undefined) throw refusal("leave out", wrong, names);
  if (names.size === 0) return [];
  const unsparedFolds = gapsIn(spared.folds, names, (name) => !spared.patterns.has(parseNamePattern(name)));
  const wrongFold = unsparedFolds.find(({ isWhole, meant }) => isTyped && (isWhole || meant !== undefined));
  if (wrongFold !== undefined) throw foldRefusal(wrongFold);

  const wanted = target?.identities ?? [];
  const isElseMeant = named.size > 0 || known.some((agent) => matchesTarget({ identities: wanted }, agent));
  const doubts = [
    // Each is compared with all that are known; and a list of so many new ones is no slip of the finger.
    ...(strangers ?? []).slice(0, MAX_SAID).flatMap((name) => {
      const meant = agentMeant(name, names);
      return meant === "" || areNamesReported ? [] : [`${name} is not known here${meant}`];
    }),
    // Where nobody else is asked for, the end says so.
    ...(isElseMeant ? fittingNobody(wanted, names) : []).map(
      (pattern) => `no agent known here is called ${pattern}`,
    ),
    ...gapsIn(folds, names).flatMap((gap) => {
      const { fold, isWhole, sentence, meant } = gap;
      if (!isWhole) return `${sentence}${didMean(gap)}`;
      return isElseMeant || meant !== undefined ? `no agent known here is called ${fold}${didMean(gap)}` : [];
    }),
    ...tagDoubts(target, known),
    ...(unspared ?? []).map((name, at) => {
      return `${name} ${LEAVES_OUT_NOBODY}${at < MAX_SAID ? agentMeant(name, names) : ""}`;
    }),
    ...fittingNobody(spared.patterns, names).map((pattern) => `${pattern} ${LEAVES_OUT_NOBODY}`),
    ...unsparedFolds.map((gap) => {
      const { fold, isWhole, sentence } = gap;
      return `${isWhole ? `${fold} ${LEAVES_OUT_NOBODY}` : sentence}${didMean(gap)}`;
    }),
  ];
  const more = doubts.length - MAX_SAID;
  return more > 0 ? [...doubts.slice(0, MAX_SAID), `and so with ${more} more`] : doubts;
}

/** `, did you mean "web[01-05]"?` of what is no agent's name, or nothing. */
export function agentMeant(name: string, names: Iterable<string>): string {
  const meant = foldMeant(name)?.fold ?? nearestName(name, names);
  return didMean({ meant });
}

function didMean({ meant }: Pick<Gap, "meant">): string {
  return meant === undefined ? "" : `, did you mean "${meant}"?`;
}

const LEAVES_OUT_NOBODY = "leaves out nobody that is known here";

function refusal(verb: string, name: Identity, names: ReadonlySet<Identity>): CbError {
  const why = `no agent of that name is known${agentMeant(name, names)}`;
  const options = foldMeant(name)?.isSure ? {} : { hint: makeKnown(name) };
  return new CbError("usage", `Cannot ${verb} "${name}": ${why}`, options);
}

function foldRefusal(gap: Gap): CbError {
  const { fold, isWhole, sentence, meant } = gap;
  const why = `${isWhole ? "no agent of these names is known" : sentence}${didMean(gap)}`;
  // A pattern of other zeros would leave out other agents.
  const options = meant === undefined ? { hint: makeKnown(fold) } : {};
  return new CbError("usage", `Cannot leave out "${fold}": ${why}`, options);
}

function makeKnown(name: string): string {
  return `"cb station ping" makes agents known; a pattern, such as "${name}*", need not be known`;
}

/** Of patterns, those with a wildcard that fit nobody. */
function fittingNobody(
  patterns: Iterable<NamePattern>,
  names: ReadonlySet<Identity>,
): readonly NamePattern[] {
  const fits = (pattern: NamePattern) => [...names].some((name) => matchesName(pattern, name));
  return [...patterns].filter((pattern) => hasWildcard(pattern) && !fits(pattern));
}

/** By what was heard last, which agents that are known by their keys alone have not told. */
function tagDoubts(
  { tags = [], excludedTags = [] }: Target = {},
  known: readonly KnownAgent[],
): readonly string[] {
  const heard = known.filter(({ record }) => record !== undefined);
  if (heard.length === 0) return [];
  const there = new Set(heard.flatMap((agent) => agent.tags));
  const strange = (tags: readonly Tag[]) => tags.filter((tag) => !there.has(tag));
  return [
    ...strange(tags).map((tag) => `no agent known here has the tag ${tag}${didYouMean(tag, there)}`),
    ...strange(excludedTags).map((tag) => `!${tag} ${LEAVES_OUT_NOBODY}${didYouMean(tag, there)}`),
  ];
}

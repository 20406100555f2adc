/**
 * Folds of which not all names are known here: a fold is a list of names, and `web[1-3]` means nobody where agents are
 * called web01, web02 and web03.
 */
import type { AgentList } from "../core/agent-list.ts";
import { foldNames } from "../core/name-set.ts";
import type { Identity } from "../core/names.ts";
import { withoutPadding } from "../core/suggestion.ts";
import { abridged } from "../core/text.ts";

/** A fold of which some names are not known. */
export type Gap = {
  /** As it was written. */
  readonly fold: string;
  /** Whether none of its names is known. */
  readonly isWhole: boolean;
  /** `10 of the names in web[01-40] are not known: web[31-40]` */
  readonly sentence: string;
  /** The known agents that were meant, where its numbers are only padded otherwise. */
  readonly meant: string | undefined;
};

/** @param isTaken whether a name need not be known, as somebody who was named has it */
export function gapsIn(
  folds: AgentList["folds"],
  known: ReadonlySet<Identity>,
  isTaken: (name: Identity) => boolean = () => false,
): readonly Gap[] {
  let others: ReadonlyMap<string, Identity> | undefined;
  const isThere = (name: Identity) => known.has(name) || isTaken(name);
  return [...folds].flatMap(([fold, names]) => {
    const strange = names.filter((name) => !isThere(name));
    if (strange.length === 0) return [];
    others ??= new Map([...known].map((name) => [withoutPadding(name), name]));
    const verb = strange.length === 1 ? "is" : "are";
    return {
      fold: abridged(fold),
      isWhole: strange.length === names.length,
      sentence: `${strange.length} of the names in ${abridged(fold)} ${verb} not known: ${folded(strange)}`,
      meant: meantBy(names, isThere, others),
    };
  });
}

function meantBy(
  names: readonly Identity[],
  isThere: (name: Identity) => boolean,
  others: ReadonlyMap<string, Identity>,
): string | undefined {
  const otherOf = (name: Identity) => others.get(withoutPadding(name));
  if (!names.some((name) => !isThere(name) && otherOf(name) !== undefined)) return undefined;
  return folded(names.flatMap((name) => (isThere(name) ? name : (otherOf(name) ?? []))));
}

function folded(names: readonly Identity[]): string {
  return abridged(foldNames(names).join(","));
}

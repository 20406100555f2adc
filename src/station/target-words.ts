/** A target in words, for sentences about agents: `no agent has the tags eu,web and is called web[1-3]`. */
import { foldNames } from "../core/name-set.ts";
import { abridged } from "../core/text.ts";
import type { Target } from "../protocol/target.ts";

/** What an agent does that a target means; names folded, long lists cut. */
export function targetWords({ tags, excludedTags, identities, excludedIdentities }: Target): string {
  const parts: readonly (readonly [words: string, names: string | undefined])[] = [
    [tags?.length === 1 ? "has the tag" : "has the tags", tags?.join(",")],
    [excludedTags?.length === 1 ? "is without the tag" : "has none of the tags", excludedTags?.join(",")],
    ["is called", identities && listed(identities)],
    ["is not called", excludedIdentities && listed(excludedIdentities)],
  ];
  return parts.flatMap(([words, names]) => (names === undefined ? [] : [`${words} ${names}`])).join(" and ");
}

function listed(names: readonly string[]): string {
  return abridged(foldNames(names).join(","));
}

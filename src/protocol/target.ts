/**
 * Whom a request is for, on the wire and in words.
 *
 *     { tags: ["web"], excluded-tags: ["eu"], identities: ["db*", "web1"], excluded-identities: ["web9"] }
 *
 * All that is said must hold; what is not said is left out, so that an agent that knows of tags alone can read a
 * target of tags. Agent and station judge by the same function: who is meant is known at both ends.
 * Source: PROTOCOL.md §4.
 */
import { isNamePattern, matchesName, type NamePattern } from "../core/name-pattern.ts";
import { type Identity, isName, MAX_TAGS, type Tag } from "../core/names.ts";
import { type CborMap, malformed } from "./cbor.ts";
import { type Fields, fieldMap } from "./fields.ts";
import { MAX_IDENTITIES } from "./limits.ts";

/** At least one of these; none is empty, all are sorted. */
export type Target = {
  /** The agent has every one of them. */
  readonly tags?: readonly Tag[] | undefined;
  /** The agent has none of them. */
  readonly excludedTags?: readonly Tag[] | undefined;
  /** One of them covers the agent's name. */
  readonly identities?: readonly NamePattern[] | undefined;
  /** None of them covers the agent's name. */
  readonly excludedIdentities?: readonly NamePattern[] | undefined;
};

/** What of an agent a target is about. */
export type Targeted = { readonly identity: Identity; readonly tags: readonly Tag[] };

const FIELDS = ["tags", "excluded-tags", "identities", "excluded-identities"];

export function targetMap({ tags, excludedTags, identities, excludedIdentities }: Target): CborMap {
  return fieldMap({
    tags,
    "excluded-tags": excludedTags,
    identities,
    "excluded-identities": excludedIdentities,
  });
}

/** @returns whether a target has no field that this program does not know */
export function isTargetKnown(target: Fields): boolean {
  return target.unknownAmong(FIELDS).length === 0;
}

/**
 * A target of which all fields are known.
 *
 * @throws {CbError} `message-malformed`, also for one that says nothing: it is no way to mean everybody
 */
export function readTarget(fields: Fields): Target {
  const tags = (key: string) =>
    fields.has(key) ? fields.names(key, isName<Tag>, { least: 1, most: MAX_TAGS }) : undefined;
  const patterns = (key: string) =>
    fields.has(key) ? fields.names(key, isNamePattern, { least: 1, most: MAX_IDENTITIES }) : undefined;
  const target = {
    tags: tags("tags"),
    excludedTags: tags("excluded-tags"),
    identities: patterns("identities"),
    excludedIdentities: patterns("excluded-identities"),
  };
  if (Object.values(target).every((list) => list === undefined)) throw malformed("target is empty");
  return target;
}

/** Whether an agent is among those that a target means; without one all are meant. */
export function matchesTarget(target: Target | undefined, { identity, tags }: Targeted): boolean {
  if (target === undefined) return true;
  const { tags: wanted = [], excludedTags = [], identities, excludedIdentities = [] } = target;
  if (!wanted.every((tag) => tags.includes(tag))) return false;
  if (excludedTags.some((tag) => tags.includes(tag))) return false;
  if (excludedIdentities.some((pattern) => matchesName(pattern, identity))) return false;
  return identities === undefined || identities.some((pattern) => matchesName(pattern, identity));
}

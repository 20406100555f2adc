/**
 * Names that people choose and messages carry: identities, channels, tags, commands; and parameters.
 *
 * One alphabet for all of them but the last, so that a name is safe in a Redis key, a log line, a terminal and, for a
 * command, as one component of a path: it cannot be empty, hidden, an option, or hold a separator.
 * Source: PROTOCOL.md §3.
 */
import { abridged } from "./text.ts";

declare const nameKind: unique symbol;
type Name<Kind extends string> = string & { readonly [nameKind]: Kind };

export type Identity = Name<"identity">;
export type Channel = Name<"channel">;
export type Tag = Name<"tag">;
export type CommandName = Name<"command">;

/** Tags of one agent or one request, at most. */
export const MAX_TAGS = 64;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const EXPECTED = "expected 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first";

const PARAMETER = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
/** What `isParameterName` takes, for messages. */
export const PARAMETER_NAME_FORM =
  "expected 1 to 64 letters, digits and underscores, a letter or underscore first";

/** Whether a parameter may have this name, which becomes part of the name of a variable. */
export function isParameterName(text: string): boolean {
  return PARAMETER.test(text);
}

/** Whether `text` is a name; the caller says of which kind. */
export function isName<Kind extends Identity | Channel | Tag | CommandName>(text: string): text is Kind {
  return NAME.test(text);
}

/**
 * A name as typed by a person.
 *
 * @throws {SyntaxError} naming what is expected, for anything outside the alphabet
 */
export function parseName<Kind extends Identity | Channel | Tag | CommandName>(text: string): Kind {
  if (!isName<Kind>(text)) throw new SyntaxError(EXPECTED);
  return text;
}

/** A tag that is wanted, or with a `!` in front one that is not. */
export type TagTerm = Tag | `!${Tag}`;

/**
 * Tags and excluded ones as typed, separated by commas: `web,!eu`; sorted, repeats folded.
 *
 * `\!eu` is `!eu`: within double quotes bash keeps the backslash that keeps it from looking into its history.
 *
 * @throws {SyntaxError} as `parseTags`, also for a tag that is both
 */
export function parseTagTerms(text: string): readonly TagTerm[] {
  const parts = text.split(",").map((part) => part.replace(/^\\(?=!)/, ""));
  const tagsOf = (list: readonly string[]) => (list.length === 0 ? [] : parseTags(list.join(",")));
  const wanted = tagsOf(parts.filter((part) => !part.startsWith("!")));
  const excluded = tagsOf(parts.filter((part) => part.startsWith("!")).map((part) => part.slice(1)));
  const both = wanted.find((tag) => excluded.includes(tag));
  if (both !== undefined) throw new SyntaxError(`tag "${both}" is both wanted and excluded`);
  return [...wanted, ...excluded.map((tag): TagTerm => `!${tag}`)];
}

/**
 * Tags as typed: separated by commas, in any order, repeats folded; sorted, so that equal sets are equal.
 *
 * An empty tag is an error, never "everybody": `--tags ,` or `--tags=` must not address the whole fleet.
 *
 * @throws {SyntaxError} for an empty or misspelt tag, or more than 64 of them
 */
export function parseTags(text: string): readonly Tag[] {
  const tags = new Set<Tag>();
  for (const part of text.split(",")) {
    if (!isName<Tag>(part)) throw new SyntaxError(`tag "${abridged(part)}": ${EXPECTED}`);
    tags.add(part);
  }
  if (tags.size > MAX_TAGS) throw new SyntaxError(`${tags.size} tags given, at most ${MAX_TAGS} are allowed`);
  return [...tags].sort();
}

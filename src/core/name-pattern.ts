/**
 * Patterns over names, as a shell knows them: `*` stands for any characters, also none, and `?` for one.
 *
 * Not a regular expression: a pattern may come from another machine, and `*a*a*a*b` makes a backtracking
 * engine work for minutes. Here it is at most 64 × 64 steps.
 */
import { abridged } from "./text.ts";

declare const patternKind: unique symbol;
/** A pattern that was checked: characters of a name, `*` and `?`. */
export type NamePattern = string & { readonly [patternKind]: true };

/** The pattern that every name matches. */
export const ANY_NAME = "*" as NamePattern;

const PATTERN = /^[A-Za-z0-9*?][A-Za-z0-9._*?-]{0,63}$/;
const EXPECTED = "expected 1 to 64 letters, digits, dots, dashes, underscores, * and ?";

/** Whether `text` is a pattern, as any name is. */
export function isNamePattern(text: string): text is NamePattern {
  return PATTERN.test(text);
}

/** Whether a pattern may cover more than the name that it is spelt like. */
export function hasWildcard(pattern: NamePattern): boolean {
  return /[*?]/.test(pattern);
}

/**
 * Patterns separated by commas; sorted, repeats folded. An empty one is an error, never "any name".
 *
 * @throws {SyntaxError} naming the first pattern that is none
 */
export function parseNamePatterns(text: string): readonly NamePattern[] {
  const patterns = new Set<NamePattern>();
  for (const part of text.split(",")) {
    patterns.add(parseNamePattern(part));
  }
  return [...patterns].sort();
}

/** @throws {SyntaxError} naming what is expected */
export function parseNamePattern(text: string): NamePattern {
  if (isNamePattern(text)) return text;
  throw new SyntaxError(`pattern "${abridged(text)}": ${EXPECTED}`);
}

/** Whether the pattern covers the whole name. */
export function matchesName(pattern: NamePattern, name: string): boolean {
  let at = 0;
  let inPattern = 0;
  // Where to go on when a character does not fit: behind the last star, which then takes one more character.
  // An earlier star need never be tried again, for the last one can take all that it could have taken.
  let afterStar: number | undefined;
  let starEnd = 0;
  while (at < name.length) {
    const wanted = pattern[inPattern];
    if (wanted === "*") {
      inPattern += 1;
      afterStar = inPattern;
      starEnd = at;
    } else if (wanted === "?" || wanted === name[at]) {
      inPattern += 1;
      at += 1;
    } else if (afterStar !== undefined) {
      starEnd += 1;
      at = starEnd;
      inPattern = afterStar;
    } else {
      return false;
    }
  }
  while (pattern[inPattern] === "*") inPattern += 1;
  return inPattern === pattern.length;
}

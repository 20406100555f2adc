/** "Did you mean": the known word nearest to a mistyped one. The only door to fastest-levenshtein. */
import { distance } from "fastest-levenshtein";

/** Of `words`, the one that `typed` was probably meant to be; none where that would be a guess. */
export function suggestion(typed: string, words: Iterable<string>): string | undefined {
  let best: string | undefined;
  // One mistake in three letters; but always two, for two letters in the wrong order count as two.
  let fewest = Math.min(Math.max(2, Math.floor(typed.length / 3)) + 1, typed.length);
  const letters = lettersOf(typed);
  for (const word of words) {
    // Of two that are as near, the one of the same letters: "wbe" is "web" rather than "db".
    const mistakes = distance(typed, word) - (lettersOf(word) === letters ? 0.5 : 0);
    if (mistakes >= fewest) continue;
    best = word;
    fewest = mistakes;
  }
  return best;
}

function lettersOf(word: string): string {
  return [...word].sort().join("");
}

/**
 * Of known names, the one that was probably meant. Never one that differs in a number: who asks for `web41` of a fleet
 * with `web1` and `web40` has made no mistake in spelling; but `web1` is `web01` where that is there.
 */
export function nearestName(typed: string, names: Iterable<string>): string | undefined {
  const shape = (name: string) => name.replace(/\d+/g, "0");
  const isOtherNumber = (name: string) =>
    shape(name) === shape(typed) && withoutPadding(name) !== withoutPadding(typed);
  return suggestion(
    typed,
    [...names].filter((name) => !isOtherNumber(name)),
  );
}

/** A name without the zeros in front of its numbers: of `web01` and `web001` it is `web1`; of `web100` it is that. */
export function withoutPadding(name: string): string {
  return name.replace(/(?<!\d)0+(?=\d)/g, "");
}

/** The suggestion as the end of a message, or nothing: `, did you mean "--tags"?`. */
export function didYouMean(typed: string, words: Iterable<string>): string {
  const word = suggestion(typed, words);
  return word === undefined ? "" : `, did you mean "${word}"?`;
}

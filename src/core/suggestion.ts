/** "Did you mean": the known word nearest to a mistyped one. The only door to fastest-levenshtein. */
import { distance } from "fastest-levenshtein";

/** Of `words`, the one that `typed` was probably meant to be; none where that would be a guess. */
export function suggestion(typed: string, words: Iterable<string>): string | undefined {
  let best: string | undefined;
  // One mistake in three letters; but always two, for two letters in the wrong order count as two.
  let fewest = Math.min(Math.max(2, Math.floor(typed.length / 3)) + 1, typed.length);
  for (const word of words) {
    const mistakes = distance(typed, word);
    if (mistakes >= fewest) continue;
    best = word;
    fewest = mistakes;
  }
  return best;
}

/** The suggestion as the end of a message, or nothing: `, did you mean "--tags"?`. */
export function didYouMean(typed: string, words: Iterable<string>): string {
  const word = suggestion(typed, words);
  return word === undefined ? "" : `, did you mean "${word}"?`;
}

/** Names of agents, folded, as many as a reader takes in. */
import { foldNames } from "../core/name-set.ts";

/** @param room characters that they may take, about; the first is always there */
export function shownNames(names: Iterable<string>, room = Infinity): readonly string[] {
  const folded = foldNames(names);
  let left = room;
  const shown = folded.filter((name, index) => {
    left -= name.length + 2;
    return left >= 0 || index === 0;
  });
  const more = folded.length - shown.length;
  return more > 0 ? [...shown, `… and ${more} more`] : shown;
}

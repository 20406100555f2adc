/** Names of agents, folded, as many as a reader takes in. */
import { foldNames } from "../core/name-set.ts";
import { fitting } from "./text-width.ts";

/** Columns of a name that say anything. */
const MIN_NAME = 20;

/** @param room characters that they may take, about; the first is always there, cut where its fold alone is longer */
export function shownNames(names: Iterable<string>, room = Infinity): readonly string[] {
  const folded = foldNames(names);
  let left = room;
  const shown = folded.filter((name, index) => {
    left -= name.length + 2;
    return left >= 0 || index === 0;
  });
  const more = folded.length - shown.length;
  const cut = shown.map((name) => (name.length > room ? fitting(name, Math.max(MIN_NAME, room)) : name));
  return more > 0 ? [...cut, `… and ${more} more`] : cut;
}

/**
 * How `npm test` shares its files out among test runners that work side by side.
 *
 * Whole programs spend most of their tests waiting, so each of their files is a share of its own; units are quick,
 * and a folder of them is one.
 */
import { dirname } from "node:path";

/** What one test runner does. */
export type Share = {
  /** The folder, or the file. */
  readonly name: string;
  readonly files: readonly string[];
};

const INTEGRATION = "test/integration";
const LONGEST = "test/hostile";

/**
 * The shares in the order in which they are best begun: those that take long first, so that the quick ones fill what
 * is left of the lanes.
 *
 * @param files paths from the top of the checkout
 */
export function shareOut(files: readonly string[]): readonly Share[] {
  const byName = new Map<string, readonly string[]>();
  for (const file of [...files].sort()) {
    const folder = dirname(file);
    const name = folder === INTEGRATION ? file : folder;
    byName.set(name, [...(byName.get(name) ?? []), file]);
  }
  const rank = (name: string) => (name === LONGEST ? 0 : name.startsWith(INTEGRATION) ? 1 : 2);
  const shares = Array.from(byName, ([name, files]) => ({ name, files }));
  return shares.sort((one, other) => rank(one.name) - rank(other.name));
}

/**
 * Works through items in their order, so many at a time.
 *
 * @returns when nothing runs any more @throws what `work` threw first; the other lanes have done the rest then
 */
export async function inLanes<Item>(
  items: readonly Item[],
  lanes: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const lane = async () => {
    for (const item of left) await work(item);
  };
  const ended = await Promise.allSettled(Array.from({ length: lanes }, lane));
  for (const one of ended) if (one.status === "rejected") throw one.reason;
}

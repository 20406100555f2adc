/**
 * How `npm test` shares its files out among test runners that work side by side.
 *
 * Whole programs and hubs that lie spend most of their tests waiting, so each of their files is a share of its own;
 * units are quick, and a folder of them is one.
 */
import { dirname } from "node:path";

/** What one test runner does. */
export type Share = {
  /** The folder, or the file. */
  readonly name: string;
  readonly files: readonly string[];
};

const INTEGRATION = "test/integration";
/** Each of their files is a share. */
const BY_FILE = [INTEGRATION, "test/hostile"];

/** What takes more than 15 s on two cores, the longest first; begun late, one of these would end alone. */
export const LONGEST: readonly string[] = [
  "test/integration/redis-faults.test.ts",
  "test/integration/hub-standstill.test.ts",
  "test/faraday",
  "test/hostile/hostile.test.ts",
  "test/integration/endings.test.ts",
  "test/integration/back-pressure.test.ts",
  "test/integration/rollout-peers.test.ts",
  "test/integration/targeting.test.ts",
  "test/hostile/rollout.test.ts",
  "test/integration/discovery.test.ts",
  "test/integration/rollout.test.ts",
  "test/integration/rollout-away.test.ts",
  "test/integration/session.test.ts",
  "test/integration/interrupt.test.ts",
  "test/integration/tls.test.ts",
  "test/integration/redis-acl.test.ts",
  "test/integration/events.test.ts",
  "test/integration/commands.test.ts",
];

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
    const name = BY_FILE.includes(folder) ? file : folder;
    byName.set(name, [...(byName.get(name) ?? []), file]);
  }
  const others = (name: string) => LONGEST.length + (name.startsWith(INTEGRATION) ? 0 : 1);
  const rank = (name: string) => (LONGEST.includes(name) ? LONGEST.indexOf(name) : others(name));
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

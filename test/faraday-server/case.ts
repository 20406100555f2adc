/** A case: what is done to an agent, what the original makes of it, and what is wanted of ours. */
import type { Scene } from "./scene.ts";

/** What was seen, by aspect, such as `execution`, `hosts`, `agent`. */
export type Seen = Readonly<Record<string, string>>;
export type Wanted = Readonly<Record<string, string | RegExp>>;

export type Case = {
  readonly name: string;
  /** What the original does, as measured; it is absent where the case is about what only ours can do. */
  readonly original?: string;
  /** What `--original` must see of it; without it the case is not for the original. */
  readonly theirs?: Wanted;
  readonly ours: Wanted;
  /** Seconds after which it has failed. */
  readonly limit: number;
  /** Whether it mostly waits, and may do so beside others that wait. */
  readonly waits?: true;
  /** @param wanted tells what is worth waiting for */
  readonly act: (scene: Scene, wanted: Wanted) => Promise<Seen>;
};

export function matches(wanted: string | RegExp | undefined, seen: string): boolean {
  if (wanted === undefined) return true;
  return wanted instanceof RegExp ? wanted.test(seen) : wanted === seen;
}

/** The aspects that are not as wanted; one that is wanted and was not looked at is one of them. */
export function differences(wanted: Wanted, seen: Seen): readonly string[] {
  return Object.entries(wanted)
    .filter(([aspect, value]) => !matches(value, seen[aspect] ?? "(not seen)"))
    .map(([aspect, value]) => `${aspect}: wanted ${String(value)}, seen ${seen[aspect] ?? "(not seen)"}`);
}

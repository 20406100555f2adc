/**
 * Outputs that are alike but for a few lines, such as those with a host name or an uptime in them: one block for all,
 * which has the lines that all of them printed once, and the others with who printed them.
 *
 * Nothing is lost: each output can be put together again out of its block. So only what is text through and through
 * is taken, and only what has as many lines, each of them in its place.
 */
import type { Identity } from "../core/names.ts";
import type { Comparable, OutputGroup } from "./output-groups.ts";

/** Different outputs that make a block: of two, a difference says more. */
const LEAST_OUTPUTS = 3;
/** Lines in which they may differ, and of so few lines that part of them. */
const MAX_VARYING = 3;
const MAX_PART = 1 / 2;
/** Blocks that are tried for an output, so that as many outputs as there are agents take no time. */
const MAX_TRIED = 4;

/** A line that all of them printed, or who printed what in its place. */
export type BlockLine = string | readonly BlockRow[];
export type BlockRow = { readonly agents: readonly Identity[]; readonly text: string };

/** An output whose lines tell it from every other that has the same streams open at its end. */
export type BlockText = { readonly lines: readonly string[]; readonly open: string };

export type Block<One extends Comparable> = {
  readonly groups: readonly OutputGroup<One>[];
  readonly trouble: string | undefined;
  readonly lines: readonly BlockLine[];
};

/**
 * The groups, and in the place of the first of those that are nearly alike their block; those in trouble apart.
 *
 * @param textOf a group's output, undefined where it is not to be in a block
 */
export function nearAlike<One extends Comparable>(
  groups: readonly OutputGroup<One>[],
  textOf: (group: OutputGroup<One>) => BlockText | undefined,
): readonly (OutputGroup<One> | Block<One>)[] {
  const begun = new Map<string, Cluster<One>[]>();
  const clusters = groups.map((group): Cluster<One> | undefined => {
    const { lines = [], open } = textOf(group) ?? {};
    if (lines.length === 0) return undefined;
    const key = JSON.stringify([group.trouble, lines.length, open]);
    const tried = begun.get(key) ?? [];
    begun.set(key, tried);
    const fitting = tried.find((cluster) => cluster.takes(group, lines));
    if (fitting !== undefined || tried.length === MAX_TRIED) return fitting;
    const cluster = new Cluster(group, lines);
    tried.push(cluster);
    return cluster;
  });
  const shown = new Set<Cluster<One>>();
  return groups.flatMap((group, at): readonly (OutputGroup<One> | Block<One>)[] => {
    const cluster = clusters[at];
    if (cluster === undefined || cluster.outputs < LEAST_OUTPUTS) return [group];
    if (shown.has(cluster)) return [];
    shown.add(cluster);
    return [cluster.block];
  });
}

/** Those that are like the first of them, but for lines of which there are never too many. */
class Cluster<One extends Comparable> {
  readonly #first: readonly string[];
  readonly #members: { readonly group: OutputGroup<One>; readonly own: ReadonlyMap<number, string> }[];
  #varying: ReadonlySet<number> = new Set();

  constructor(group: OutputGroup<One>, lines: readonly string[]) {
    this.#first = lines;
    this.#members = [{ group, own: new Map() }];
  }

  takes(group: OutputGroup<One>, lines: readonly string[]): boolean {
    const most = Math.max(1, Math.min(MAX_VARYING, Math.floor(lines.length * MAX_PART)));
    const differing: number[] = [];
    // Without an iterator: this is run for each output.
    for (let at = 0; at < lines.length; at += 1) {
      if (lines[at] === this.#first[at]) continue;
      differing.push(at);
      if (differing.length > most) return false;
    }
    const varying = new Set([...this.#varying, ...differing]);
    // What differs in no line came in another order.
    if (differing.length === 0 || varying.size > most) return false;
    this.#varying = varying;
    this.#members.push({ group, own: new Map(differing.map((at) => [at, lines[at] ?? ""])) });
    return true;
  }

  get outputs(): number {
    return this.#members.length;
  }

  get block(): Block<One> {
    const groups = this.#members.map(({ group }) => group);
    const lines = this.#first.map((line, at) => (this.#varying.has(at) ? this.#rows(line, at) : line));
    return { groups, trouble: groups[0]?.trouble, lines };
  }

  #rows(usual: string, at: number): readonly BlockRow[] {
    const byText = new Map<string, Identity[]>();
    for (const { group, own } of this.#members) {
      const text = own.get(at) ?? usual;
      const agents = byText.get(text) ?? [];
      byText.set(text, agents);
      for (const { identity } of group.agents) agents.push(identity);
    }
    return [...byText].map(([text, agents]) => ({ agents, text }));
  }
}

/**
 * Outputs in groups, and how each differs from the usual one: that of the most agents that did well.
 *
 * What one agent alone printed is usual for nobody, and where a difference says little, there is none.
 */
import { type DifferenceLine, lineDifference } from "./line-difference.ts";
import { type Comparable, groupOutputs, type OutputGroup } from "./output-groups.ts";
import { outputLines } from "./output-lines.ts";
import type { OutputStore } from "./output-store.ts";

/** Before lines of standard error. */
export const STDERR_MARK = "! ";

/** Bytes of an output that is still compared. */
const MAX_COMPARED = 256 * 1024;

export class OutputComparison<One extends Comparable> {
  readonly groups: readonly OutputGroup<One>[];
  /** What others are compared with. */
  readonly usual: OutputGroup<One> | undefined;
  readonly #store: OutputStore;
  #usualLines: readonly string[] | undefined;

  constructor(store: OutputStore, agents: readonly One[]) {
    this.#store = store;
    this.groups = groupOutputs(agents);
    this.usual = this.groups.find(
      (group) => group.trouble === undefined && group.agents.length > 1 && this.bytesOf(group) > 0,
    );
  }

  /** Bytes that each agent of the group printed. */
  bytesOf({ agents: [first] }: OutputGroup<One>): number {
    const { stdout, stderr } = this.#store.sizes(first.identity);
    return stdout + stderr;
  }

  /** How the group's output differs from the usual one; undefined where it is that, or nothing like it. */
  difference(group: OutputGroup<One>): readonly DifferenceLine[] | undefined {
    const { usual } = this;
    if (usual === undefined || usual === group || usual.digest === group.digest) return undefined;
    const sizes = [usual, group].map((one) => this.bytesOf(one));
    if (sizes.some((size) => size === 0 || size > MAX_COMPARED)) return undefined;
    this.#usualLines ??= this.#lines(usual);
    return lineDifference(this.#usualLines, this.#lines(group));
  }

  #lines({ agents: [first] }: OutputGroup<One>): readonly string[] {
    const decoder = new TextDecoder();
    const lines = [...outputLines(this.#store.pieces(first.identity))];
    return lines.map(({ stream, bytes }) => (stream === "stderr" ? STDERR_MARK : "") + decoder.decode(bytes));
  }
}

/**
 * Outputs in groups, and how each differs from the usual one: that of the most agents that did well.
 *
 * What one agent alone printed is usual for nobody, and where a difference says little, there is none.
 */
import { isUtf8 } from "node:buffer";
import { type DifferenceLine, lineDifference } from "./line-difference.ts";
import { type Block, nearAlike } from "./near-alike.ts";
import { type Comparable, groupOutputs, type OutputGroup } from "./output-groups.ts";
import { outputLines } from "./output-lines.ts";
import type { OutputStore } from "./output-store.ts";

/** Before lines of standard error. */
export const STDERR_MARK = "! ";

/** Bytes of an output that is still compared. */
const MAX_COMPARED = 256 * 1024;
/** And of one that can stand in a block of those that are nearly alike. */
const MAX_IN_BLOCK = 16 * 1024;

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

  /**
   * The groups, those that are nearly alike together. What the most agents printed that did well, more than half of
   * them, stays a group of its own, with which others are compared.
   */
  get blocks(): readonly (OutputGroup<One> | Block<One>)[] {
    const well = this.groups.filter(({ trouble }) => trouble === undefined);
    const agents = well.reduce((sum, group) => sum + group.agents.length, 0);
    const { usual } = this;
    const norm = usual !== undefined && usual.agents.length * 2 > agents ? usual : undefined;
    return nearAlike(this.groups, (group) => {
      if (group === norm || this.bytesOf(group) > MAX_IN_BLOCK) return undefined;
      const pieces = [...this.#store.pieces(group.agents[0].identity)];
      // Other bytes would look alike where they are not.
      return pieces.every(({ data }) => isUtf8(data)) ? this.#lines(group) : undefined;
    });
  }

  /** Of what each agent of the group printed. */
  lineCount({ agents: [first] }: OutputGroup<One>): number {
    let ended = 0;
    const isOpen = { stdout: false, stderr: false };
    for (const { stream, isEnded } of outputLines(this.#store.pieces(first.identity))) {
      ended += Number(isEnded);
      isOpen[stream] = !isEnded;
    }
    return ended + Number(isOpen.stdout) + Number(isOpen.stderr);
  }

  #lines({ agents: [first] }: OutputGroup<One>): readonly string[] {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const lines = [...outputLines(this.#store.pieces(first.identity))];
    return lines.map(({ stream, bytes }) => (stream === "stderr" ? STDERR_MARK : "") + decoder.decode(bytes));
  }
}

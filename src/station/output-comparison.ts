/**
 * Outputs in groups, and how each differs from the usual one: that of the most agents that did well.
 *
 * What one agent alone printed is usual for nobody. There is no difference where it says little, of what is no text, and
 * of what could not be kept to its end.
 */
import { type DifferenceLine, lineDifference } from "./line-difference.ts";
import { type Block, nearAlike } from "./near-alike.ts";
import { type Comparable, groupOutputs, type OutputGroup } from "./output-groups.ts";
import { outputLines } from "./output-lines.ts";
import type { OutputStore } from "./output-store.ts";
import { type OutputText, outputText } from "./output-text.ts";

/** Bytes of an output that is still compared. */
const MAX_COMPARED = 256 * 1024;
/** And of one that can stand in a block of those that are nearly alike. */
const MAX_IN_BLOCK = 16 * 1024;

export class OutputComparison<One extends Comparable> {
  readonly groups: readonly OutputGroup<One>[];
  /** What others are compared with. */
  readonly usual: OutputGroup<One> | undefined;
  readonly #store: OutputStore;
  #usualText: { readonly text: OutputText | undefined } | undefined;

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

  /**
   * How the group's output differs from the usual one, where that can be said in lines: with one at least that was
   * added or removed. Undefined where it is the usual one, or nothing like it.
   */
  difference(group: OutputGroup<One>): readonly DifferenceLine[] | undefined {
    const { usual } = this;
    if (usual === undefined || usual === group || usual.digest === group.digest) return undefined;
    const sizes = [usual, group].map((one) => this.bytesOf(one));
    if (sizes.some((size) => size === 0 || size > MAX_COMPARED)) return undefined;
    this.#usualText ??= { text: this.#text(usual) };
    const before = this.#usualText.text;
    const after = before && this.#text(group);
    return before && after && lineDifference(before.lines, after.lines, before.open !== after.open);
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
      const text = this.#text(group);
      return text && { lines: text.lines.map((line) => line.text), open: text.open };
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

  #text({ agents: [first] }: OutputGroup<One>): OutputText | undefined {
    return first.cut === undefined ? outputText(this.#store.pieces(first.identity)) : undefined;
  }
}

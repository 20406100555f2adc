/**
 * What all agents printed, each output once, under the folded names of those who printed it:
 *
 *     ── web7 ── exit status 1 · 0.80 s ── unlike the 38 ──────
 *     - nginx reloaded
 *     + ! nginx: [emerg] unknown directive "proxi_pass"
 *     ── 38 agents: web[1-6,8-12], db[01-27] ──────────────────────
 *     nginx reloaded
 *
 * Those in trouble first. Compared is with what the most agents printed that did well; where that says little, an output
 * is shown whole. `! ` is before lines of standard error. Nothing is left out of a whole output, however long it is.
 */
import { type Color, paint } from "../core/colors.ts";
import { foldNames } from "../core/name-set.ts";
import { count, printable } from "../core/text.ts";
import { concatAll, utf8 } from "../protocol/bytes.ts";
import { type DifferenceLine, lineDifference } from "./line-difference.ts";
import type { Sink } from "./line-renderer.ts";
import { type Comparable, groupOutputs, type OutputGroup } from "./output-groups.ts";
import { type OutputLine, outputLines } from "./output-lines.ts";
import type { OutputStore } from "./output-store.ts";

/** Bytes of an output that is still compared. */
const MAX_COMPARED = 256 * 1024;
/** Bytes that are given to the sink at once, about. */
const WRITE_BYTES = 64 * 1024;
const STDERR_MARK = "! ";

/** One agent, as the report names it. */
export type Reported = Comparable & {
  /** How long its command ran, in words: shown where it stands alone. */
  readonly after?: string | undefined;
};

type Group = OutputGroup<Reported>;

export class FoldedReport {
  readonly #store: OutputStore;
  readonly #sink: Sink;
  readonly #columns: number;

  /** @param columns of rules and names */
  constructor(store: OutputStore, sink: Sink, columns: number) {
    this.#store = store;
    this.#sink = sink;
    this.#columns = columns;
  }

  async write(agents: readonly Reported[]): Promise<void> {
    const groups = groupOutputs(agents);
    // What one agent alone printed is usual for nobody.
    const usual = groups.find(
      (group) => group.trouble === undefined && group.agents.length > 1 && this.#bytesOf(group) > 0,
    );
    for (const group of groups) {
      const difference = usual === undefined || usual === group ? undefined : this.#difference(usual, group);
      const isCompared = difference !== undefined && usual !== undefined;
      const unlike = isCompared ? [`unlike the ${usual.agents.length}`] : [];
      await this.#sink.write(utf8(`${this.#rule([this.#title(group), ...this.#notes(group), ...unlike])}\n`));
      if (isCompared)
        await this.#sink.write(utf8(difference.map((line) => this.#differenceLine(line)).join("")));
      else await this.#whole(group);
    }
  }

  #title({ agents }: Group): string {
    const names = foldNames(agents.map(({ identity }) => identity)).join(", ");
    return agents.length === 1 ? names : `${count(agents.length, "agent")}: ${names}`;
  }

  #notes(group: Group): readonly string[] {
    const { agents, trouble } = group;
    const after = agents.length === 1 ? agents[0].after : undefined;
    const ending = [trouble, after].filter((words) => words !== undefined).join(" · ");
    return [ending, this.#bytesOf(group) === 0 ? "no output" : ""].filter((words) => words !== "");
  }

  #rule(parts: readonly string[]): string {
    const text = `── ${parts.map(printable).join(" ── ")} `;
    const rule = text + "─".repeat(Math.max(2, this.#columns - text.length));
    return this.#painted(rule, "cyan");
  }

  async #whole({ agents: [first] }: Group): Promise<void> {
    let waiting: Uint8Array[] = [];
    let bytes = 0;
    for (const line of outputLines(this.#store.pieces(first.identity))) {
      waiting.push(this.#outputLine(line));
      bytes += line.bytes.length;
      if (bytes < WRITE_BYTES) continue;
      await this.#sink.write(concatAll(waiting));
      [waiting, bytes] = [[], 0];
    }
    if (waiting.length > 0) await this.#sink.write(concatAll(waiting));
  }

  #outputLine({ stream, bytes }: OutputLine): Uint8Array {
    const mark = stream === "stderr" ? this.#painted(STDERR_MARK, "red") : "";
    const text = this.#sink.isTerminal ? utf8(printable(new TextDecoder().decode(bytes))) : bytes;
    return concatAll([utf8(mark), text, utf8("\n")]);
  }

  #difference(usual: Group, group: Group): readonly DifferenceLine[] | undefined {
    const sizes = [usual, group].map((one) => this.#bytesOf(one));
    if (sizes.some((size) => size === 0 || size > MAX_COMPARED) || usual.digest === group.digest)
      return undefined;
    return lineDifference(this.#texts(usual), this.#texts(group));
  }

  #texts({ agents: [first] }: Group): readonly string[] {
    const decoder = new TextDecoder();
    const lines = [...outputLines(this.#store.pieces(first.identity))];
    return lines.map(({ stream, bytes }) => (stream === "stderr" ? STDERR_MARK : "") + decoder.decode(bytes));
  }

  #differenceLine(line: DifferenceLine): string {
    switch (line.kind) {
      case "same":
        return `  ${printable(line.text)}\n`;
      case "removed":
        return `${this.#painted(`- ${printable(line.text)}`, "red")}\n`;
      case "added":
        return `${this.#painted(`+ ${printable(line.text)}`, "green")}\n`;
      case "skipped":
        return `  … ${count(line.lines, "equal line")}\n`;
    }
  }

  #bytesOf({ agents: [first] }: Group): number {
    const { stdout, stderr } = this.#store.sizes(first.identity);
    return stdout + stderr;
  }

  #painted(text: string, color: Color): string {
    return this.#sink.hasColors ? paint(text, color) : text;
  }
}

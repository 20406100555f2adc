/**
 * What all agents printed, each output once, under the folded names of those who printed it:
 *
 *     ── web7 ── exit status 1 · 0.80 s ── unlike the 38 ──────
 *     - nginx reloaded
 *     + ! nginx: [emerg] unknown directive "proxi_pass"
 *     ── 38 agents: web[1-6,8-12], db[01-27] ──────────────────────
 *     nginx reloaded
 *     ── no answer: web40 (last seen 2 days ago) ──────────────────
 *
 * Those in trouble first. Compared is with what the most agents printed that did well; where that says little, an output
 * is shown whole. `! ` is before lines of standard error. Nothing is left out of a whole output, however long it is; of
 * names in a rule on a terminal only so many are shown as a reader takes in.
 */
import { type Color, paint } from "../core/colors.ts";
import { foldNames } from "../core/name-set.ts";
import type { Identity } from "../core/names.ts";
import { count, printable } from "../core/text.ts";
import { concatAll, utf8 } from "../protocol/bytes.ts";
import type { DifferenceLine } from "./line-difference.ts";
import type { Sink } from "./line-renderer.ts";
import { OutputComparison, STDERR_MARK } from "./output-comparison.ts";
import type { Comparable, OutputGroup } from "./output-groups.ts";
import { outputLines } from "./output-lines.ts";
import type { OutputStore } from "./output-store.ts";
import { widthOf, wrapped } from "./text-width.ts";

/** Bytes that are given to the sink at once, about. */
const WRITE_BYTES = 64 * 1024;
/** Lines of a terminal that the names of one rule may take, about. */
const NAME_LINES = 3;
const RULE = "── ";
const NEWLINE = 10;
const LINE_END = Uint8Array.of(NEWLINE);

/** One agent, as the report names it. */
export type Reported = Comparable & {
  /** How long its command ran, in words: shown where it stands alone. */
  readonly after?: string | undefined;
};

/** Agents that were not heard, and since when. */
export type Absent = { readonly names: readonly string[]; readonly since: string };

type Group = OutputGroup<Reported>;

export class FoldedReport {
  readonly #store: OutputStore;
  readonly #sink: Sink;
  readonly #columns: number;
  /** For what is read back from the disk. */
  readonly #buffer = new Uint8Array(4 * WRITE_BYTES);
  #waiting: Uint8Array[] = [];
  #bytes = 0;

  /** @param columns of rules and names */
  constructor(store: OutputStore, sink: Sink, columns: number) {
    this.#store = store;
    this.#sink = sink;
    this.#columns = columns;
  }

  async write(agents: readonly Reported[], absent: readonly Absent[] = []): Promise<void> {
    const comparison = new OutputComparison(this.#store, agents);
    for (const group of comparison.groups) {
      const difference = comparison.difference(group);
      const unlike =
        difference === undefined ? [] : [`unlike the ${String(comparison.usual?.agents.length)}`];
      const isSilent = comparison.bytesOf(group) === 0;
      const color = group.trouble === undefined ? "cyan" : "red";
      await this.#put(this.#rule([this.#title(group), ...notesOf(group, isSilent), ...unlike], color));
      if (difference === undefined) await this.#whole(group);
      else for (const line of difference) await this.#put(utf8(this.#differenceLine(line)));
    }
    const unheard = absent.map(({ names, since }) => `${this.#names(names)} (${since})`);
    if (unheard.length > 0) await this.#put(this.#rule([`no answer: ${unheard.join(", ")}`], "yellow"));
    await this.#flush();
  }

  /** Many groups cost as few writes as one. */
  async #put(bytes: Uint8Array): Promise<void> {
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= WRITE_BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    const [only] = this.#waiting;
    const bytes = only !== undefined && this.#waiting.length === 1 ? only : concatAll(this.#waiting);
    [this.#waiting, this.#bytes] = [[], 0];
    if (bytes.length > 0) await this.#sink.write(bytes);
  }

  #title({ agents }: Group): string {
    const names = this.#names(agents.map(({ identity }) => identity));
    return agents.length === 1 ? names : `${count(agents.length, "agent")}: ${names}`;
  }

  /** Folded, and on a terminal as many as fit into a few lines. */
  #names(names: readonly string[]): string {
    const folded = foldNames(names);
    if (!this.#sink.isTerminal) return folded.join(", ");
    let room = NAME_LINES * this.#columns;
    const shown = folded.filter((name, index) => {
      room -= name.length + 2;
      return room >= 0 || index === 0;
    });
    const more = folded.length - shown.length;
    return [...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join(", ");
  }

  #rule(parts: readonly string[], color: Color): Uint8Array {
    const text = parts.map(printable).join(" ── ");
    const indent = RULE.length;
    const lines = this.#sink.isTerminal ? wrapped(text, this.#columns - indent - 3) : [text];
    const rule = lines.map((line, index) => {
      const begun = (index === 0 ? RULE : " ".repeat(indent)) + line;
      if (index < lines.length - 1) return begun;
      return `${begun} ${"─".repeat(Math.max(2, this.#columns - widthOf(begun) - 1))}`;
    });
    return utf8(rule.map((line) => `${this.#painted(line, color)}\n`).join(""));
  }

  async #whole({ agents: [first] }: Group): Promise<void> {
    const { identity } = first;
    if (!this.#sink.isTerminal && this.#store.sizes(identity).stderr === 0) return this.#asItIs(identity);
    const decoder = new TextDecoder();
    for (const { stream, bytes } of outputLines(this.#store.pieces(identity))) {
      if (stream === "stderr") await this.#put(utf8(this.#painted(STDERR_MARK, "red")));
      if (this.#sink.isTerminal) await this.#put(utf8(printable(decoder.decode(bytes))));
      else await this.#put(bytes);
      await this.#put(LINE_END);
    }
  }

  /** No line of it needs a mark: then none is looked for, as an array for each costs more than all the rest. */
  async #asItIs(identity: Identity): Promise<void> {
    let last: number | undefined = NEWLINE;
    for (const { data } of this.#store.pieces(identity, this.#buffer)) {
      last = data.at(-1);
      // The buffer is used again for the next piece.
      if (data.length < WRITE_BYTES) await this.#put(data.slice());
      else {
        await this.#flush();
        await this.#sink.write(data);
      }
    }
    if (last !== NEWLINE) await this.#put(LINE_END);
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

  #painted(text: string, color: Color): string {
    return this.#sink.hasColors ? paint(text, color) : text;
  }
}

function notesOf({ agents, trouble }: Group, isSilent: boolean): readonly string[] {
  const after = agents.length === 1 ? agents[0].after : undefined;
  const ending = [trouble, after].filter((words) => words !== undefined).join(" · ");
  return [ending, isSilent ? "no output" : ""].filter((words) => words !== "");
}

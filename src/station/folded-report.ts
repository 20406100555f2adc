/**
 * What all agents printed, each output once, under the folded names of those who printed it:
 *
 *     ── web7 ── exit status 1 · 0.80 s ── unlike the 38 (-) ──
 *     - nginx reloaded
 *     + ! nginx: [emerg] unknown directive "proxi_pass"
 *     ── 38 agents: web[1-6,8-12], db[01-27] ──────────────────────
 *     nginx reloaded
 *     ── no answer: web40 (last seen 2 days ago) ──────────────────
 *
 * Those in trouble first. Compared is with what the most agents printed that did well; where that says little, an output
 * is shown whole. `! ` is before lines of standard error, and `│ ` before a line of an output that begins as a rule does.
 * Nothing is left out of a whole output, however long it is; of names in a rule on a terminal only so many are shown as a
 * reader takes in. Outputs that are alike but for a few lines are one block:
 *
 *     ── 3 agents: web[1-3] ── alike but for line 2 ───────────────
 *       Debian 12
 *     web[1-2] │ up 3 days
 *     web3     │ up 1 day
 */
import { type Color, paint } from "../core/colors.ts";
import { foldNames } from "../core/name-set.ts";
import type { Identity } from "../core/names.ts";
import { count, printable } from "../core/text.ts";
import { concatAll, utf8 } from "../protocol/bytes.ts";
import { notKept } from "./kept-outputs.ts";
import { type DifferenceLine, UNENDED } from "./line-difference.ts";
import type { Sink } from "./line-renderer.ts";
import type { Block, BlockLine, BlockRow } from "./near-alike.ts";
import { OutputComparison } from "./output-comparison.ts";
import type { Comparable, OutputGroup } from "./output-groups.ts";
import { outputLines } from "./output-lines.ts";
import type { OutputStore } from "./output-store.ts";
import { STDERR_MARK } from "./output-text.ts";
import { GUARD, RULE, RuleGuard, startsAsRule } from "./rule-guard.ts";
import { shownNames } from "./shown-names.ts";
import { widthOf, wrapped } from "./text-width.ts";

/** Bytes that are given to the sink at once, about. */
const WRITE_BYTES = 64 * 1024;
/** Lines of a terminal that the names of one rule may take, about. */
const NAME_LINES = 3;
/** Lines of an output that are shown again after they were shown as they came: what a reader may have lost among others. */
const MAX_REPEATED = 12;
/** Columns of names before a line, at most; longer ones stand out. */
const MAX_NAMES = 24;
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
  readonly #isRepeated: boolean;
  /** For what is read back from the disk. */
  readonly #buffer = new Uint8Array(4 * WRITE_BYTES);
  #waiting: Uint8Array[] = [];
  #bytes = 0;

  /**
   * @param columns of rules and names
   * @param isRepeated whether all of it was shown as it came: then of agents that did well no long output is shown again
   */
  constructor(store: OutputStore, sink: Sink, columns: number, isRepeated = false) {
    this.#store = store;
    this.#sink = sink;
    this.#columns = columns;
    this.#isRepeated = isRepeated;
  }

  async write(agents: readonly Reported[], absent: readonly Absent[] = []): Promise<void> {
    const comparison = new OutputComparison(this.#store, agents);
    const { blocks, usual } = comparison;
    // What is in a block is nothing to compare with: it is not in sight as one output.
    const isComparable = usual !== undefined && blocks.includes(usual);
    for (const block of blocks) {
      if ("groups" in block) await this.#block(block);
      else await this.#group(block, comparison, isComparable);
    }
    const unheard = absent.map(({ names, since }) => `${this.#names(names)} (${since})`);
    if (unheard.length > 0) await this.#put(this.#rule([`no answer: ${unheard.join(", ")}`], "yellow"));
    await this.#flush();
  }

  async #group(group: Group, comparison: OutputComparison<Reported>, isComparable: boolean): Promise<void> {
    const difference = isComparable ? comparison.difference(group) : undefined;
    const unlike =
      difference === undefined ? [] : [unlikeWords(String(comparison.usual?.agents.length), difference)];
    // Of a command that did not run, nobody expects any.
    const [{ hasRun, cut }] = group.agents;
    const isSilent = hasRun !== false && cut === undefined && comparison.bytesOf(group) === 0;
    const isShown = difference === undefined && this.#isRepeated && group.trouble === undefined;
    const lines = isShown ? comparison.lineCount(group) : 0;
    const same = group.agents.length > 1 ? "identical, " : "";
    const whole = lines > MAX_REPEATED ? [`${same}${lines} lines as shown above`] : [];
    const above = isShown && cut !== undefined ? ["as shown above"] : whole;
    const notes = [...notesOf(group, isSilent), ...unlike, ...above];
    await this.#put(this.#rule([this.#title(group.agents), ...notes], colorOf(group)));
    if (difference !== undefined)
      for (const line of difference) await this.#put(utf8(this.#differenceLine(line, group)));
    else if (above.length === 0) {
      await this.#whole(group);
      if (cut !== undefined) await this.#put(utf8(`… ${notKept(cut)}\n`));
    }
  }

  async #block(block: Block<Reported>): Promise<void> {
    const { groups, trouble, lines } = block;
    const varying = lines.flatMap((line, at) => (typeof line === "string" ? [] : [at + 1]));
    const where = `line${varying.length === 1 ? "" : "s"} ${varying.join(", ")}`;
    const how = varying.length === lines.length ? "a line each" : `alike but for ${where}`;
    const title = this.#title(groups.flatMap(({ agents }) => agents));
    const notes = trouble === undefined ? [how] : [trouble, how];
    await this.#put(this.#rule([title, ...notes], colorOf(block)));
    const isBrief = this.#isRepeated && trouble === undefined && lines.length > MAX_REPEATED;
    for (const line of isBrief ? withoutCommon(lines) : lines) {
      if (typeof line !== "string") await this.#rows(line, colorOf(block));
      else await this.#put(utf8(`  ${this.#text(line)}\n`));
    }
  }

  async #rows(rows: readonly BlockRow[], color: Color): Promise<void> {
    const named = rows.map(({ agents, text }) => ({ names: foldNames(agents).join(","), text }));
    const width = Math.min(MAX_NAMES, Math.max(...named.map(({ names }) => names.length)));
    for (const { names, text } of named)
      await this.#put(utf8(`${this.#painted(`${names.padEnd(width)} │`, color)} ${this.#text(text)}\n`));
  }

  /** What is exact goes to a pipe as it is. */
  #text(exact: string): string {
    return this.#sink.isTerminal ? printable(exact) : exact;
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

  #title(agents: readonly Reported[]): string {
    const names = this.#names(agents.map(({ identity }) => identity));
    return agents.length === 1 ? names : `${count(agents.length, "agent")}: ${names}`;
  }

  /** Folded, and on a terminal as many as fit into a few lines. */
  #names(names: readonly string[]): string {
    return shownNames(names, this.#sink.isTerminal ? NAME_LINES * this.#columns : undefined).join(", ");
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
    // A mark at the beginning is shown as any other: what is behind it must not begin a line.
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    for (const { stream, bytes } of outputLines(this.#store.pieces(identity))) {
      if (stream === "stderr") await this.#put(utf8(this.#painted(STDERR_MARK, "red")));
      else if (startsAsRule(bytes)) await this.#put(utf8(GUARD));
      if (this.#sink.isTerminal) await this.#put(utf8(printable(decoder.decode(bytes))));
      else await this.#put(bytes);
      await this.#put(LINE_END);
    }
  }

  /** No line of it needs a mark: then none is looked for, as an array for each costs more than all the rest. */
  async #asItIs(identity: Identity): Promise<void> {
    let last: number | undefined = NEWLINE;
    const guard = new RuleGuard();
    for (const { data } of this.#store.pieces(identity, this.#buffer)) {
      last = data.at(-1);
      const shown = guard.push(data);
      // The buffer is used again for the next piece.
      if (shown.length < WRITE_BYTES) await this.#put(shown.slice());
      else {
        await this.#flush();
        await this.#sink.write(shown);
      }
    }
    await this.#put(guard.end());
    if (last !== NEWLINE) await this.#put(LINE_END);
  }

  /** What an agent in trouble printed is no good news, and what it did not print is none of its own. */
  #differenceLine(line: DifferenceLine, { trouble }: Group): string {
    const [removed, added] = trouble === undefined ? (["red", "green"] as const) : (["dim", "red"] as const);
    switch (line.kind) {
      case "same":
        return `  ${printable(line.text)}\n`;
      case "removed":
        return `${this.#painted(`- ${printable(line.text)}`, removed)}\n`;
      case "added":
        return `${this.#painted(`+ ${printable(line.text)}`, added)}\n`;
      case "skipped":
        return `  … ${count(line.lines, "equal line")}\n`;
      case "unended":
        return `${UNENDED}\n`;
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

/** A reader takes a lone `-` for something that the agent printed: so whose those lines are stands above them. */
function unlikeWords(others: string, difference: readonly DifferenceLine[]): string {
  const hasRemoved = difference.some(({ kind }) => kind === "removed");
  return `unlike the ${others}${hasRemoved ? " (-)" : ""}`;
}

function colorOf({ trouble }: { readonly trouble: string | undefined }): Color {
  return trouble === undefined ? "cyan" : "red";
}

/** Lines in which they differ, and how many there are between them. */
function withoutCommon(lines: readonly BlockLine[]): readonly BlockLine[] {
  const brief: BlockLine[] = [];
  let common = 0;
  const endCommon = () => {
    if (common > 0) brief.push(`… ${count(common, "equal line")}`);
    common = 0;
  };
  for (const line of lines) {
    if (typeof line === "string") common += 1;
    else {
      endCommon();
      brief.push(line);
    }
  }
  endCommon();
  return brief;
}

/**
 * The last line that an agent's command printed: mostly it says why the command failed. Of exactly two lines, both:
 * many a program names the cause first and then says what it could not do, as `nginx -t` does.
 *
 * Kept while output comes, a few hundred bytes of each agent, whatever it prints. What came on standard error is the
 * better reason; standard output serves where nothing did. A carriage return ends a line too, or a progress bar would
 * be one line from its beginning on.
 */
import { printable } from "../core/text.ts";
import { concat } from "../protocol/bytes.ts";
import type { Stream } from "../protocol/reply.ts";

/** Of a line. Three lines at most are kept of an agent: the last two that ended, and the one that has not. */
const MAX_BYTES = 256;
/** So many lines are said, where there are no more. */
const MAX_LINES = 2;
/** Between them. */
const SEPARATOR = " / ";
const NONE = new Uint8Array();
/** SGR sequences of ECMA-48 §8.3.117. */
const COLORS_ALONE = /^(?:\s|\u001b\[[\d;]*m)*$/;

export class LastWords {
  readonly #lines: Partial<Record<Stream, LastLines>> = {};

  take(stream: Stream, data: Uint8Array): void {
    if (stream === "stdout" && this.#lines.stderr?.isBlank === false) return;
    const line = this.#lines[stream] ?? new LastLines();
    this.#lines[stream] = line;
    line.take(data);
    if (stream === "stderr" && !line.isBlank) delete this.#lines.stdout;
  }

  /**
   * One harmless line; undefined where nothing but blanks came.
   *
   * @param streams the first of them that has any
   */
  on(streams: readonly Stream[]): string | undefined {
    const said = streams.map((stream) => this.#lines[stream]?.said ?? []).find(({ length }) => length > 0);
    const texts = (said ?? []).map(textOf).filter((text) => text !== "");
    // What is said twice is one word.
    return [...new Set(texts)].join(SEPARATOR) || undefined;
  }
}

function textOf(bytes: Uint8Array): string {
  const isCut = bytes.length >= MAX_BYTES;
  // As a stream: what is left of a character at the cut is nothing.
  const text = new TextDecoder().decode(isCut ? bytes.subarray(0, MAX_BYTES - 1) : bytes, { stream: isCut });
  return printable(text.trimEnd()) + (isCut ? "…" : "");
}

/** Lines are kept without the blanks before them, so one of blanks alone is empty. */
class LastLines {
  /** The last that ended and were not blank, MAX_LINES at most. */
  #ended: readonly Uint8Array[] = [];
  #open: Uint8Array = NONE;
  /** How many have ended and were not blank; beyond MAX_LINES nobody counts. */
  #count = 0;

  /** Whether there was none but blank ones. */
  get isBlank(): boolean {
    return this.#count === 0 && isEmpty(this.#open);
  }

  /** All there were, if they are few, or else the last one. */
  get said(): readonly Uint8Array[] {
    const open = isEmpty(this.#open) ? [] : [this.#open];
    const lines = [...this.#ended, ...open];
    return this.#count + open.length > MAX_LINES ? lines.slice(-1) : lines;
  }

  take(data: Uint8Array): void {
    let end = data.length;
    let begin = beginOf(data, end);
    const newest = this.#lineAt(data, begin, end);
    // Of those that ended here, the last that are not blank; the first of all may have begun before.
    const ended: Uint8Array[] = [];
    while (begin > 0 && (ended.length === 0 || this.#count + ended.length <= MAX_LINES)) {
      end = begin - 1;
      begin = beginOf(data, end);
      const line = this.#lineAt(data, begin, end);
      if (!isEmpty(line)) ended.unshift(line);
    }
    this.#ended = [...this.#ended, ...ended].slice(-MAX_LINES);
    this.#count = Math.min(MAX_LINES + 1, this.#count + ended.length);
    this.#open = newest;
  }

  /** The beginning of a line, without the blanks before it; a copy, as the view would keep the whole message alive. */
  #lineAt(data: Uint8Array, begin: number, end: number): Uint8Array {
    const open = begin === 0 ? this.#open : NONE;
    let at = begin;
    while (open.length === 0 && at < end && isBlank(data[at])) at += 1;
    return concat(open, data.subarray(at, Math.min(end, at + MAX_BYTES - open.length)));
  }
}

/** Whether nothing is to be seen of a line: many a program's last words are those that end a color. */
function isEmpty(line: Uint8Array): boolean {
  const isColored = line[0] === 27;
  return line.length === 0 || (isColored && COLORS_ALONE.test(new TextDecoder().decode(line)));
}

/** Where the line begins that ends there. */
function beginOf(data: Uint8Array, end: number): number {
  let at = end;
  while (at > 0 && !isLineEnd(data[at - 1])) at -= 1;
  return at;
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === 10 || byte === 13;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 32 || byte === 9;
}

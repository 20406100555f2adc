/**
 * The last line that an agent's command printed: mostly it says why the command failed.
 *
 * Kept while output comes, a few hundred bytes of each agent, whatever it prints. What came on standard error is the
 * better reason; standard output serves where nothing did. A carriage return ends a line too, or a progress bar would
 * be one line from its beginning on.
 */
import { printable } from "../core/text.ts";
import { concat } from "../protocol/bytes.ts";
import type { Stream } from "../protocol/reply.ts";

/** Of a line. Two lines at most are kept of an agent: the last that ended, and the one that has not. */
const MAX_BYTES = 256;
const NONE = new Uint8Array();
/** SGR sequences of ECMA-48 §8.3.117. */
const COLORS_ALONE = /^(?:\s|\u001b\[[\d;]*m)*$/;

export class LastWords {
  readonly #lines: Partial<Record<Stream, LastLine>> = {};

  take(stream: Stream, data: Uint8Array): void {
    if (stream === "stdout" && this.#lines.stderr?.bytes !== undefined) return;
    const line = this.#lines[stream] ?? new LastLine();
    this.#lines[stream] = line;
    line.take(data);
    if (stream === "stderr" && line.bytes !== undefined) delete this.#lines.stdout;
  }

  /**
   * One harmless line; undefined where nothing but blanks came.
   *
   * @param streams the first of them that has any
   */
  on(streams: readonly Stream[]): string | undefined {
    const [bytes] = streams.flatMap((stream) => this.#lines[stream]?.bytes ?? []);
    if (bytes === undefined) return undefined;
    const isCut = bytes.length >= MAX_BYTES;
    // As a stream: what is left of a character at the cut is nothing.
    const text = new TextDecoder().decode(isCut ? bytes.subarray(0, MAX_BYTES - 1) : bytes, {
      stream: isCut,
    });
    return printable(text.trimEnd()) + (isCut ? "…" : "") || undefined;
  }
}

/** Lines are kept without the blanks before them, so one of blanks alone is empty. */
class LastLine {
  #ended: Uint8Array = NONE;
  #open: Uint8Array = NONE;

  /** Undefined where there was none but blank ones. */
  get bytes(): Uint8Array | undefined {
    const bytes = isEmpty(this.#open) ? this.#ended : this.#open;
    return isEmpty(bytes) ? undefined : bytes;
  }

  take(data: Uint8Array): void {
    let end = data.length;
    let begin = beginOf(data, end);
    const newest = this.#lineAt(data, begin, end);
    // Of those that ended here, the last that is not blank; the first of them may have begun before.
    while (begin > 0) {
      end = begin - 1;
      begin = beginOf(data, end);
      const ended = this.#lineAt(data, begin, end);
      if (isEmpty(ended)) continue;
      this.#ended = ended;
      break;
    }
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

/**
 * Shows the output of many agents at once: whole lines, each with the name of who wrote it.
 *
 *     web1 │ a line of its standard output          to our standard output
 *     web1 ! a line of its standard error           to our standard error
 *     web1 … the rest of a line longer than 64 KiB
 *
 * Bytes go through unchanged to a file or a pipe. On a terminal control characters are made visible, so that
 * no agent can move the cursor, retitle the window or answer for the keyboard.
 */
import { type Color, paint } from "../core/colors.ts";
import type { Identity } from "../core/names.ts";
import { printable } from "../core/text.ts";
import { concat, concatAll, utf8 } from "../protocol/bytes.ts";
import { STREAMS, type Stream } from "../protocol/reply.ts";

/** Where a stream's lines go. */
export type Sink = {
  /** Resolves when there is room for more. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  readonly isTerminal: boolean;
  readonly hasColors: boolean;
};

/** The longest line that is kept in memory. */
const MAX_LINE_BYTES = 64 * 1024;
const NEWLINE = 10;
const LINE_END = Uint8Array.of(NEWLINE);
const MARKS: Readonly<Record<Stream, string>> = { stdout: "│", stderr: "!" };
const COLORS: Readonly<Record<Stream, Color>> = { stdout: "cyan", stderr: "red" };
const CONTINUED = "…";

type OpenLine = { bytes: Uint8Array; isContinued: boolean };

export class LineRenderer {
  readonly #sinks: Readonly<Record<Stream, Sink>>;
  readonly #open = new Map<string, OpenLine>();
  #width = 0;

  constructor(stdout: Sink, stderr: Sink) {
    this.#sinks = { stdout, stderr };
  }

  /** Makes room for a name, so that columns line up from its first line on. */
  expect(identity: Identity): void {
    this.#width = Math.max(this.#width, identity.length);
  }

  /** Shows the lines that these bytes complete, and keeps the rest for later. */
  async output(identity: Identity, stream: Stream, data: Uint8Array): Promise<void> {
    const open = this.#openLine(identity, stream);
    const bytes = open.bytes.length === 0 ? data : concat(open.bytes, data);
    // Once for all lines: there are a million of them in what a command may print in a second.
    const prefix = this.#prefix(identity, stream, false);
    const continuation = this.#prefix(identity, stream, true);
    const shown: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length) {
      const newline = bytes.indexOf(NEWLINE, at);
      const isWhole = newline >= 0 && newline - at <= MAX_LINE_BYTES;
      if (!isWhole && bytes.length - at <= MAX_LINE_BYTES) break;
      const end = isWhole ? newline + 1 : at + MAX_LINE_BYTES;
      shown.push(open.isContinued ? continuation : prefix, this.#text(stream, bytes.subarray(at, end)));
      if (!isWhole) shown.push(LINE_END);
      open.isContinued = !isWhole;
      at = end;
    }
    // A copy: the view would keep the whole message alive.
    open.bytes = bytes.slice(at);
    if (shown.length > 0) await this.#sinks[stream].write(concatAll(shown));
  }

  /** Shows what an agent wrote without a newline at its end. */
  async finish(identity: Identity): Promise<void> {
    for (const stream of STREAMS) {
      const { bytes, isContinued } = this.#openLine(identity, stream);
      this.#open.delete(`${stream} ${identity}`);
      if (bytes.length === 0) continue;
      const prefix = this.#prefix(identity, stream, isContinued);
      await this.#sinks[stream].write(concat(prefix, this.#text(stream, bytes), LINE_END));
    }
  }

  /** Shows all that was written without a newline, of agents that are never going to finish. */
  async finishAll(): Promise<void> {
    const identities = new Set(
      [...this.#open.keys()].map((key) => key.slice(key.indexOf(" ") + 1) as Identity),
    );
    for (const identity of identities) await this.finish(identity);
  }

  #openLine(identity: Identity, stream: Stream): OpenLine {
    const key = `${stream} ${identity}`;
    const known = this.#open.get(key) ?? { bytes: new Uint8Array(), isContinued: false };
    this.#open.set(key, known);
    return known;
  }

  #prefix(identity: Identity, stream: Stream, isContinued: boolean): Uint8Array {
    const name = `${identity.padEnd(this.#width)} ${isContinued ? CONTINUED : MARKS[stream]}`;
    return utf8(`${this.#sinks[stream].hasColors ? paint(name, COLORS[stream]) : name} `);
  }

  /** What is shown of a line, or of a piece of one; the newline at its end stays where there is one. */
  #text(stream: Stream, line: Uint8Array): Uint8Array {
    if (!this.#sinks[stream].isTerminal) return line;
    const end = line.at(-1) === NEWLINE ? "\n" : "";
    return utf8(printable(new TextDecoder().decode(line.subarray(0, line.length - end.length))) + end);
  }
}

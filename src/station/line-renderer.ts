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
import { concat, utf8 } from "../protocol/bytes.ts";
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
    let rest = open.bytes.length === 0 ? data : concat(open.bytes, data);
    const shown: Uint8Array[] = [];
    while (rest.length > 0) {
      const newline = rest.indexOf(NEWLINE);
      const isWhole = newline >= 0 && newline <= MAX_LINE_BYTES;
      if (!isWhole && rest.length <= MAX_LINE_BYTES) break;
      const end = isWhole ? newline : MAX_LINE_BYTES;
      shown.push(...this.#line(identity, stream, rest.subarray(0, end), open.isContinued));
      open.isContinued = !isWhole;
      rest = rest.subarray(isWhole ? end + 1 : end);
    }
    // A copy: the view would keep the whole message alive.
    open.bytes = rest.slice();
    if (shown.length > 0) await this.#sinks[stream].write(concat(...shown));
  }

  /** Shows what an agent wrote without a newline at its end. */
  async finish(identity: Identity): Promise<void> {
    for (const stream of STREAMS) {
      const { bytes, isContinued } = this.#openLine(identity, stream);
      this.#open.delete(`${stream} ${identity}`);
      if (bytes.length > 0) {
        await this.#sinks[stream].write(concat(...this.#line(identity, stream, bytes, isContinued)));
      }
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

  #line(identity: Identity, stream: Stream, line: Uint8Array, isContinued: boolean): readonly Uint8Array[] {
    const { isTerminal, hasColors } = this.#sinks[stream];
    const name = `${identity.padEnd(this.#width)} ${isContinued ? CONTINUED : MARKS[stream]}`;
    const prefix = `${hasColors ? paint(name, COLORS[stream]) : name} `;
    if (!isTerminal) return [utf8(prefix), line, Uint8Array.of(NEWLINE)];
    return [utf8(`${prefix}${printable(new TextDecoder().decode(line))}\n`)];
  }
}

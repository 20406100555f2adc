/**
 * Our two streams, with one line at the bottom of the terminal that says how things are and never scrolls away.
 *
 * The line is on standard error. It is taken off before anything else is written, to either stream, as both may be the
 * same terminal, and comes back a moment later; so a fast command costs no more than a line each moment. What is written
 * must end with a newline, or the line would stand behind it: output that is passed on as it comes is for a screen
 * without one.
 */
import { utf8 } from "../protocol/bytes.ts";
import type { Sink } from "./line-renderer.ts";
import { fitting } from "./text-width.ts";

type ScreenOptions = {
  /** Without it there is no such line; it is given the columns that it may take. */
  readonly status: ((columns: number) => string) | undefined;
  /** Of the terminal now. */
  readonly columns: () => number;
};

/** Milliseconds between two states of the line. */
const REDRAW_MS = 100;
/**
 * And from what was written to the line's return, at least: at once after the first of what comes together, so that the
 * line does not flicker, and not again for as long as more of it comes.
 */
const RETURN_MS = 15;
/** To the first column, and off with what is there (ECMA-48, EL). */
const ERASE = "\r\u001b[K";

export class Screen {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly #terminal: Sink;
  readonly #options: ScreenOptions;
  #isDrawn = false;
  /** Writes that are under way: a line drawn between two halves of one would stay. */
  #writing = 0;
  #timer: NodeJS.Timeout | undefined;
  #returning: NodeJS.Timeout | undefined;
  #hasEnded: boolean;

  constructor(stdout: Sink, stderr: Sink, options: ScreenOptions) {
    this.#terminal = stderr;
    this.#options = options;
    this.#hasEnded = options.status === undefined;
    this.stdout = this.#hasEnded ? stdout : this.#guarded(stdout);
    this.stderr = this.#hasEnded ? stderr : this.#guarded(stderr);
  }

  /** Shows the line, and from then on again and again. */
  start(): void {
    this.#schedule();
  }

  /** Takes the line off for good. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#returning);
    await this.#erase();
  }

  #guarded(sink: Sink): Sink {
    // Where this stream goes elsewhere, the line is not in its way.
    const isInTheWay = sink.isTerminal;
    const write = async (bytes: Uint8Array) => {
      if (!isInTheWay) return await sink.write(bytes);
      this.#writing += 1;
      try {
        await this.#erase();
        await sink.write(bytes);
      } finally {
        this.#writing -= 1;
        this.#return();
      }
    };
    return { ...sink, write };
  }

  async #erase(): Promise<void> {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    await this.#terminal.write(utf8(ERASE));
  }

  #return(): void {
    if (this.#hasEnded || this.#timer === undefined || this.#returning !== undefined) return;
    this.#returning = setTimeout(() => {
      this.#returning = undefined;
      if (this.#writing === 0 && !this.#isDrawn) this.#draw();
    }, RETURN_MS);
    this.#returning.unref();
  }

  #schedule(): void {
    if (this.#hasEnded || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#writing === 0) this.#draw();
      this.#schedule();
    }, REDRAW_MS);
    // What is waited for keeps the program alive, not this.
    this.#timer.unref();
  }

  #draw(): void {
    const { status, columns } = this.#options;
    if (this.#hasEnded || status === undefined) return;
    this.#isDrawn = true;
    // The last column stays free: a terminal may go to the next line there.
    const room = columns() - 1;
    const line = fitting(status(room), room);
    // A reader that has left is noticed by what matters.
    this.#terminal.write(utf8(`${ERASE}${line}`)).catch(() => {});
  }
}

/** What an agent printed as lines: each stream's lines whole, in the order in which they were ended. */
import { concat } from "../protocol/bytes.ts";
import { STREAMS, type Stream } from "../protocol/reply.ts";
import type { Piece } from "./output-store.ts";

export type OutputLine = {
  readonly stream: Stream;
  /** Without its newline. */
  readonly bytes: Uint8Array;
  /** False where no newline followed: at the end, or in a line that comes in parts. */
  readonly isEnded: boolean;
};

const NEWLINE = 10;
/** A longer line comes in parts: bytes. */
const MAX_LINE_BYTES = 64 * 1024;

/** Takes one agent's output as it comes, and gives the lines that it completes. */
export class OutputLines {
  readonly #open: Record<Stream, Uint8Array> = { stdout: new Uint8Array(), stderr: new Uint8Array() };

  *push(stream: Stream, data: Uint8Array): Generator<OutputLine> {
    const open = this.#open[stream];
    const bytes = open.length === 0 ? data : concat(open, data);
    let at = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, at)) {
      yield { stream, bytes: bytes.subarray(at, end), isEnded: true };
      at = end + 1;
    }
    for (; bytes.length - at > MAX_LINE_BYTES; at += MAX_LINE_BYTES)
      yield { stream, bytes: bytes.subarray(at, at + MAX_LINE_BYTES), isEnded: false };
    // A copy: the view would keep the whole message alive.
    this.#open[stream] = bytes.slice(at);
  }

  /** What came without a newline at its end. */
  *end(): Generator<OutputLine> {
    for (const stream of STREAMS) {
      const bytes = this.#open[stream];
      this.#open[stream] = new Uint8Array();
      if (bytes.length > 0) yield { stream, bytes, isEnded: false };
    }
  }
}

export function* outputLines(pieces: Iterable<Piece>): Generator<OutputLine> {
  const lines = new OutputLines();
  for (const { stream, data } of pieces) yield* lines.push(stream, data);
  yield* lines.end();
}

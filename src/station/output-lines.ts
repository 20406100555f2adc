/** What an agent printed as lines: each stream's lines whole, in the order in which they were ended. */
import { concat } from "../protocol/bytes.ts";
import { STREAMS, type Stream } from "../protocol/reply.ts";
import type { Piece } from "./output-store.ts";

/** Without its newline. */
export type OutputLine = { readonly stream: Stream; readonly bytes: Uint8Array };

const NEWLINE = 10;
/** A longer line comes in parts. */
const MAX_LINE_BYTES = 64 * 1024;

export function* outputLines(pieces: Iterable<Piece>): Generator<OutputLine> {
  const open: Record<Stream, Uint8Array> = { stdout: new Uint8Array(), stderr: new Uint8Array() };
  for (const { stream, data } of pieces) {
    const bytes = open[stream].length === 0 ? data : concat(open[stream], data);
    let at = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, at)) {
      yield { stream, bytes: bytes.subarray(at, end) };
      at = end + 1;
    }
    for (; bytes.length - at > MAX_LINE_BYTES; at += MAX_LINE_BYTES)
      yield { stream, bytes: bytes.subarray(at, at + MAX_LINE_BYTES) };
    open[stream] = bytes.slice(at);
  }
  for (const stream of STREAMS) if (open[stream].length > 0) yield { stream, bytes: open[stream] };
}

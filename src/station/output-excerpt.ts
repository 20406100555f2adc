/** The beginning and the end of an output of any length, as lines. */
import { type OutputLine, outputLines } from "./output-lines.ts";
import type { Piece } from "./output-store.ts";

export type Excerpt = {
  readonly head: readonly OutputLine[];
  /** Bytes that are left out between head and tail. */
  readonly cut: number;
  /** Empty where nothing is left out. */
  readonly tail: readonly OutputLine[];
};

/**
 * @param headBytes of the beginning, about: lines stay whole, up to 64 KiB
 * @param tailBytes of the end
 */
export function excerptOf(pieces: Iterable<Piece>, headBytes: number, tailBytes: number): Excerpt {
  const head: OutputLine[] = [];
  let tail: OutputLine[] = [];
  let [inHead, inTail, cut, dropped] = [0, 0, 0, 0];
  let isHeadFull = false;
  for (const line of outputLines(pieces)) {
    const size = sizeOf(line);
    isHeadFull ||= inHead + size > headBytes;
    if (!isHeadFull) {
      head.push(line);
      inHead += size;
      continue;
    }
    // A copy: the view would keep the whole piece alive.
    tail.push({ ...line, bytes: line.bytes.slice() });
    inTail += size;
    for (let first = tail[dropped]; first !== undefined && inTail > tailBytes; first = tail[dropped]) {
      inTail -= sizeOf(first);
      cut += sizeOf(first);
      dropped += 1;
    }
    // Not at each line: it moves all that follow.
    if (dropped > 1024) [tail, dropped] = [tail.slice(dropped), 0];
  }
  const rest = tail.slice(dropped);
  return cut === 0 ? { head: [...head, ...rest], cut, tail: [] } : { head, cut, tail: rest };
}

function sizeOf({ bytes, isEnded }: OutputLine): number {
  return bytes.length + Number(isEnded);
}

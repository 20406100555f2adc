/**
 * What an agent printed as text, in lines that can be compared: two outputs have the same lines and the same streams open
 * only where each stream of theirs has the same bytes.
 *
 * So there is none of what is no UTF-8, of which different bytes look alike, and none of lines that come in parts.
 */
import { isUtf8 } from "node:buffer";
import { STREAMS, type Stream } from "../protocol/reply.ts";
import { type OutputLine, outputLines } from "./output-lines.ts";
import type { Piece } from "./output-store.ts";
import { GUARD, RULE } from "./rule-guard.ts";

/** Before lines of standard error. */
export const STDERR_MARK = "! ";

/** Lines of standard output that would look like another line of the report, or like a guarded one of those. */
const MISLEADING = new RegExp(`^(?:${GUARD})*(?:${STDERR_MARK}|${RULE})`);

export type TextLine = {
  /** Different for each stream. */
  readonly text: string;
  /** False where no newline followed: of each stream the last line only. */
  readonly isEnded: boolean;
};

export type OutputText = {
  readonly lines: readonly TextLine[];
  /** Which streams have no newline at their end. */
  readonly open: string;
};

/** @returns undefined where there is no such text */
export function outputText(pieces: Iterable<Piece>): OutputText | undefined {
  const lines = [...outputLines(pieces)];
  const last: Partial<Record<Stream, OutputLine>> = {};
  for (const line of lines) last[line.stream] = line;
  const isWhole = (line: OutputLine) => line.isEnded || line === last[line.stream];
  if (!lines.every((line) => isWhole(line) && isUtf8(line.bytes))) return undefined;
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return {
    lines: lines.map(({ stream, bytes, isEnded }) => ({
      text: marked(stream, decoder.decode(bytes)),
      isEnded,
    })),
    open: STREAMS.filter((stream) => last[stream]?.isEnded === false).join(" "),
  };
}

function marked(stream: Stream, line: string): string {
  if (stream === "stderr") return STDERR_MARK + line;
  return MISLEADING.test(line) ? GUARD + line : line;
}

/**
 * What an agent printed as text, in lines that can be compared: two outputs have the same lines and the same streams open
 * only where each stream of theirs has the same bytes.
 *
 * So there is none of what is no UTF-8, of which different bytes look alike, and none of lines that come in parts.
 */
import { STREAMS, type Stream } from "../protocol/reply.ts";
import { outputLines } from "./output-lines.ts";
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
  const lines: TextLine[] = [];
  const isOpen: Record<Stream, boolean> = { stdout: false, stderr: false };
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  // In one go, without an array of what is in between: this is run for each output.
  for (const { stream, bytes, isEnded } of outputLines(pieces)) {
    const text = isOpen[stream] ? undefined : decoded(bytes, decoder);
    if (text === undefined) return undefined;
    isOpen[stream] = !isEnded;
    lines.push({ text: marked(stream, text), isEnded });
  }
  return { lines, open: STREAMS.filter((stream) => isOpen[stream]).join(" ") };
}

function decoded(bytes: Uint8Array, decoder: InstanceType<typeof TextDecoder>): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function marked(stream: Stream, line: string): string {
  if (stream === "stderr") return STDERR_MARK + line;
  return MISLEADING.test(line) ? GUARD + line : line;
}

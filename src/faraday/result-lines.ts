/**
 * What an executor prints, line by line: one JSON object a line is a result, anything else is said and skipped.
 *
 * Whoever reads must take every chunk, also after the end of the output: a pipe that nobody drains stops the
 * executor for ever (the original, after a blank line). Memory is bounded by the longest line that is allowed;
 * of a longer one the rest passes by unkept. Source: README, Faraday dispatcher.
 */
import { abridged, count } from "../core/text.ts";

export type ResultLine =
  | { readonly kind: "result"; readonly line: number; readonly value: object }
  | {
      readonly kind: "ignored" | "garbage" | "too-long" | "not-an-object";
      readonly line: number;
      /** What is wrong with it; holds nothing of the line. */
      readonly detail: string;
      /** How it begins, printable; it may hold a secret, so it is not for the server. Empty where nothing was kept. */
      readonly beginning: string;
    };

type ResultLineOptions = {
  /** Bytes, its newline not counted. */
  readonly longestLine: number;
  /** `end`: a blank line ends the output, as in the original; what follows is read and dropped. */
  readonly blankLine: "ignore" | "end";
};

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** JSON's blanks; a line of nothing else holds no result, and is no blank line either unless it is empty. */
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, CARRIAGE_RETURN]);

export class ResultLines {
  readonly #options: ResultLineOptions;
  /** The line that has not ended yet, as far as it is kept. */
  #parts: Uint8Array[] = [];
  #length = 0;
  #line = 1;
  #hasEnded = false;
  #afterEnd = 0;

  constructor(options: ResultLineOptions) {
    this.#options = options;
  }

  /** Takes the next bytes of standard output; the lines that they end. */
  push(chunk: Uint8Array): readonly ResultLine[] {
    const lines: ResultLine[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      lines.push(...this.#endLine());
      start = end + 1;
    }
    // A copy: the rest may wait long, and would hold the whole chunk.
    this.#keep(chunk.slice(start));
    return lines;
  }

  /** Standard output has ended: a last line needs no newline. */
  end(): readonly ResultLine[] {
    const last = this.#length > 0 ? this.#endLine() : [];
    if (this.#afterEnd === 0) return last;
    const detail = `${count(this.#afterEnd, "line")} after the blank line that ends the output`;
    return [...last, { kind: "ignored", line: this.#line, detail, beginning: "" }];
  }

  #keep(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#hasEnded || part.length === 0) return;
    // One byte more than a line may have: a carriage return in front of the newline.
    if (this.#length > this.#options.longestLine + 1) this.#parts = [];
    else this.#parts.push(part);
  }

  #endLine(): readonly ResultLine[] {
    const [parts, length, line] = [this.#parts, this.#length, this.#line];
    this.#parts = [];
    this.#length = 0;
    this.#line += 1;
    if (this.#hasEnded) {
      this.#afterEnd += 1;
      return [];
    }
    const bytes = length <= this.#options.longestLine + 1 ? withoutReturn(joined(parts, length)) : undefined;
    if (bytes?.length === 0 && this.#options.blankLine === "end") this.#hasEnded = true;
    return [readLine(line, bytes, length, this.#options.longestLine)];
  }
}

/** @param bytes undefined for a line that was too long to keep */
function readLine(line: number, bytes: Uint8Array | undefined, length: number, longest: number): ResultLine {
  const fault = (kind: Exclude<ResultLine["kind"], "result">, detail: string): ResultLine => {
    return { kind, line, detail, beginning: bytes === undefined ? "" : beginningOf(bytes) };
  };
  if (bytes === undefined || bytes.length > longest) {
    return fault(
      "too-long",
      `line ${line} is longer than ${longest} bytes: it has ${bytes?.length ?? length}`,
    );
  }
  if (bytes.length === 0) return fault("ignored", `line ${line} is empty`);
  if (bytes.every((byte) => BLANKS.has(byte))) return fault("ignored", `line ${line} holds only blanks`);
  const text = decoded(bytes);
  if (text === undefined) return fault("garbage", `line ${line} (${bytes.length} bytes) is not UTF-8`);
  const value = parsed(text);
  if (value === undefined) return fault("garbage", `line ${line} (${bytes.length} bytes) is not JSON`);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return fault("not-an-object", `line ${line} is ${kindOf(value)}, expected a JSON object`);
  }
  return { kind: "result", line, value };
}

function withoutReturn(bytes: Uint8Array): Uint8Array {
  return bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes;
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1 && parts[0] !== undefined) return parts[0];
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The value of a JSON text; undefined where it is none. Nesting beyond the stack is no JSON either. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function beginningOf(bytes: Uint8Array): string {
  return abridged(new TextDecoder().decode(bytes.subarray(0, 320)));
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}

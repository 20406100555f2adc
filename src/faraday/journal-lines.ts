/**
 * The lines of a journal: one JSON object each, which begins with a sum of the rest of it.
 *
 *   {"sum":"<8 hex digits>","type":"run",…}\n        of the SHA-256 of what stands between the first comma and the newline
 *
 * And the synchronous work on such a file when a dispatcher starts: read it, cut it, write it without some lines.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { attempt } from "../core/files.ts";

/** Bytes of a file. */
export type Span = { readonly offset: number; readonly length: number };

const SUM = /^\{"sum":"([0-9a-f]{8})",/;
/** Bytes in front of what a record says. */
export const SUM_LENGTH = '{"sum":"00000000",'.length;
const NEWLINE = 0x0a;
/** Bytes that are read at once. */
const READ_SIZE = 1024 * 1024;

/** @param json text of an object that is not empty */
export function lineOf(json: string): Uint8Array {
  const rest = Buffer.from(json.slice(1));
  return Buffer.concat([Buffer.from(`{"sum":"${sumOf(rest)}",`), rest, Buffer.from("\n")]);
}

/** Whether a line, without its newline, is as it was written. */
export function isWhole(line: Buffer): boolean {
  const sum = SUM.exec(line.toString("latin1", 0, SUM_LENGTH))?.[1];
  return sum !== undefined && sum === sumOf(line.subarray(SUM_LENGTH));
}

function sumOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 8);
}

/** Each line that has ended, without its newline. @returns bytes of the file */
export function scan(path: string, onLine: (line: Buffer, offset: number) => void): number {
  return attempt("read", path, () => {
    const file = openSync(path, "r");
    try {
      let rest = Buffer.alloc(0);
      let offset = 0;
      for (;;) {
        const chunk = Buffer.alloc(READ_SIZE);
        const size = readSync(file, chunk, 0, chunk.length, offset + rest.length);
        if (size === 0) return offset + rest.length;
        const bytes =
          rest.length === 0 ? chunk.subarray(0, size) : Buffer.concat([rest, chunk.subarray(0, size)]);
        let start = 0;
        for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
          onLine(bytes.subarray(start, end), offset + start);
          start = end + 1;
        }
        rest = bytes.subarray(start);
        offset += start;
      }
    } finally {
      closeSync(file);
    }
  });
}

/** @throws {CbError} `file` */
export function cut(path: string, length: number): void {
  attempt("write", path, () => {
    const file = openSync(path, "r+");
    try {
      ftruncateSync(file, length);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  });
}

/** Leaves the file aside, under another name, and puts one of the good lines in its place. */
export function rewrite(path: string, aside: string, good: readonly Span[]): void {
  attempt("write", path, () => {
    linkSync(path, aside);
    const temporary = `${path}.tmp`;
    const source = openSync(aside, "r");
    const target = openSync(temporary, "w", 0o600);
    try {
      for (const { offset, length } of good) {
        const line = Buffer.alloc(length);
        readSync(source, line, 0, length, offset);
        writeFileSync(target, line);
      }
      fsyncSync(target);
      renameSync(temporary, path);
    } finally {
      closeSync(source);
      closeSync(target);
    }
  });
}

/**
 * What agents have printed, kept until it can be compared: in memory up to a limit, the rest in a file that has no name
 * any more, and so is gone with the program, however it ends.
 *
 * Each agent's output is a list of pieces in the order in which they came; equal outputs have equal digests, whatever
 * the pieces, and however standard output and standard error came mixed.
 */
import { createHash, type Hash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attempt } from "../core/files.ts";
import type { Identity } from "../core/names.ts";
import { concat } from "../protocol/bytes.ts";
import { STREAMS, type Stream } from "../protocol/reply.ts";

export type Piece = { readonly stream: Stream; readonly data: Uint8Array };

/** Bytes in memory, of all agents. */
const DEFAULT_MEMORY = 64 * 1024 * 1024;
/** Pieces below it are joined, as each costs more than its bytes: bytes. */
const SMALL_PIECE = 4096;

/** Of what is on disk, at a time. */
const READ_BYTES = 256 * 1024;

/** In memory or, without `data`, in the file. */
type Kept = { readonly stream: Stream; readonly length: number; data: Uint8Array | undefined; at: number };
type Output = {
  readonly kept: Kept[];
  /** Bytes in memory. */
  held: number;
  readonly hashes: Readonly<Record<Stream, Hash>>;
  readonly bytes: Record<Stream, number>;
};

export class OutputStore implements Disposable {
  readonly #outputs = new Map<Identity, Output>();
  readonly #memory: number;
  #held = 0;
  #file: number | undefined;
  #fileLength = 0;

  constructor(memory = DEFAULT_MEMORY) {
    this.#memory = memory;
  }

  /** Bytes that went to the disk. */
  get spilled(): number {
    return this.#fileLength;
  }

  /** @throws {CbError} `file` where there is no room for what does not fit into memory */
  add(identity: Identity, stream: Stream, data: Uint8Array): void {
    const output = this.#outputs.get(identity) ?? newOutput();
    this.#outputs.set(identity, output);
    output.hashes[stream].update(data);
    output.bytes[stream] += data.length;
    const last = output.kept.at(-1);
    const isJoined = last?.data !== undefined && last.stream === stream && last.length < SMALL_PIECE;
    // A copy: the view would keep the whole message alive.
    const bytes = isJoined && last.data !== undefined ? concat(last.data, data) : data.slice();
    if (isJoined) output.kept.pop();
    output.kept.push({ stream, length: bytes.length, data: bytes, at: 0 });
    output.held += data.length;
    this.#held += data.length;
    if (this.#held > this.#memory) this.#spill();
  }

  /** Equal for those who printed the same on either stream. */
  digest(identity: Identity): string {
    const output = this.#outputs.get(identity) ?? newOutput();
    return STREAMS.map((stream) => output.hashes[stream].copy().digest("base64")).join(" ");
  }

  /** Bytes of each stream. */
  sizes(identity: Identity): Readonly<Record<Stream, number>> {
    return (this.#outputs.get(identity) ?? newOutput()).bytes;
  }

  /** All of it, in the order in which it came, some hundred KiB at a time. */
  *pieces(identity: Identity): Generator<Piece> {
    for (const { stream, length, data, at } of this.#outputs.get(identity)?.kept ?? []) {
      if (data !== undefined) yield { stream, data };
      else
        for (let done = 0; done < length; done += READ_BYTES)
          yield { stream, data: this.#readBack(at + done, Math.min(READ_BYTES, length - done)) };
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#outputs.clear();
  }

  /** The largest first, until half of the memory is free: so the work for a byte does not grow with the agents. */
  #spill(): void {
    this.#file ??= openNameless();
    const largestFirst = [...this.#outputs.values()].sort((one, other) => other.held - one.held);
    for (const output of largestFirst) {
      if (this.#held <= this.#memory / 2) return;
      for (const kept of output.kept) {
        if (kept.data === undefined) continue;
        kept.at = this.#fileLength;
        this.#write(kept.data);
        kept.data = undefined;
      }
      this.#held -= output.held;
      output.held = 0;
    }
  }

  #write(data: Uint8Array): void {
    const file = this.#file ?? openNameless();
    attempt("keep output in", tmpdir(), () => {
      for (let done = 0; done < data.length; ) {
        done += writeSync(file, data, done, data.length - done, this.#fileLength + done);
      }
    });
    this.#fileLength += data.length;
  }

  #readBack(at: number, length: number): Uint8Array {
    const data = new Uint8Array(length);
    const file = this.#file;
    if (file === undefined) throw new Error("output that was spilled has no file");
    attempt("read output in", tmpdir(), () => {
      for (let done = 0; done < length; ) {
        const more = readSync(file, data, done, length - done, at + done);
        if (more === 0) throw new Error("the file of spilled output has become shorter");
        done += more;
      }
    });
    return data;
  }
}

function newOutput(): Output {
  const hashes = { stdout: createHash("sha256"), stderr: createHash("sha256") };
  return { kept: [], held: 0, hashes, bytes: { stdout: 0, stderr: 0 } };
}

function openNameless(): number {
  return attempt("make a file in", tmpdir(), () => {
    const directory = mkdtempSync(join(tmpdir(), "cb-output-"));
    try {
      return openSync(join(directory, "output"), "wx+", 0o600);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

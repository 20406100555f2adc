/**
 * What agents have printed, kept until it can be compared: one log of it all, whose end is in memory, up to a limit, and
 * whose beginning is in a file that has no name any more, and so is gone with the program, however it ends.
 *
 * Each agent's output is a list of stretches of the log, in the order in which they came. The memory is one piece that
 * is used again and again: as many arrays as came would be garbage faster than it is collected. Equal outputs have equal
 * digests, whatever the pieces, and however standard output and standard error came mixed.
 */
import { createHash, type Hash } from "node:crypto";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attempt } from "../core/files.ts";
import type { Identity } from "../core/names.ts";
import { concat } from "../protocol/bytes.ts";
import { STREAMS, type Stream } from "../protocol/reply.ts";

export type Piece = { readonly stream: Stream; readonly data: Uint8Array };

/** Bytes of the log in memory. */
const DEFAULT_MEMORY = 16 * 1024 * 1024;
/** Until more has come, it takes so much: most runs print little. */
const FIRST_MEMORY = 256 * 1024;
/** Less than that of an agent waits for more of it, as each stretch costs more than its bytes. */
const SMALL_PIECE = 4096;

/** Of what is on disk, at a time. */
const READ_BYTES = 256 * 1024;

/** Of the log; `at` counts from its beginning. */
type Stretch = { readonly stream: Stream; readonly at: number; length: number };
type Output = {
  readonly stretches: Stretch[];
  /** What is not in the log yet, of one stream. */
  waiting: Piece | undefined;
  /** Of streams on which something came. */
  readonly hashes: Partial<Record<Stream, Hash>>;
  readonly bytes: Record<Stream, number>;
};

export class OutputStore implements Disposable {
  readonly #outputs = new Map<Identity, Output>();
  readonly #most: number;
  #memory: Uint8Array;
  #used = 0;
  #file: number | undefined;
  #fileLength = 0;
  /** Why nothing more goes to the disk: each try would write megabytes for nothing. */
  #failure: unknown;

  /** @param memory bytes of the log that are kept in memory, at most */
  constructor(memory = DEFAULT_MEMORY) {
    this.#most = memory;
    this.#memory = new Uint8Array(Math.min(memory, FIRST_MEMORY));
  }

  /** Bytes that went to the disk. */
  get spilled(): number {
    return this.#fileLength;
  }

  /**
   * All of these bytes, or none.
   *
   * @throws {CbError} `file` where there is no room for what does not fit into memory; others may still fit
   */
  add(identity: Identity, stream: Stream, data: Uint8Array): void {
    const output = this.#outputs.get(identity) ?? newOutput();
    this.#outputs.set(identity, output);
    if (data.length === 0) return;
    this.#keep(output, stream, data);
    const hash = output.hashes[stream] ?? createHash("sha256");
    output.hashes[stream] = hash;
    hash.update(data);
    output.bytes[stream] += data.length;
  }

  /** Equal for those who printed the same on either stream. */
  digest(identity: Identity): string {
    const output = this.#outputs.get(identity) ?? newOutput();
    return STREAMS.map((stream) => output.hashes[stream]?.copy().digest("base64") ?? "").join(" ");
  }

  /** Bytes of each stream. */
  sizes(identity: Identity): Readonly<Record<Stream, number>> {
    return (this.#outputs.get(identity) ?? newOutput()).bytes;
  }

  /**
   * All of it, in the order in which it came, a piece at a time; not to be changed: it may be the log itself.
   *
   * @param buffer what is on disk is read into it, for whoever is done with each piece before the next
   */
  *pieces(identity: Identity, buffer?: Uint8Array): Generator<Piece> {
    const { stretches, waiting } = this.#outputs.get(identity) ?? newOutput();
    for (const { stream, at, length } of stretches) {
      for (let done = 0; done < length; ) {
        const data = this.#read(at + done, Math.min(buffer?.length ?? READ_BYTES, length - done), buffer);
        yield { stream, data };
        done += data.length;
      }
    }
    if (waiting !== undefined) yield waiting;
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#outputs.clear();
    [this.#memory, this.#used] = [new Uint8Array(), 0];
  }

  #keep(output: Output, stream: Stream, data: Uint8Array): void {
    const { waiting } = output;
    const isMore = waiting !== undefined && waiting.stream === stream;
    const together = data.length + (isMore ? waiting.data.length : 0);
    if (together < SMALL_PIECE && (isMore || waiting === undefined)) {
      output.waiting = { stream, data: isMore ? concat(waiting.data, data) : data.slice() };
      return;
    }
    if (waiting !== undefined) this.#append(output, waiting);
    output.waiting = undefined;
    if (data.length >= SMALL_PIECE || isMore) this.#append(output, { stream, data });
    else output.waiting = { stream, data: data.slice() };
  }

  #append({ stretches }: Output, { stream, data }: Piece): void {
    this.#makeRoom(data.length);
    const at = this.#fileLength + this.#used;
    if (data.length > this.#memory.length) this.#write(data);
    else {
      this.#memory.set(data, this.#used);
      this.#used += data.length;
    }
    const last = stretches.at(-1);
    if (last !== undefined && last.stream === stream && last.at + last.length === at)
      last.length += data.length;
    else stretches.push({ stream, at, length: data.length });
  }

  #makeRoom(length: number): void {
    const wanted = this.#used + length;
    if (wanted <= this.#memory.length) return;
    if (wanted <= this.#most) {
      // At once: pages that are not used cost nothing, and every size in between would be garbage.
      const larger = new Uint8Array(this.#most);
      larger.set(this.#memory.subarray(0, this.#used));
      this.#memory = larger;
      return;
    }
    this.#write(this.#memory.subarray(0, this.#used));
    this.#used = 0;
  }

  /** From the file or from memory, where less may be at hand than asked for. */
  #read(at: number, length: number, buffer?: Uint8Array): Uint8Array {
    const onDisk = Math.min(length, this.#fileLength - at);
    if (onDisk > 0) return this.#readBack(at, buffer?.subarray(0, onDisk) ?? new Uint8Array(onDisk));
    const from = at - this.#fileLength;
    return this.#memory.subarray(from, from + length);
  }

  #write(data: Uint8Array): void {
    if (data.length === 0) return;
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#file ??= openNameless();
      writeAt(this.#file, data, this.#fileLength);
    } catch (error) {
      this.#failure = error;
      // Others need the room.
      if (this.#file !== undefined) ftruncateSync(this.#file, this.#fileLength);
      throw error;
    }
    this.#fileLength += data.length;
  }

  #readBack(at: number, data: Uint8Array): Uint8Array {
    const { length } = data;
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
  return { stretches: [], waiting: undefined, hashes: {}, bytes: { stdout: 0, stderr: 0 } };
}

function writeAt(file: number, data: Uint8Array, at: number): void {
  attempt("keep output in", tmpdir(), () => {
    for (let done = 0; done < data.length; )
      done += writeSync(file, data, done, data.length - done, at + done);
  });
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

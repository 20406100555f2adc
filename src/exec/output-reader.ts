/**
 * Reads a child's two output streams into one sequence of chunks, no faster than the consumer takes them.
 *
 * Order: as the bytes come out of the two streams. What a command wrote to both between two turns of the
 * event loop has no order that anybody could still see.
 * Gathering: a chunk waits up to 50 ms for more of the same stream, unless bytes of the other one follow.
 * Back-pressure: with 128 KiB waiting both streams are paused, each with up to 64 KiB in the runtime's hands;
 * the child blocks once the system's own buffers (64 KiB of a pipe, 208 KiB of a socket) are full too.
 */
import type { Readable } from "node:stream";

export type StreamName = "stdout" | "stderr";
export type Output = { readonly stream: StreamName; readonly data: Uint8Array };

/** Bytes in one chunk, at most. */
const MAX_CHUNK = 64 * 1024;
/** Milliseconds that a chunk which could still grow is kept. */
const GATHER = 50;
/** Bytes that wait for the consumer before reading is paused; it goes on at half of them. */
const MAX_WAITING = 128 * 1024;
/** More than the system buffers of a stream can hold, so whatever a command wrote before its exit fits. */
const MAX_DRAIN = 2 * 1024 * 1024;

type Chunk = { readonly stream: StreamName; readonly parts: Uint8Array[]; size: number };

export class OutputReader {
  readonly #streams: ReadonlyMap<StreamName, Readable>;
  readonly #open: Set<StreamName>;
  readonly #bytes = { stdout: 0, stderr: 0 };
  readonly #chunks: Chunk[] = [];
  #waiting = 0;
  #paused = false;
  /** Whether the consumer held reading back at any time in the present period of `drain`. */
  #heldBack = false;
  /** While set, the last chunk may still grow. */
  #gathering: NodeJS.Timeout | undefined;
  #wake = () => {};
  #ended = () => {};

  constructor(stdout: Readable, stderr: Readable) {
    this.#streams = new Map([
      ["stdout", stdout],
      ["stderr", stderr],
    ]);
    this.#open = new Set(this.#streams.keys());
    for (const [name, stream] of this.#streams) {
      stream.on("data", (data: Uint8Array) => this.#add(name, data));
      for (const event of ["end", "close", "error"]) stream.on(event, () => this.#end(name));
    }
  }

  /** Bytes read so far. */
  get bytes(): Readonly<Record<StreamName, number>> {
    return { ...this.#bytes };
  }

  /** The next chunk, in order; `undefined` when both streams have ended. For one caller at a time. */
  async next(): Promise<Output | undefined> {
    for (;;) {
      const chunk = this.#chunks[0];
      if (chunk === undefined && this.#open.size === 0) return undefined;
      if (chunk !== undefined && (this.#chunks.length > 1 || this.#gathering === undefined)) {
        this.#take(chunk);
        return { stream: chunk.stream, data: joined(chunk) };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /**
   * To be called when the command itself has exited: waits until both streams end, and after `grace` closes
   * them upon whoever still holds one (it meets SIGPIPE at its next write).
   *
   * A grace during which the consumer held reading back is given again, else a slow hub would cost output.
   * A background child that floods must not use that to stay for ever: hence the bound in bytes.
   *
   * @param grace milliseconds
   * @returns whether a stream was left open
   */
  async drain(grace: number): Promise<boolean> {
    // One turn of the event loop at least, or the last words of the command itself are lost.
    const period = Math.max(grace, GATHER);
    const limit = this.#bytes.stdout + this.#bytes.stderr + MAX_DRAIN;
    do {
      this.#heldBack = this.#paused;
      if (await this.#endsWithin(period)) return false;
    } while (this.#heldBack && this.#bytes.stdout + this.#bytes.stderr < limit);
    this.stop();
    return true;
  }

  /** Closes both streams; what was read is still given out. */
  stop(): void {
    for (const [name, stream] of this.#streams) {
      stream.destroy();
      this.#end(name);
    }
  }

  #add(stream: StreamName, data: Uint8Array): void {
    this.#bytes[stream] += data.length;
    this.#waiting += data.length;
    for (let start = 0; start < data.length; ) {
      const chunk = this.#growing(stream);
      const part = data.subarray(start, start + MAX_CHUNK - chunk.size);
      chunk.parts.push(part);
      chunk.size += part.length;
      start += part.length;
      if (chunk.size === MAX_CHUNK) this.#ripen();
    }
    // Not only at the first crossing: Node resumes paused streams by itself when the child exits.
    if (this.#waiting >= MAX_WAITING) this.#pause();
  }

  /** The last chunk if it is of this stream and has room, else a new one behind it. */
  #growing(stream: StreamName): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.stream === stream && last.size < MAX_CHUNK) return last;

    const chunk: Chunk = { stream, parts: [], size: 0 };
    this.#chunks.push(chunk);
    this.#ripen();
    this.#gathering = setTimeout(() => this.#ripen(), GATHER);
    return chunk;
  }

  #ripen(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#wake();
  }

  #take(chunk: Chunk): void {
    this.#chunks.shift();
    this.#waiting -= chunk.size;
    if (this.#paused && this.#waiting <= MAX_WAITING / 2) {
      this.#paused = false;
      for (const name of this.#open) this.#streams.get(name)?.resume();
    }
  }

  #pause(): void {
    this.#paused = true;
    this.#heldBack = true;
    for (const name of this.#open) this.#streams.get(name)?.pause();
  }

  #end(name: StreamName): void {
    if (!this.#open.delete(name) || this.#open.size > 0) return;
    this.#ripen();
    this.#ended();
  }

  async #endsWithin(wait: number): Promise<boolean> {
    if (this.#open.size === 0) return true;
    return await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), wait);
      this.#ended = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

function joined({ parts, size }: Chunk): Uint8Array {
  if (parts.length === 1 && parts[0] !== undefined) return parts[0];
  const data = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    data.set(part, offset);
    offset += part.length;
  }
  return data;
}

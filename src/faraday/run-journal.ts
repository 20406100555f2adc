/**
 * The file of one run: what it printed and what became of it, in lines that are only ever appended.
 *
 *   {"sum":"<8 hex digits>","type":"run",…}\n        sum: SHA-256 of the line from behind the sum on
 *
 * Records that wait together are written and synced together. What a failed write left is cut off before the
 * next one. A last line without its newline is what a crash tore: nobody was promised it, and it is cut. Any
 * other line that is not as it was written is damage: the file is kept aside as it is, and the rest goes on.
 * Bodies of results stay on disk; memory holds where they are.
 */
import { renameSync, unlinkSync } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { CbError, systemCode } from "../core/errors.ts";
import { attempt, createExclusive, systemReason } from "../core/files.ts";
import { printable } from "../core/text.ts";
import { cut, isWhole, lineOf, rewrite, type Span, scan } from "./journal-lines.ts";

export type OpenedJournal = {
  readonly journal: RunJournal | undefined;
  /** Lines that were not as they were written. */
  readonly damaged: number;
};

type Waiting = {
  readonly line: Uint8Array;
  readonly isDurable: boolean;
  readonly resolve: (span: Span) => void;
  readonly reject: (error: unknown) => void;
};

/** Bytes that are written at once, unless a single record is longer. */
const MAX_WRITE = 4 * 1024 * 1024;

export class RunJournal {
  readonly #path: string;
  #length: number;
  #waiting: Waiting[] = [];
  #pump: Promise<void> | undefined;
  /** A write failed half-way: what it left must be cut off first. */
  #isTorn = false;
  #file: Promise<FileHandle> | undefined;
  #users = 0;
  /** Whether the file stays open between two uses. */
  #isKept: boolean;

  private constructor(path: string, length: number, isKept: boolean) {
    this.#path = path;
    this.#length = length;
    this.#isKept = isKept;
  }

  /**
   * Begins a journal; its first record is on disk when this returns.
   *
   * @throws {CbError} `file`, also where there is one of that name
   */
  static create(path: string, first: object): RunJournal {
    const line = lineOf(JSON.stringify(first));
    createExclusive(path, line, 0o600);
    return new RunJournal(path, line.length, true);
  }

  /**
   * Opens a journal that an earlier process has left; undefined where its first line, without which the others
   * mean nothing, is not whole. The file is then kept aside, unless nothing in it was ever promised.
   *
   * @param aside where a damaged file is kept as it was found
   * @param onLine is given each line that is as it was written, in order
   * @throws {CbError} `file`
   */
  static open(path: string, aside: string, onLine: (line: Uint8Array, span: Span) => void): OpenedJournal {
    const good: Span[] = [];
    let damaged = 0;
    let ended = 0;
    let length = 0;
    const total = scan(path, (line, offset) => {
      ended = offset + line.length + 1;
      if (!isWhole(line)) {
        damaged += 1;
        return;
      }
      good.push({ offset, length: line.length + 1 });
      // Where it will be when the damaged lines are out of the way.
      onLine(line, { offset: length, length: line.length });
      length += line.length + 1;
    });
    if (good[0]?.offset !== 0) {
      const isEmpty = ended === 0;
      attempt("set aside", path, () => (isEmpty ? unlinkSync(path) : renameSync(path, aside)));
      return { journal: undefined, damaged };
    }
    if (damaged > 0) rewrite(path, aside, good);
    else if (length < total) cut(path, length);
    return { journal: new RunJournal(path, length, false), damaged };
  }

  /** Bytes. */
  get length(): number {
    return this.#length;
  }

  /**
   * Appends a record, an object as JSON text.
   *
   * @param isDurable resolve only when it is on disk; else when it is in the file, which a kill does not undo
   * @returns where its line is, without the newline
   * @throws {CbError} `file`; nothing of the record is then in the file
   */
  append(json: string, isDurable: boolean): Promise<Span> {
    const line = lineOf(json);
    return new Promise<Span>((resolve, reject) => {
      this.#waiting.push({ line, isDurable, resolve, reject });
      this.#pump ??= this.#writeAll();
    });
  }

  /** @throws {CbError} `file` */
  async read({ offset, length }: Span): Promise<Uint8Array> {
    return await this.#use("read", async (file) => {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw new Error("it is shorter than it was");
        done += bytesRead;
      }
      return bytes;
    });
  }

  /** Resolves when all that was appended is in the file, and the file is closed. */
  async close(): Promise<void> {
    await this.#pump;
    await this.release();
  }

  /** Closes the file as soon as nobody uses it; it is opened again whenever somebody does. */
  async release(): Promise<void> {
    this.#isKept = false;
    if (this.#users === 0) await this.#close();
  }

  /** @throws {CbError} `file` */
  async remove(): Promise<void> {
    await this.close();
    await unlink(this.#path).catch((cause: unknown) => {
      if (systemCode(cause) !== "ENOENT") throw failure("delete", this.#path, cause);
    });
  }

  async #writeAll(): Promise<void> {
    // Whatever is added in this turn is written together.
    await undefined;
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      try {
        let offset = await this.#use("write", (file) => this.#write(file, batch));
        for (const { line, resolve } of batch) {
          resolve({ offset, length: line.length - 1 });
          offset += line.length;
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#pump = undefined;
  }

  #nextBatch(): readonly Waiting[] {
    let size = 0;
    const end = this.#waiting.findIndex(({ line }, index) => {
      size += line.length;
      return size > MAX_WRITE && index > 0;
    });
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }

  /** @returns where the first line is */
  async #write(file: FileHandle, batch: readonly Waiting[]): Promise<number> {
    // A deleted file still takes writes, and is gone with this process.
    if ((await file.stat()).nlink === 0) throw new Error("it was deleted");
    await this.#mend(file);
    const bytes = Buffer.concat(batch.map(({ line }) => line));
    const start = this.#length;
    this.#isTorn = true;
    try {
      for (let done = 0; done < bytes.length; ) {
        done += (await file.write(bytes, done, bytes.length - done, start + done)).bytesWritten;
      }
      if (batch.some(({ isDurable }) => isDurable)) await file.datasync();
    } catch (error) {
      // At once, since what it left takes room, and may look whole to the next start. If not now, then next time.
      await this.#mend(file).catch(() => {});
      throw error;
    }
    this.#isTorn = false;
    this.#length = start + bytes.length;
    return start;
  }

  async #mend(file: FileHandle): Promise<void> {
    if (!this.#isTorn) return;
    await file.truncate(this.#length);
    this.#isTorn = false;
  }

  /** Whoever uses the file shares one descriptor; a thousand runs that wait for a server must not hold as many. */
  async #use<Result>(verb: string, action: (file: FileHandle) => Promise<Result>): Promise<Result> {
    this.#users += 1;
    try {
      return await action(await this.#handle());
    } catch (cause) {
      throw failure(verb, this.#path, cause);
    } finally {
      this.#users -= 1;
      if (this.#users === 0 && !this.#isKept) await this.#close();
    }
  }

  #handle(): Promise<FileHandle> {
    this.#file ??= open(this.#path, "r+").catch((error: unknown) => {
      this.#file = undefined;
      throw error;
    });
    return this.#file;
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.then((handle) => handle.close()).catch(() => {});
  }
}

function failure(verb: string, path: string, cause: unknown): CbError {
  if (cause instanceof CbError) return cause;
  return new CbError("file", `Cannot ${verb} "${printable(path)}": ${systemReason(cause)}`, { cause });
}

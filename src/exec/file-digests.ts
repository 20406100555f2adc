/**
 * SHA-256 of files, remembered for as long as they do not change.
 *
 * Read in pieces, so that an agent goes on listening while it digests a large executable. A file counts as unchanged while
 * device, inode, size and both times, to the nanosecond, are the same: who can set all of them can also lie in person.
 */
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";

const PIECE_BYTES = 1024 * 1024;
/** Files that are remembered, at most; then all are forgotten. */
const MAX_REMEMBERED = 8192;

type Remembered = { readonly state: string; readonly digest: Uint8Array };

export class FileDigests {
  readonly #remembered = new Map<string, Remembered>();

  /**
   * @returns undefined where the file cannot be read, or is none
   * @throws the reason of the signal
   */
  async digest(path: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    let file: FileHandle | undefined;
    try {
      file = await open(path);
      const before = await stateOf(file);
      const known = this.#remembered.get(path);
      if (known?.state === before) return known.digest;
      const digest = await digestOf(file, signal);
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
      // What was written to meanwhile is read anew the next time.
      if ((await stateOf(file)) === before) this.#remembered.set(path, { state: before, digest });
      return digest;
    } catch {
      signal.throwIfAborted();
      return undefined;
    } finally {
      await file?.close();
    }
  }
}

async function stateOf(file: FileHandle): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
}

async function digestOf(file: FileHandle, signal: AbortSignal): Promise<Uint8Array> {
  const hash = createHash("sha256");
  const piece = new Uint8Array(PIECE_BYTES);
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(piece, 0, piece.length, null);
    if (bytesRead === 0) return new Uint8Array(hash.digest());
    hash.update(piece.subarray(0, bytesRead));
  }
}

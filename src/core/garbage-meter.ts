/**
 * Keeps a program small that only passes bytes on.
 *
 * Every byte is copied some seven times between a pipe and Redis. Bun's collector looks after 32 MB of dead
 * copies, and far later at those that were in use when it last looked: an agent of 60 MB grows to 170. So it is
 * told to, now and then; a turn takes some 10 ms. Node and Deno have no such call and need it less.
 */

/** Bytes that pass between two turns. */
const TURN = 16 * 1024 * 1024;

type Collector = { readonly Bun?: { readonly gc: (isSynchronous: boolean) => void } };

export class GarbageMeter {
  #passed = 0;

  /** So many bytes have passed. */
  add(bytes: number): void {
    this.#passed += bytes;
    if (this.#passed < TURN) return;
    this.#passed = 0;
    (globalThis as Collector).Bun?.gc(true);
  }
}

/** What a session waits for: items that may come late or never, output that its reader may not take. */
import { LONGEST_TIMER } from "../core/clock.ts";

/** Items of the reply list. */
export type Batch = readonly Uint8Array[];

/** The next batch; after the last one, nothing for ever: the session's waits decide when that is enough. */
export async function nextOf(replies: AsyncIterator<Batch>): Promise<Batch> {
  const { value, done } = await replies.next();
  return done ? new Promise<Batch>(() => {}) : value;
}

/** Waits for work that a reader of our output may hold up for ever, but not once the signal aborts. */
export async function unlessAborted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  work.catch(() => {}); // once we have left, nobody asks
  const done = new AbortController();
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true, signal: done.signal });
    if (signal.aborted) resolve();
  });
  await Promise.race([work, aborted]).finally(() => done.abort());
}

/** What has come, in the order in which it came. */
export class Inbox<Item> {
  readonly #items: Promise<Item>[] = [];
  #wake = () => {};

  /** Takes an item that is on its way: it has come once it is settled. */
  expect(item: Promise<Item>): void {
    const settle = () => {
      this.#items.push(item);
      this.#wake();
    };
    item.then(settle, settle);
  }

  /** The next item, or undefined where none comes within so many milliseconds, or one of the signals aborts. */
  async next(milliseconds: number, signals: readonly AbortSignal[]): Promise<Item | undefined> {
    const done = new AbortController();
    const awake = new Promise<void>((resolve) => {
      this.#wake = resolve;
      const timer = setTimeout(resolve, Math.min(Math.max(0, milliseconds), LONGEST_TIMER));
      done.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
      for (const signal of signals) {
        const wake = () => resolve();
        if (!signal.aborted) signal.addEventListener("abort", wake, { once: true, signal: done.signal });
      }
    });
    if (this.#items.length === 0) await awake;
    done.abort();
    return this.#items.shift();
  }
}

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

/** What arrives within so many milliseconds, or undefined; also when one of the signals aborts. */
export async function earliest(
  batch: Promise<Batch>,
  milliseconds: number,
  signals: readonly AbortSignal[],
): Promise<Batch | undefined> {
  const done = new AbortController();
  const alarm = new Promise<undefined>((resolve) => {
    const wake = () => resolve(undefined);
    const timer = setTimeout(wake, Math.min(Math.max(0, milliseconds), LONGEST_TIMER));
    done.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    for (const signal of signals) {
      if (!signal.aborted) signal.addEventListener("abort", wake, { once: true, signal: done.signal });
    }
  });
  return Promise.race([batch, alarm]).finally(() => done.abort());
}

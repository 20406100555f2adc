import { setTimeout as sleep } from "node:timers/promises";

/** For what another program has to do first, in milliseconds; far above what a busy machine needs. */
const LIMIT = 60_000;

/** Tries until what it asserts holds; in the end throws what the last attempt threw. */
export async function eventually(check: () => Promise<void>, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + LIMIT;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline || signal.aborted) throw error;
    }
    await sleep(100, undefined, { signal });
  }
}

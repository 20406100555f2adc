import { setTimeout as sleep } from "node:timers/promises";

/** Looks again and again until what is seen is good, or for so long. @returns what was seen last */
export async function poll<Seen>(
  look: () => Promise<Seen> | Seen,
  isGood: (seen: Seen) => boolean,
  { seconds, signal }: { readonly seconds: number; readonly signal: AbortSignal },
): Promise<Seen> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (isGood(seen) || Date.now() > deadline) return seen;
    await sleep(100, undefined, { signal });
  }
}

/** At most ten a minute of a kind, so that nobody can fill a log or make an agent shout. */
import type { Clock } from "../core/clock.ts";

const PER_WINDOW = 10;
const WINDOW = 60_000;

type Window = { readonly startedAt: number; allowed: number; suppressed: number };

export class RateLimit {
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param kind one of few: windows are kept for ever
   * @returns whether one more may pass, and how many did not since the last window began
   */
  allow(kind: string): { readonly isAllowed: boolean; readonly suppressed: number } {
    const now = this.#clock.monotonic();
    let window = this.#windows.get(kind);
    let suppressed = 0;
    if (window === undefined || now - window.startedAt >= WINDOW) {
      suppressed = window?.suppressed ?? 0;
      window = { startedAt: now, allowed: 0, suppressed: 0 };
      this.#windows.set(kind, window);
    }
    const isAllowed = window.allowed < PER_WINDOW;
    if (isAllowed) window.allowed++;
    else window.suppressed++;
    return { isAllowed, suppressed };
  }
}

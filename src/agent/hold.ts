/**
 * A run that waits for a `go`: it has no slot and no place in a queue, and it ends by itself.
 *
 * Held by a timer, so that a clock that is set back holds nothing for longer; a clock that is set forward, or a machine
 * that slept, is found out when the go is judged, or the turn.
 */
import type { Clock } from "../core/clock.ts";
import type { NoTurn } from "./turn.ts";

/** How many runs an agent holds at a time. */
export const MAX_HELD = 256;

const EXPIRED = "it was not released in time";

export class Hold {
  readonly #ended: Promise<string | undefined>;
  #tell: (why: string | undefined) => void = () => {};
  #isOpen = true;

  constructor() {
    this.#ended = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  /** Whether a go can still do something. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @param why the command never starts; undefined: it may */
  end(why: string | undefined): void {
    this.#isOpen = false;
    this.#tell(why);
  }

  /**
   * @param until milliseconds since the epoch
   * @param end ends the run; its reason is `"cancelled"` or `"stopped"`
   * @returns undefined once it is released
   */
  async wait(
    until: number,
    { clock, leaveQueue }: { readonly clock: Clock; readonly leaveQueue: AbortSignal },
    end: AbortSignal,
  ): Promise<NoTurn | undefined> {
    const expiry = AbortSignal.timeout(Math.max(0, until - clock.wall()));
    const signal = AbortSignal.any([leaveQueue, expiry, end]);
    const aborted = new Promise<"aborted">((resolve) => {
      signal.addEventListener("abort", () => resolve("aborted"), { once: true });
      if (signal.aborted) resolve("aborted");
    });
    const why = await Promise.race([this.#ended, aborted]);
    if (why === undefined) return undefined;
    this.#isOpen = false;
    const never = { release: undefined } as const;
    if (why !== "aborted") return { ...never, ending: "never-released", detail: why };
    if (end.reason === "cancelled") return { ...never, ending: "cancelled", detail: undefined };
    if (leaveQueue.aborted || end.aborted)
      return { ...never, ending: "never-started", detail: "the agent is stopping" };
    return { ...never, ending: "never-released", detail: EXPIRED };
  }
}

/**
 * Keeps one connection to Redis up, for ever, for a daemon.
 *
 *   connecting ──open──▶ up ──lost──▶ pausing ──▶ connecting
 *        └─────────── failed ────────────▲
 */
import { EventEmitter, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { failureOf, HubFailure } from "./failure.ts";
import { CONNECT_MS, type RedisConnection } from "./redis-connection.ts";

/** The pause before trying again, in milliseconds: doubled from the first to the last. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 15_000;
/** Once Redis is back, whoever had lost it is connected again after so many milliseconds at most. */
export const LONGEST_RETURN = LAST_PAUSE_MS + CONNECT_MS;
/** A connection that lasted as long was a good one: the next pause is a short one again. */
const GOOD_MS = 10_000;

/**
 * The pause before a further attempt, between half and the whole of a time that doubles with every attempt:
 * when Redis comes back, a fleet must not come back in the same millisecond.
 *
 * @param attempt 0 for the first
 * @returns milliseconds, 50 to 15 000
 */
export function pauseBefore(attempt: number): number {
  const whole = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return whole * (0.5 + Math.random() / 2);
}

/** What becomes of a link; none of them may throw. */
type LinkObserver = {
  readonly onUp: () => void;
  /** It was up. */
  readonly onLost: (reason: string) => void;
  /** An attempt to get it up failed; told for each one. */
  readonly onFailed: (reason: string) => void;
};

export class ReconnectingLink {
  readonly #open: (signal: AbortSignal) => Promise<RedisConnection>;
  readonly #observer: LinkObserver;
  readonly #closing = new AbortController();
  readonly #events = new EventEmitter();
  readonly #done: Promise<void>;
  #up: RedisConnection | undefined;

  /** @param open one attempt, until the connection is of use; throws why it is not */
  constructor(open: (signal: AbortSignal) => Promise<RedisConnection>, observer: LinkObserver) {
    this.#open = open;
    this.#observer = observer;
    this.#events.setMaxListeners(0); // one for each reply that waits
    this.#done = this.#run();
  }

  /** The connection, once it is up. @throws {HubFailure} after `close()`, or the reason of `signal` */
  async connection(signal: AbortSignal): Promise<RedisConnection> {
    while (this.#up === undefined) {
      if (this.#closing.signal.aborted) throw new HubFailure("connection", "closed");
      await once(this.#events, "change", { signal }).catch(() => signal.throwIfAborted());
    }
    return this.#up;
  }

  /** Ends it politely; resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#up?.end();
    this.#events.emit("change");
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let attempt = 0;
    while (!signal.aborted) {
      try {
        const redis = await this.#open(signal);
        const good = setTimeout(() => {
          attempt = 0;
        }, GOOD_MS);
        await this.#whileUp(redis);
        clearTimeout(good);
      } catch (error) {
        if (!signal.aborted) this.#observer.onFailed(failureOf(error).message);
      }
      await sleep(pauseBefore(attempt), undefined, { signal }).catch(() => {}); // closing
      attempt += 1;
    }
  }

  async #whileUp(redis: RedisConnection): Promise<void> {
    this.#up = redis;
    if (this.#closing.signal.aborted) redis.end();
    else this.#observer.onUp();
    this.#events.emit("change");
    const { message } = await redis.ended;
    this.#up = undefined;
    if (!this.#closing.signal.aborted) this.#observer.onLost(message);
  }
}

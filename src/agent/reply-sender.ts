/**
 * Sends the replies of one session in order, sealed once, as fast as the hub takes them.
 *
 * While one push is under way the next replies gather, and go together; past a bound `send` makes its caller
 * wait, who then stops reading the command's output, whose pipe then fills: that is how a slow hub slows a
 * command instead of filling this process.
 */
import { encodeReply, type Reply } from "../protocol/reply.ts";
import type { ReplySealer } from "../protocol/reply-envelope.ts";

/** Bytes that may wait for the hub before the sender of more has to. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Resolves when the hub has acknowledged all of them; pushes that failed are repeated with the same bytes. */
export type Push = (envelopes: readonly Uint8Array[]) => Promise<void>;

export class ReplySender {
  readonly #push: Push;
  readonly #sealer: ReplySealer;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #pushing: Promise<void> | undefined;
  #failure: unknown;

  constructor(push: Push, sealer: ReplySealer) {
    this.#push = push;
    this.#sealer = sealer;
  }

  /** Takes a reply; resolves when there is room for another. After a failure replies are dropped. */
  async send(reply: Reply): Promise<void> {
    if (this.#failure !== undefined) return;
    const envelope = this.#sealer.seal(encodeReply(reply));
    this.#waiting.push(envelope);
    this.#waitingBytes += envelope.length;
    this.#pushing ??= this.#pushAll();
    while (this.#waitingBytes > MAX_WAITING_BYTES && this.#pushing !== undefined) await this.#pushing;
  }

  /**
   * Waits for the last reply to arrive, and forgets the key.
   *
   * @throws what the hub refused for good, or the reason why its retries were given up
   */
  async close(): Promise<void> {
    await this.#pushing;
    this.#sealer.close();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #pushAll(): Promise<void> {
    while (this.#waiting.length > 0 && this.#failure === undefined) {
      const envelopes = this.#waiting;
      this.#waiting = [];
      try {
        await this.#push(envelopes);
      } catch (error) {
        this.#failure = error;
        this.#waiting = [];
      }
      this.#waitingBytes = this.#waiting.reduce((sum, { length }) => sum + length, 0);
    }
    this.#pushing = undefined;
  }
}

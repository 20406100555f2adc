/** Messages that were sent over a channel and wait for their acknowledgements, by a number that grows. */
import type { Answer } from "./join-verdict.ts";

export class PendingAnswers {
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;
  #isLost = false;

  /**
   * What becomes of a message.
   *
   * @param send puts it on its way; not called where nothing can come of it
   * @param patience ends the waiting
   */
  expect(send: (id: number) => void, patience: AbortSignal): Promise<Answer> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      const onAbort = () => done("unanswered");
      const done = (answer: Answer) => {
        patience.removeEventListener("abort", onAbort);
        this.#waiting.delete(id);
        resolve(answer);
      };
      patience.addEventListener("abort", onAbort, { once: true });
      this.#waiting.set(id, done);
      if (this.#isLost) done("lost");
      else if (patience.aborted) done("unanswered");
      else send(id);
    });
  }

  acknowledge(id: number): void {
    this.#waiting.get(id)?.("acknowledged");
  }

  /** For those who acknowledge several at once: that one, and all before it. */
  acknowledgeUpTo(id: number): void {
    for (const waiting of [...this.#waiting.keys()]) if (waiting <= id) this.acknowledge(waiting);
  }

  /** The connection has ended: nothing will be acknowledged any more. */
  lose(): void {
    this.#isLost = true;
    for (const answer of [...this.#waiting.values()]) answer("lost");
  }
}

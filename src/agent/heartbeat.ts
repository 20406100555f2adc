/**
 * Signs of life of a run that was released: its station gives nobody else its slot while they come, however long the
 * command is silent. An agent that has died sends none.
 */
import type { State } from "../protocol/reply.ts";
import type { ReplySender } from "./reply-sender.ts";

/** Between two of them, in milliseconds (PROTOCOL.md §6). */
const EVERY = 5_000;

export class Heartbeat {
  readonly #timer: ReturnType<typeof setInterval>;
  state: State["state"] = "queued";

  constructor(sender: Pick<ReplySender, "signLife">) {
    this.#timer = setInterval(() => sender.signLife({ type: "state", state: this.state }), EVERY);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/**
 * Requests that arrived and that nobody has taken yet, bounded: whoever can publish on the channel could
 * otherwise fill an agent's memory. What comes while it is full is dropped, since what is in it came first.
 */
import { EventEmitter, once } from "node:events";

const MAX_REQUESTS = 1_024;
const MAX_BYTES = 4 * 1024 * 1024;

export class RequestQueue {
  readonly #requests: Uint8Array[] = [];
  readonly #events = new EventEmitter();
  #bytes = 0;

  /** @returns false where it is full, and the request dropped */
  add(request: Uint8Array): boolean {
    if (this.#requests.length >= MAX_REQUESTS || this.#bytes + request.length > MAX_BYTES) return false;
    // A copy: what a connection hands out is a window on a chunk of up to 64 KiB, which would stay in memory.
    this.#requests.push(Uint8Array.from(request));
    this.#bytes += request.length;
    this.#events.emit("added");
    return true;
  }

  /** Waits for a request and takes it. @throws the reason of `signal` */
  async take(signal: AbortSignal): Promise<Uint8Array> {
    for (;;) {
      signal.throwIfAborted();
      const request = this.#requests.shift();
      if (request !== undefined) {
        this.#bytes -= request.length;
        return request;
      }
      await once(this.#events, "added", { signal });
    }
  }
}

/**
 * The outputs of a session, kept once for all views that look at them at its end: the first of them puts them in, the
 * last one lets them go. Where they can be kept no longer, the session goes on without them.
 */
import { CbError } from "../core/errors.ts";
import type { Identity } from "../core/names.ts";
import type { Stream } from "../protocol/reply.ts";
import { OutputStore } from "./output-store.ts";

export class KeptOutputs {
  readonly store = new OutputStore();
  #views = 0;
  #trouble: string | undefined;

  /** Why they can be kept no longer; undefined while they are. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Of one view more; each calls `add` and, at its end, `leave`. */
  join(): OutputKeeping {
    const isFirst = this.#views === 0;
    this.#views += 1;
    return {
      add: (identity, stream, data) => {
        if (isFirst) this.#add(identity, stream, data);
      },
      leave: () => {
        this.#views -= 1;
        if (this.#views === 0) this.store[Symbol.dispose]();
      },
    };
  }

  #add(identity: Identity, stream: Stream, data: Uint8Array): void {
    if (this.#trouble !== undefined) return;
    try {
      this.store.add(identity, stream, data);
    } catch (error) {
      if (!(error instanceof CbError)) throw error;
      this.#trouble = error.message;
      this.store[Symbol.dispose]();
    }
  }
}

export type OutputKeeping = {
  readonly add: (identity: Identity, stream: Stream, data: Uint8Array) => void;
  readonly leave: () => void;
};

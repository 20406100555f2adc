/**
 * The outputs of a session, kept once for all views that look at them at its end: the first of them puts them in, the
 * last one lets them go.
 *
 * Where there is no room for more, what is there stays, and the session goes on: of some agents there is the beginning
 * alone then, and of those that printed little all of it.
 */
import { CbError } from "../core/errors.ts";
import { systemReason } from "../core/files.ts";
import { foldNames } from "../core/name-set.ts";
import type { Identity } from "../core/names.ts";
import type { Stream } from "../protocol/reply.ts";
import type { Comparable } from "./output-groups.ts";
import { OutputStore } from "./output-store.ts";

export class KeptOutputs {
  readonly store = new OutputStore();
  #views = 0;
  /** Of which something could not be kept, and why. */
  readonly #cut = new Map<Identity, CbError>();

  /** What an output is compared by. */
  compared(identity: Identity): Pick<Comparable, "digest" | "cut"> {
    const digest = this.store.digest(identity);
    const error = this.#cut.get(identity);
    if (error === undefined) return { digest };
    return { digest: `${digest} ${identity}`, cut: systemReason(error.cause) };
  }

  /** Of one view more; each calls `add` and, at its end, `leave`. */
  join(): OutputKeeping {
    const isFirst = this.#views === 0;
    this.#views += 1;
    return {
      add: (identity, stream, data) => {
        if (isFirst) this.#add(identity, stream, data);
      },
      // Said by one view: it is on disk once.
      spilled: () => (isFirst ? this.store.spilled : 0),
      losses: () => (isFirst ? this.#losses() : []),
      leave: () => {
        this.#views -= 1;
        if (this.#views === 0) this.store[Symbol.dispose]();
      },
    };
  }

  #add(identity: Identity, stream: Stream, data: Uint8Array): void {
    if (this.#cut.has(identity)) return;
    try {
      this.store.add(identity, stream, data);
    } catch (error) {
      if (!(error instanceof CbError)) throw error;
      this.#cut.set(identity, error);
    }
  }

  #losses(): readonly string[] {
    const why = new Set([...this.#cut.values()].map(({ message }) => message));
    return [...why].map((message) => {
      const names = [...this.#cut].flatMap(([identity, error]) =>
        error.message === message ? [identity] : [],
      );
      return `the output of ${foldNames(names).join(", ")} is not whole: ${message}`;
    });
  }
}

/** Where an output ends that was not kept to its end. */
export function notKept(why: string): string {
  return `not all of it could be kept: ${why}`;
}

export type OutputKeeping = {
  readonly add: (identity: Identity, stream: Stream, data: Uint8Array) => void;
  /** Bytes on disk, so far. */
  readonly spilled: () => number;
  /** Sentences; said by one view, as what is lost is lost to all of them. */
  readonly losses: () => readonly string[];
  readonly leave: () => void;
};

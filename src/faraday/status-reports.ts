/**
 * Statuses on their way to the server: each run's last one is told until the server has it, over as many connections
 * as that takes.
 *
 * The server forgets what a lost connection carried, and marks the runs of an agent that went away as failed; but it
 * takes a later status for any execution at any time. So after each join all live runs are announced anew, and final
 * statuses that were not acknowledged are told again.
 */
import type { StatusMessage } from "./command-channel.ts";
import type { RunFacts } from "./post-body.ts";
import type { RunOutcome } from "./run-outcome.ts";

/** Resolves with false where the channel is lost before the server has it; rejects where the signal aborts. */
export type Tell = (status: StatusMessage, signal: AbortSignal) => Promise<boolean>;

/** `settle`: whether the server knows it, or never will from us. */
type Entry = { readonly status: StatusMessage; readonly settle: (isKnown: boolean) => void };

/** What a status says of a run. */
type Subject = Pick<RunFacts, "executionIds" | "executor">;

export class StatusReports {
  readonly #tell: Tell;
  readonly #signal: AbortSignal;
  readonly #entries = new Map<Subject, Entry>();

  /** @param signal gives up; what has not been told then is in the run's journal */
  constructor(tell: Tell, signal: AbortSignal) {
    this.#tell = tell;
    this.#signal = signal;
    // Once for all: a listener for each run would stay for as long as the dispatcher runs.
    signal.addEventListener("abort", () => this.#giveUp(), { once: true });
  }

  /** The run has started; said now, and after each join until it has finished. */
  running(run: Subject): void {
    const status = { ...ofRun(run), running: true, successful: null, message: `${run.executor} is running` };
    const entry = { status, settle: () => {} };
    this.#entries.set(run, entry);
    void this.#send(run, entry);
  }

  /**
   * The run is over.
   *
   * @returns whether the server knows; false where the signal came first
   */
  async finished(run: Subject, { successful, message }: RunOutcome): Promise<boolean> {
    const status = { ...ofRun(run), running: false, successful, message };
    if (this.#signal.aborted) return false;
    return new Promise((settle) => {
      const entry = { status, settle };
      this.#entries.set(run, entry);
      void this.#send(run, entry);
    });
  }

  /** Told of each join: the server may have forgotten, or never heard, all that was said before. */
  readonly onJoined = (): void => {
    for (const [run, entry] of this.#entries) void this.#send(run, entry);
  };

  async #send(run: Subject, entry: Entry): Promise<void> {
    const isKnown = await this.#tell(entry.status, this.#signal).catch(() => false);
    if (!isKnown || entry.status.running || this.#entries.get(run) !== entry) return;
    this.#entries.delete(run);
    entry.settle(true);
  }

  #giveUp(): void {
    for (const { settle } of this.#entries.values()) settle(false);
  }
}

function ofRun({ executionIds, executor }: Subject) {
  return { executionIds, executor };
}

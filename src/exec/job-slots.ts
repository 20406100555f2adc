/**
 * Which commands may run at the same time: so many in all, and each of them once at a time, or as often as its
 * manifest says.
 *
 * Whoever must wait is served in the order of arrival, except that nobody waits for a turn that only the
 * command in front of him cannot use.
 */
import type { CommandName } from "../core/names.ts";

/** Commands that may wait, at most; the next one is declined as busy. */
export const MAX_WAITING = 256;

type Waiting = { readonly command: CommandName; readonly most: number; readonly start: () => void };

export class JobSlots {
  readonly #onChange: (running: number) => void;
  #jobs: number;
  /** Once for each run. */
  #running: readonly CommandName[] = [];
  #waiting: readonly Waiting[] = [];
  #whenIdle: readonly (() => void)[] = [];

  /**
   * @param jobs commands at a time, at least 1
   * @param onChange told how many are running; must not throw
   */
  constructor(jobs: number, onChange: (running: number) => void = () => {}) {
    this.#jobs = jobs;
    this.#onChange = onChange;
  }

  /** Lets another number of commands run at a time; of those that are running none is ended. */
  resize(jobs: number): void {
    this.#jobs = jobs;
    while (this.#serve());
  }

  get running(): number {
    return this.#running.length;
  }

  /** Where a command would find itself if it came now, of which `most` runs are allowed at a time. */
  placeFor(command: CommandName, most = 1): "free" | "queue" | "full" {
    if (this.#isFree(command, most)) return "free";
    return this.#waiting.length < MAX_WAITING ? "queue" : "full";
  }

  /**
   * Takes a slot at once where `placeFor` says "free", else waits for one.
   *
   * @param signal gives the place in the queue up
   * @param most as for `placeFor`
   * @returns what gives the slot back; undefined where the signal came first
   */
  async take(command: CommandName, signal: AbortSignal, most = 1): Promise<(() => void) | undefined> {
    if (this.#isFree(command, most)) {
      this.#running = [...this.#running, command];
    } else {
      const isMine = await this.#turn(command, most, signal);
      if (!isMine) return undefined;
    }
    this.#onChange(this.running);
    return () => {
      this.#running = this.#running.toSpliced(this.#running.indexOf(command), 1);
      this.#serve();
      this.#onChange(this.running);
      if (this.running === 0) this.#tellIdle();
    };
  }

  /** Resolves when no command is running. */
  async idle(): Promise<void> {
    if (this.running === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle = [...this.#whenIdle, resolve];
    });
  }

  #isFree(command: CommandName, most: number): boolean {
    return this.running < this.#jobs && this.#running.filter((other) => other === command).length < most;
  }

  #turn(command: CommandName, most: number, signal: AbortSignal): Promise<boolean> {
    return new Promise<boolean>((resolve) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((waiting) => waiting !== entry);
        resolve(false);
      };
      const start = () => {
        signal.removeEventListener("abort", leave);
        resolve(true);
      };
      const entry = { command, most, start };
      this.#waiting = [...this.#waiting, entry];
      signal.addEventListener("abort", leave, { once: true });
      if (signal.aborted) leave();
    });
  }

  #tellIdle(): void {
    for (const tell of this.#whenIdle) tell();
    this.#whenIdle = [];
  }

  /** Lets the first start that can: a slot that became free is of use to one at most. @returns whether one could */
  #serve(): boolean {
    const next = this.#waiting.find(({ command, most }) => this.#isFree(command, most));
    if (next === undefined) return false;
    this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
    // Reserved here, not when the waiter wakes up: whoever comes meanwhile would be let in, too.
    this.#running = [...this.#running, next.command];
    next.start();
    return true;
  }
}

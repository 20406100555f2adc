/**
 * Which commands may run at the same time: so many in all, and each of them once at a time.
 *
 * Whoever must wait is served in the order of arrival, except that nobody waits for a turn that only the
 * command in front of him cannot use.
 */
import type { CommandName } from "../core/names.ts";

/** Commands that may wait, at most; the next one is declined as busy. */
export const MAX_WAITING = 256;

type Waiting = { readonly command: CommandName; readonly start: () => void };

export class JobSlots {
  readonly #onChange: (running: number) => void;
  #jobs: number;
  readonly #running = new Set<CommandName>();
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
    return this.#running.size;
  }

  /** Where a command would find itself if it came now. */
  placeFor(command: CommandName): "free" | "queue" | "full" {
    if (this.#isFree(command)) return "free";
    return this.#waiting.length < MAX_WAITING ? "queue" : "full";
  }

  /**
   * Takes a slot at once where `placeFor` says "free", else waits for one.
   *
   * @param signal gives the place in the queue up
   * @returns what gives the slot back; undefined where the signal came first
   */
  async take(command: CommandName, signal: AbortSignal): Promise<(() => void) | undefined> {
    if (!this.#isFree(command)) {
      const isMine = await this.#turn(command, signal);
      if (!isMine) return undefined;
    }
    this.#running.add(command);
    this.#onChange(this.#running.size);
    return () => {
      this.#running.delete(command);
      this.#serve();
      this.#onChange(this.#running.size);
      if (this.#running.size === 0) this.#tellIdle();
    };
  }

  /** Resolves when no command is running. */
  async idle(): Promise<void> {
    if (this.#running.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle = [...this.#whenIdle, resolve];
    });
  }

  #isFree(command: CommandName): boolean {
    return this.#running.size < this.#jobs && !this.#running.has(command);
  }

  #turn(command: CommandName, signal: AbortSignal): Promise<boolean> {
    return new Promise<boolean>((resolve) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((waiting) => waiting !== entry);
        resolve(false);
      };
      const start = () => {
        signal.removeEventListener("abort", leave);
        resolve(true);
      };
      const entry = { command, start };
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
    const next = this.#waiting.find(({ command }) => this.#isFree(command));
    if (next === undefined) return false;
    this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
    // Reserved here, not when the waiter wakes up: whoever comes meanwhile would be let in, too.
    this.#running.add(next.command);
    next.start();
    return true;
  }
}

/**
 * The runs that are under way here, each on its way through three states, and who waits for them to come to rest.
 *
 *   waiting (for its turn) ──▶ running ──▶ posting (until the server knows how it ended)
 */
import type { Clock } from "../core/clock.ts";

/** A run as `cb dispatcher status` shows it. */
export type RunState = {
  readonly id: string;
  readonly executor: string;
  readonly workspaces: readonly string[];
  readonly state: "waiting" | "running" | "posting";
  /** Of the state: milliseconds since the epoch. */
  readonly since: number;
};

export type LiveRun = {
  state: RunState;
  /** Ends it; its reason is `"cancelled"` (the operator's wish) or `"stopped"` (the dispatcher's). */
  readonly end: AbortController;
};

export class LiveRuns {
  readonly #clock: Clock;
  readonly #runs = new Map<string, LiveRun>();
  #waiters: readonly (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get states(): readonly RunState[] {
    return [...this.#runs.values()].map(({ state }) => state);
  }

  has(id: string): boolean {
    return this.#runs.has(id);
  }

  /** Keeps a run in the list while `work` is under way. */
  async during(
    run: Pick<RunState, "id" | "executor" | "workspaces" | "state">,
    work: (live: LiveRun) => Promise<void>,
  ): Promise<void> {
    const { id, executor, workspaces, state } = run;
    const since = this.#clock.wall();
    const live = { state: { id, executor, workspaces, state, since }, end: new AbortController() };
    this.#runs.set(id, live);
    try {
      await work(live);
    } finally {
      this.#runs.delete(id);
      this.#changed();
    }
  }

  enter(live: LiveRun, state: RunState["state"]): void {
    live.state = { ...live.state, state, since: this.#clock.wall() };
    this.#changed();
  }

  /** @returns false where there is none of that name that could still be ended */
  cancel(id: string): boolean {
    const live = this.#runs.get(id);
    if (live === undefined || live.state.state === "posting") return false;
    live.end.abort("cancelled");
    return true;
  }

  /** @param which those that wait, or all of them */
  stop(which: "waiting" | "all"): void {
    for (const { state, end } of this.#runs.values()) {
      if (which === "all" || state.state === "waiting") end.abort("stopped");
    }
  }

  /** Resolves when no process runs or waits for its turn any more. */
  async quiet(): Promise<void> {
    while (this.states.some(({ state }) => state !== "posting")) await this.#change();
  }

  /** Resolves when all is posted and told as well. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters = [...this.#waiters, resolve];
    });
  }

  #changed(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const tell of waiters) tell();
  }
}

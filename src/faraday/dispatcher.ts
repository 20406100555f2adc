/**
 * Runs executors for a Faraday server: what the channel asks for, one run each, until it is told to stop.
 *
 *   channel ──run──▶ accept ──▶ slot ──▶ run ──▶ spool ──▶ poster ──▶ settled ──▶ final status ──▶ journal gone
 *
 * Each run that names executions gets exactly one final status, however it ends: refused, failed, finished, stopped,
 * or cut off by our own death, after which the next start finds its journal and takes the walk up at "poster".
 */
import type { Clock } from "../core/clock.ts";
import { CbError, messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { abridged, count } from "../core/text.ts";
import type { JobSlots } from "../exec/job-slots.ts";
import { checkParameters, type ParameterValues } from "../exec/parameters.ts";
import { endGroup } from "../exec/process-group.ts";
import type { Executor, ExecutorCatalog } from "./executor-catalog.ts";
import type { RunFacts } from "./post-body.ts";
import type { Poster } from "./poster.ts";
import { isThere } from "./process-mark.ts";
import { Run, type RunParts } from "./run.ts";
import { type RunCommand, readRunCommand } from "./run-command.ts";
import { type RunOutcome, withDamage, withQuarantined } from "./run-outcome.ts";
import { paramsText } from "./run-params.ts";
import type { RunSpool } from "./run-spool.ts";
import type { Spool } from "./spool.ts";
import type { StatusReports } from "./status-reports.ts";
import { removeWorkplace } from "./workplace.ts";

export type DispatcherParts = RunParts & {
  readonly name: string;
  readonly catalog: ExecutorCatalog;
  readonly slots: JobSlots;
  readonly spool: Spool;
  readonly poster: Poster;
  readonly reports: StatusReports;
  readonly log: Log;
  readonly clock: Clock;
};

/** A run as `cb dispatcher status` shows it. */
export type RunState = {
  readonly id: string;
  readonly executor: string;
  readonly workspaces: readonly string[];
  readonly state: "waiting" | "running" | "posting";
  /** Milliseconds since the epoch. */
  readonly since: number;
};

type Live = { state: RunState; readonly end: AbortController };

/** Characters of why a run is refused; it may name many parameters. */
const MAX_REASON = 4_000;

/** What a status is about. */
type Subject = Pick<RunCommand, "executionIds" | "executor">;

export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #live = new Map<string, Live>();
  #isStopping = false;
  #whenIdle: readonly (() => void)[] = [];

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  get runs(): readonly RunState[] {
    return [...this.#live.values()].map(({ state }) => state);
  }

  /** For the channel: takes anything, and throws nothing. */
  readonly onRun = (payload: unknown): void => {
    void this.#accept(payload).catch((error: unknown) => {
      this.#parts.log.error({ event: "run-lost", reason: messageOf(error) }, "Cannot handle a run");
    });
  };

  /** Takes up what an earlier process left: its processes are ended, its results posted, its runs finished. */
  recover(): void {
    for (const run of this.#parts.spool.runs) {
      void this.#recover(run).catch((error: unknown) => {
        this.#parts.log.error(
          { event: "run-lost", run: run.facts.id, reason: messageOf(error) },
          "Cannot finish a run",
        );
      });
    }
  }

  /** Ends one run, which is told to the server as any other end. @returns false where there is none of that name */
  stop(id: string): boolean {
    const live = this.#live.get(id);
    if (live === undefined || live.state.state === "posting") return false;
    live.end.abort("cancelled");
    return true;
  }

  /** From here on every run is refused, and those that wait are. */
  leaveQueue(): void {
    this.#isStopping = true;
    for (const { state, end } of this.#live.values()) if (state.state === "waiting") end.abort("stopped");
  }

  endRuns(): void {
    for (const { end } of this.#live.values()) end.abort("stopped");
  }

  /** Resolves when no process runs or waits for its turn any more. */
  async quiet(): Promise<void> {
    while ([...this.#live.values()].some(({ state }) => state.state !== "posting")) await this.#change();
  }

  /** Resolves when all is posted and told as well. */
  async idle(): Promise<void> {
    while (this.#live.size > 0) await this.#change();
  }

  async #accept(payload: unknown): Promise<void> {
    const { log } = this.#parts;
    const command = readRunCommand(payload);
    if ("problem" in command) {
      const { executionIds, problem } = command;
      return this.#refuse({ executionIds, executor: "" }, problem);
    }
    const { executor: name, executionIds, workspaces } = command;
    const id = String(executionIds[0]);
    if (this.#live.has(id)) {
      log.warn({ event: "run-repeated", run: id, executor: name }, "Ignore a run that is there already");
      return;
    }
    const accepted = this.#judge(command);
    if ("problem" in accepted) return this.#refuse(command, accepted.problem);

    log.info({ event: "run", run: id, executor: name, workspaces: workspaces.join(",") }, "Accept a run");
    await this.#while(id, command, "waiting", async (live) => this.#perform(live, command, accepted));
  }

  /** What is run, with which values; or why it is not. */
  #judge({ executor: name, args }: RunCommand) {
    if (this.#isStopping) return { problem: "not started: the dispatcher is stopping" };
    try {
      const executor = this.#parts.catalog.find(name);
      if (this.#parts.slots.placeFor(executor.name, runsAtOnce(executor)) === "full")
        return { problem: "not started: too many runs are waiting already" };
      const check = checkParameters(executor.manifest.parameters, args);
      if (check.accepted) return { executor, values: check.values };
      return { problem: `not started: ${PARAMETER_WORDS[check.kind]}: ${check.problems.join("; ")}` };
    } catch (error) {
      if (error instanceof CbError) return { problem: `not started: ${error.message}` };
      throw error;
    }
  }

  async #perform(
    live: Live,
    command: RunCommand,
    { executor, values }: { readonly executor: Executor; readonly values: ParameterValues },
  ): Promise<void> {
    const { slots, spool, reports, clock, name } = this.#parts;
    const { signal } = live.end;
    const release = await slots.take(executor.name, signal, runsAtOnce(executor));
    if (release === undefined) {
      this.#settle(live);
      const why = signal.reason === "cancelled" ? "stopped by the operator" : "the dispatcher is stopping";
      return this.#refuse(command, `not started: ${why}`);
    }
    const { executionIds, workspaces } = command;
    const run = begin(spool, {
      id: live.state.id,
      executor: executor.name,
      agentName: name,
      executionIds,
      workspaces,
      params: paramsText(values, executor.manifest.parameters),
      startedAt: clock.wall(),
    });
    if (run instanceof CbError) {
      release();
      this.#settle(live);
      return this.#refuse(command, `not started: ${run.message}`);
    }
    live.state = { ...live.state, state: "running", since: clock.wall() };
    reports.running(run.facts);
    const outcome = await new Run(this.#parts, command, executor, values, run)
      .perform(signal)
      .finally(release);
    this.#settle(live);
    await this.#finish(run, outcome);
  }

  async #recover(run: RunSpool): Promise<void> {
    const { id, executor, workspaces } = run.facts;
    const { log, stopGrace, clock, workDirectory } = this.#parts;
    await this.#while(id, { executor, workspaces }, "posting", async () => {
      if (run.outcome === undefined) {
        log.warn({ event: "run-cut-off", run: id, executor }, "Finish a run that the last dispatcher left");
        if (run.process !== undefined && isThere(run.process)) await endGroup(run.process.pid, stopGrace);
        const duration = Math.max(0, clock.wall() - run.facts.startedAt);
        await run.end({ ...cutOff(run), duration });
      }
      removeWorkplace(workDirectory, id, log);
      await this.#finish(run, run.outcome ?? cutOff(run));
    });
  }

  /** The final status follows the answer to the run's last post; the journal goes when the server knows. */
  async #finish(run: RunSpool, outcome: RunOutcome): Promise<void> {
    const { poster, reports, log } = this.#parts;
    const { quarantined } = await poster.settled(run);
    const final = withDamage(withQuarantined(outcome, quarantined), run.damage);
    const { id, executor } = run.facts;
    const fields = {
      event: "run-end",
      run: id,
      executor,
      successful: final.successful,
      reason: final.message,
    };
    log.info(fields, "Finished a run");
    if (await reports.finished(run.facts, final)) await run.told();
  }

  async #refuse(subject: Subject, message: string): Promise<void> {
    const { log, reports } = this.#parts;
    const { executionIds } = subject;
    // Names that nobody has checked: an event of a megabyte would cost the connection, each time that it is told.
    const executor = abridged(subject.executor);
    const reason = message.slice(0, MAX_REASON);
    log.warn({ event: "run-refused", executor, reason }, "Refuse a run");
    if (executionIds.length > 0)
      await reports.finished({ executionIds, executor }, { successful: false, message: reason });
  }

  /** Keeps a run in the list of those that live while `work` is under way. */
  async #while(
    id: string,
    { executor, workspaces }: Pick<RunState, "executor" | "workspaces">,
    state: RunState["state"],
    work: (live: Live) => Promise<void>,
  ): Promise<void> {
    const since = this.#parts.clock.wall();
    const live = { state: { id, executor, workspaces, state, since }, end: new AbortController() };
    this.#live.set(id, live);
    try {
      await work(live);
    } finally {
      this.#live.delete(id);
      this.#changed();
    }
  }

  #settle(live: Live): void {
    live.state = { ...live.state, state: "posting", since: this.#parts.clock.wall() };
    this.#changed();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle = [...this.#whenIdle, resolve];
    });
  }

  #changed(): void {
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const tell of waiting) tell();
  }
}

function runsAtOnce({ manifest }: Executor): number {
  return manifest.concurrency ?? Number.POSITIVE_INFINITY;
}

function cutOff(run: RunSpool): RunOutcome {
  return {
    successful: false,
    message: `cut off: the dispatcher was killed, ${count(run.results, "result")}`,
  };
}

/** A journal for a run, or why there can be none. */
function begin(spool: Spool, facts: RunFacts): RunSpool | CbError {
  try {
    return spool.begin(facts);
  } catch (error) {
    if (error instanceof CbError) return error;
    throw error;
  }
}

const PARAMETER_WORDS = {
  unexpected: "unexpected parameter",
  missing: "missing parameter",
  invalid: "invalid parameter",
  secret: "secret parameter",
} as const;

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
import type { CommandName } from "../core/names.ts";
import { abridged, count } from "../core/text.ts";
import type { JobSlots } from "../exec/job-slots.ts";
import { checkParameters, type ParameterValues } from "../exec/parameters.ts";
import { endGroup } from "../exec/process-group.ts";
import type { Executor, ExecutorCatalog } from "./executor-catalog.ts";
import { type LiveRun, LiveRuns } from "./live-runs.ts";
import type { RunFacts } from "./post-body.ts";
import type { Poster } from "./poster.ts";
import { groupsWith, isThere } from "./process-mark.ts";
import { Run, type RunParts } from "./run.ts";
import { type RunCommand, readRunCommand } from "./run-command.ts";
import { type RunOutcome, withDamage, withQuarantined } from "./run-outcome.ts";
import { paramsText } from "./run-params.ts";
import type { RunSpool } from "./run-spool.ts";
import type { Spool } from "./spool.ts";
import type { StatusReports } from "./status-reports.ts";
import { removeWorkplace, workplaceOf } from "./workplace.ts";

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

/** Characters of why a run is refused; it may name many parameters. */
const MAX_REASON = 4_000;
/** Refusals that the server has not been told of; beyond it runs that would be refused are dropped. */
export const MAX_UNTOLD = 1_000;

/** What a status is about. */
type Subject = Pick<RunCommand, "executionIds" | "executor">;

type Judgement =
  | { readonly problem: string }
  | { readonly executor: Executor; readonly values: ParameterValues };

export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly runs: LiveRuns;
  #isStopping = false;
  #untold = 0;
  /** Said once, until all refusals are told. */
  #isDropping = false;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    this.runs = new LiveRuns(parts.clock);
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

  /** From here on every run is refused, without a journal, so that no end waits for it; and those that wait are. */
  leaveQueue(): void {
    this.#isStopping = true;
    this.runs.stop("waiting");
  }

  async #accept(payload: unknown): Promise<void> {
    const { log } = this.#parts;
    const command = readRunCommand(payload);
    if ("problem" in command) {
      const { executionIds, problem } = command;
      return this.#refuse({ executionIds, executor: "" }, problem);
    }
    const { executor: name, executionIds } = command;
    const id = String(executionIds[0]);
    if (this.runs.has(id)) {
      log.warn({ event: "run-repeated", run: id, executor: name }, "Ignore a run that is there already");
      return;
    }
    // A server that sends runs without end would be waited for without end.
    if (this.#isStopping) return this.#refuse(command, "not started: the dispatcher is stopping");
    const accepted = this.#judge(command);
    if (!("problem" in accepted)) return this.#take(command, accepted);
    return this.#untilTold(() => this.#take(command, accepted));
  }

  async #take(command: RunCommand, accepted: Judgement): Promise<void> {
    const { executor: name, executionIds, workspaces } = command;
    const { spool, clock, log, name: agentName } = this.#parts;
    const id = String(executionIds[0]);
    // Before anything else: what became of it is told after our own death, too, and be it that it was refused.
    const run = begin(spool, {
      id,
      executor: abridged(name),
      agentName,
      executionIds,
      workspaces,
      params: "problem" in accepted ? "" : paramsText(accepted.values, accepted.executor.manifest.parameters),
      startedAt: clock.wall(),
    });
    if (run instanceof CbError) return this.#refuse(command, `not started: ${run.message}`);
    const state = "problem" in accepted ? "posting" : "waiting";
    await this.runs.during({ id, executor: run.facts.executor, workspaces, state }, async (live) => {
      if ("problem" in accepted) return this.#turnAway(live, run, accepted.problem);
      log.info({ event: "run", run: id, executor: name, workspaces: workspaces.join(",") }, "Accept a run");
      return this.#perform(live, command, run, runsAtOnce(accepted.executor));
    });
  }

  /** What would be run, with which values; or why it is not. */
  #judge(command: RunCommand): Judgement {
    const found = this.#find(command);
    if ("problem" in found) return found;
    const { executor } = found;
    if (this.#parts.slots.placeFor(executor.name, runsAtOnce(executor)) === "full")
      return { problem: "not started: too many runs are waiting already" };
    return found;
  }

  /** Looks at executable and manifest as they are now. */
  #find({ executor: name, args }: RunCommand): Judgement {
    try {
      const executor = this.#parts.catalog.find(name);
      const check = checkParameters(executor.manifest.parameters, args);
      if (check.accepted) return { executor, values: check.values };
      return { problem: `not started: ${PARAMETER_WORDS[check.kind]}: ${check.problems.join("; ")}` };
    } catch (error) {
      if (error instanceof CbError) return { problem: `not started: ${error.message}` };
      throw error;
    }
  }

  /** @param most runs of the executor at a time */
  async #perform(live: LiveRun, command: RunCommand, run: RunSpool, most: number): Promise<void> {
    const { slots, reports } = this.#parts;
    const { signal } = live.end;
    const release = await slots.take(command.executor as CommandName, signal, most);
    if (release === undefined) {
      const why = signal.reason === "cancelled" ? "stopped by the operator" : "the dispatcher is stopping";
      return this.#turnAway(live, run, `not started: ${why}`);
    }
    // What was safe when the run came may have been exchanged while it waited.
    const found = this.#find(command);
    if ("problem" in found) {
      release();
      return this.#turnAway(live, run, found.problem);
    }
    this.runs.enter(live, "running");
    this.#parts.log.info(
      { event: "run-start", run: run.facts.id, executor: run.facts.executor },
      "Start an executor",
    );
    reports.running(run.facts);
    const outcome = await new Run(this.#parts, command, found.executor, found.values, run)
      .perform(signal)
      .finally(release);
    this.runs.enter(live, "posting");
    await this.#finish(run, outcome);
  }

  async #recover(run: RunSpool): Promise<void> {
    const { id, executor, workspaces } = run.facts;
    const { log, stopGrace, clock } = this.#parts;
    await this.runs.during({ id, executor, workspaces, state: "posting" }, async () => {
      if (run.outcome === undefined) {
        log.warn({ event: "run-cut-off", run: id, executor }, "Finish a run that the last dispatcher left");
        await Promise.all(this.#leftGroups(run).map((group) => endGroup(group, stopGrace)));
        const duration = Math.max(0, clock.wall() - run.facts.startedAt);
        await run.end({ ...cutOff(run), duration });
      }
      removeWorkplace(this.#parts, id);
      await this.#finish(run, run.outcome ?? cutOff(run));
    });
  }

  /** Not what has a session of its own, such as a daemon: at an ordinary end it lives on, too. */
  #leftGroups({ facts, process }: RunSpool): readonly number[] {
    const groups = groupsWith(workplaceOf(this.#parts, facts.id));
    if (process === undefined) return groups;
    return isThere(process) || groups.includes(process.pid) ? [process.pid] : [];
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

  /** A run that does not start ends like any other: its journal, the posts that close it, one final status. */
  async #turnAway(live: LiveRun, run: RunSpool, problem: string): Promise<void> {
    this.runs.enter(live, "posting");
    const { id, executor } = run.facts;
    const message = problem.slice(0, MAX_REASON);
    this.#parts.log.warn({ event: "run-refused", run: id, executor, reason: message }, "Refuse a run");
    await run.end({ successful: false, message, duration: 0 });
    await this.#finish(run, { successful: false, message });
  }

  /** Where there can be no journal: told for as long as this process lives. */
  #refuse(subject: Subject, message: string): Promise<void> {
    return this.#untilTold(() => this.#tellRefusal(subject, message));
  }

  /** Each refusal costs memory, and most of them a file, until the server knows: they are not taken without end. */
  async #untilTold(refuse: () => Promise<void>): Promise<void> {
    if (this.#untold >= MAX_UNTOLD) {
      const fields = { event: "runs-dropped", untold: this.#untold };
      if (!this.#isDropping)
        this.#parts.log.error(fields, "Drop runs: the server sends too many that cannot be run");
      this.#isDropping = true;
      return;
    }
    this.#untold += 1;
    await refuse().finally(() => {
      this.#untold -= 1;
      if (this.#untold === 0) this.#isDropping = false;
    });
  }

  async #tellRefusal({ executionIds, executor: name }: Subject, message: string): Promise<void> {
    const { log, reports } = this.#parts;
    // Names that nobody has checked: an event of a megabyte would cost the connection, each time that it is told.
    const executor = abridged(name);
    const reason = message.slice(0, MAX_REASON);
    log.warn({ event: "run-refused", executor, reason }, "Refuse a run");
    if (executionIds.length > 0)
      await reports.finished({ executionIds, executor }, { successful: false, message: reason });
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

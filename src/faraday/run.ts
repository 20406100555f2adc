/**
 * One run of one executor: its process, its lines into the spool, its outcome.
 *
 *   checks ──▶ process ──stdout──▶ lines ──▶ clean bodies ──▶ spool (on disk)
 *                 └────stderr──▶ log, last words
 *
 * Whatever happens, it ends with one outcome in the run's journal. A disk that is full holds the executor up rather
 * than lose a line of it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import { CbError, messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Environment } from "../core/settings.ts";
import { count, printable } from "../core/text.ts";
import { runChecks } from "../exec/checks.ts";
import type { ExecutionEnd, execute } from "../exec/execution.ts";
import type { ParameterValues } from "../exec/parameters.ts";
import { type Executor, lackOf } from "./executor-catalog.ts";
import { executorOutput } from "./executor-output.ts";
import { clean } from "./payload.ts";
import { resultBody } from "./post-body.ts";
import { markOf } from "./process-mark.ts";
import type { Quarantine } from "./quarantine.ts";
import type { ResultLine } from "./result-lines.ts";
import type { RunCommand } from "./run-command.ts";
import { runEnvironment } from "./run-environment.ts";
import { type LineCounts, lastWordsOf, NO_LINES, outcomeOf, type RunOutcome } from "./run-outcome.ts";
import type { RunSpool } from "./run-spool.ts";
import { withoutSecrets } from "./secrets.ts";
import { makeWorkplace, removeWorkplace } from "./workplace.ts";

export type RunParts = {
  readonly execute: typeof execute;
  readonly clock: Clock;
  readonly log: Log;
  readonly quarantine: Quarantine;
  /** Of the dispatcher; an executor finds a few variables of it. */
  readonly environment: Environment;
  /** Below it each run has a directory of its own to work in. */
  readonly workDirectory: string;
  readonly timeLimit: number | undefined;
  readonly stopGrace: number;
  readonly drainGrace: number;
  /** A late step of stopping: nobody waits for room on the disk any more. */
  readonly letGo: AbortSignal;
};

/** Bytes of one post, at most; a result with more is split by its hosts. */
const MAX_POST_BYTES = 2 * 1024 * 1024;
/** Characters of stderr that are kept for the last words, besides those that the longest secret has. */
const MAX_STDERR = 8 * 1024;
/** Lines of a kind that are refused and said to be: an executor may print a million of them. */
const MAX_SAID = 10;
/** Milliseconds until a line that did not fit on the disk is tried again. */
const DISK_PAUSE = 1_000;

export class Run {
  readonly #parts: RunParts;
  readonly #command: RunCommand;
  readonly #executor: Executor;
  readonly #values: ParameterValues;
  readonly #spool: RunSpool;
  #lines: LineCounts = NO_LINES;
  #stderr = "";
  #secrets: readonly string[] = [];
  /** Whether the disk takes nothing at present. */
  #isHeldUp = false;

  constructor(
    parts: RunParts,
    command: RunCommand,
    executor: Executor,
    values: ParameterValues,
    spool: RunSpool,
  ) {
    this.#parts = parts;
    this.#command = command;
    this.#executor = executor;
    this.#values = values;
    this.#spool = spool;
  }

  /**
   * Runs it; its outcome is in the journal when this returns.
   *
   * @param signal ends the process; its reason is `"cancelled"` (the operator's wish) or `"stopped"` (the dispatcher's)
   */
  async perform(signal: AbortSignal): Promise<RunOutcome> {
    const { clock } = this.#parts;
    const startedAt = clock.monotonic();
    const outcome = await this.#outcome(signal).catch((error: unknown) => failed(messageOf(error)));
    await this.#onDisk(() => this.#spool.end({ ...outcome, duration: clock.monotonic() - startedAt }));
    return outcome;
  }

  async #outcome(signal: AbortSignal): Promise<RunOutcome> {
    const { manifest } = this.#executor;
    const lack = lackOf(this.#executor);
    if (lack !== undefined) return failed(`not started: ${lack}`);
    const directory = makeWorkplace(this.#parts, this.#spool.facts.id);
    try {
      const { pluginArgs } = this.#command;
      const { environment: own } = this.#parts;
      const around = { run: this.#spool.facts.id, directory, values: this.#values, pluginArgs, own };
      const { variables: environment, secrets } = runEnvironment(this.#executor, around);
      this.#secrets = secrets;
      const hide = (text: string) => withoutSecrets(text, this.#secrets);
      const problem = failedCheck(await runChecks(manifest, environment, signal, { hide }));
      if (problem !== undefined && !signal.aborted) return failed(problem);
      const end = await this.#execute(directory, environment, signal);
      const lastWords = lastWordsOf(withoutSecrets(this.#stderr, this.#secrets));
      return outcomeOf(end, this.#lines, this.#timeLimit, lastWords);
    } finally {
      removeWorkplace(this.#parts, this.#spool.facts.id);
    }
  }

  get #timeLimit(): number | undefined {
    const limits = [this.#parts.timeLimit, this.#executor.manifest.timeout].filter(
      (limit) => limit !== undefined,
    );
    return limits.length === 0 ? undefined : Math.min(...limits);
  }

  async #execute(
    directory: string,
    environment: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ExecutionEnd> {
    const { execute, clock, stopGrace, drainGrace } = this.#parts;
    // Half of a secret would not be found.
    const kept = MAX_STDERR + Math.max(0, ...this.#secrets.map(({ length }) => length));
    const output = executorOutput(this.#executor, {
      execute,
      secrets: this.#secrets,
      directory,
      environment,
      timeLimit: this.#timeLimit,
      stopGrace,
      drainGrace,
      signal,
      clock,
      onStart: (pid) => void this.#spool.started(markOf(pid)).catch(() => {}), // it is ended all the same if we are not killed
    });
    for await (const event of output) {
      switch (event.kind) {
        case "results":
          await this.#takeAll(event.lines);
          break;
        case "said":
          this.#stderr = (this.#stderr + event.text).slice(-kept);
          this.#say(event.lines);
          break;
        case "end":
          return event.end;
      }
    }
    throw new Error("an execution ended without its end");
  }

  #say(lines: readonly string[]): void {
    const run = this.#spool.facts.id;
    for (const line of lines) {
      if (line.trim() !== "") this.#parts.log.debug({ event: "stderr", run, text: printable(line) }, "Said");
    }
  }

  /** Lines that came together share a write and a sync; they are begun in order, and so is their place in the journal. */
  async #takeAll(lines: readonly ResultLine[]): Promise<void> {
    await Promise.all(lines.map((line) => this.#take(line)));
  }

  async #take(line: ResultLine): Promise<void> {
    switch (line.kind) {
      case "result":
        return this.#keep(line.value, line.line);
      case "garbage":
        return this.#lose("garbage", line.detail);
      case "not-an-object":
        return this.#lose("notObjects", line.detail);
      case "too-long":
        return this.#lose("tooLong", line.detail);
      case "ignored":
        return;
    }
  }

  async #keep(value: object, line: number): Promise<void> {
    const cleaned = clean(value, { maxBytes: MAX_POST_BYTES });
    if ("problem" in cleaned) {
      const problem = withoutSecrets(cleaned.problem, this.#secrets);
      this.#lose("invalid", `line ${line}: ${problem}`);
      const result = jsonOf(value);
      const number = this.#lines.invalid;
      if (result !== undefined) await this.#onDisk(async () => this.#setAside(result, number, problem));
      return;
    }
    const mended = Object.entries(cleaned.counts).filter(([, number]) => number > 0);
    if (mended.length > 0) {
      const { id } = this.#spool.facts;
      this.#parts.log.info(
        { event: "result-mended", run: id, ...Object.fromEntries(mended) },
        "Mend a result",
      );
    }
    // All of them begun before anything waits, else those of the next line would come in between.
    await Promise.all(cleaned.bodies.map((body) => this.#onDisk(() => this.#spool.add(body))));
    this.#lines = { ...this.#lines, results: this.#lines.results + 1 };
  }

  /** What the server would refuse is kept as what it has refused: it can be looked at, mended and posted. */
  #setAside(result: Uint8Array, invalid: number, problem: string): void {
    const { quarantine, clock } = this.#parts;
    const { facts, lanes } = this.#spool;
    for (const { number, workspace, executionId } of lanes) {
      const id = `${facts.id}-invalid${invalid}-${number}`;
      const { id: run, executor } = facts;
      const words = `not posted: ${problem}`;
      const post = { id, run, executor, workspace, executionId, at: clock.wall(), status: undefined, words };
      quarantine.add(post, resultBody(result, facts, executionId));
    }
  }

  #lose(kind: Exclude<keyof LineCounts, "results">, detail: string): void {
    this.#lines = { ...this.#lines, [kind]: this.#lines[kind] + 1 };
    const number = this.#lines[kind];
    if (number > MAX_SAID) return;
    const { executor, id } = this.#spool.facts;
    const more = number === MAX_SAID ? "; more of this kind are only counted" : "";
    const fields = { event: "line-refused", run: id, executor, kind, detail };
    this.#parts.log.warn(fields, `Cannot use a line of output${more}`);
  }

  /** Holds the executor up, by taking no more of its output, for as long as the disk takes nothing. */
  async #onDisk(work: () => Promise<void>): Promise<void> {
    const { log, letGo } = this.#parts;
    const { id: run } = this.#spool.facts;
    for (;;) {
      try {
        await work();
        if (this.#isHeldUp) log.info({ event: "spool-writable", run }, "Results are kept again");
        this.#isHeldUp = false;
        return;
      } catch (error) {
        // A defect would be tried again for ever.
        if (!(error instanceof CbError)) throw error;
        const fields = { event: "spool-unwritable", run, reason: messageOf(error) };
        if (!this.#isHeldUp) log.error(fields, "Cannot keep a result, the executor waits until it can be");
        this.#isHeldUp = true;
        if (letGo.aborted) throw error;
        await sleep(DISK_PAUSE, undefined, { signal: letGo }).catch(() => {});
      }
    }
  }
}

/** Undefined for what is nested so deep that it can be read and not be written. */
function jsonOf(value: object): Uint8Array | undefined {
  try {
    return Buffer.from(JSON.stringify(value));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function failed(message: string): RunOutcome {
  return { successful: false, message };
}

function failedCheck(checks: Awaited<ReturnType<typeof runChecks>>): string | undefined {
  const bad = checks.filter(({ ok }) => !ok);
  const [first] = bad;
  if (first === undefined) return undefined;
  const more = bad.length === 1 ? "" : `, and ${count(bad.length - 1, "check")} more`;
  return `not started: check "${printable(first.command)}" failed: ${first.detail}${more}`;
}

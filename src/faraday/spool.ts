/**
 * The results that a Faraday server has not yet taken: a directory with one journal for each run.
 *
 * What is in it survives a kill, a crash and a loss of power, and is posted until the server takes it. One
 * process at a time: whoever opens it holds the lock of the state directory.
 */
import { readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { CbError } from "../core/errors.ts";
import { attempt, makeDirectory } from "../core/files.ts";
import type { Log } from "../core/log.ts";
import { count, printable } from "../core/text.ts";
import type { RunFacts } from "./post-body.ts";
import { RunJournal } from "./run-journal.ts";
import { RunSpool, type RunSurroundings } from "./run-spool.ts";
import { RunState } from "./run-state.ts";

const SUFFIX = ".ndjson";
const ID = /^[A-Za-z0-9_-]{1,128}$/;

export type SpoolOptions = {
  /** Bytes of all journals, beyond which no run begins; those that have begun go on. */
  readonly limitBytes: number;
  /** Bytes that count besides: what the server has refused is on the same disk. */
  readonly besides: () => number;
  readonly clock: Clock;
  readonly log: Log;
};

export type SpoolDepth = {
  readonly runs: number;
  /** Results that at least one workspace has not. */
  readonly results: number;
  readonly bytes: number;
};

export class Spool {
  readonly #directory: string;
  readonly #options: SpoolOptions;
  readonly #runs = new Set<RunSpool>();
  #onChange: (run: RunSpool) => void = () => {};

  private constructor(directory: string, options: SpoolOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  /**
   * Reads what an earlier process has left, and makes the directory where there is none.
   *
   * @throws {CbError} `file`
   */
  static open(directory: string, options: SpoolOptions): Spool {
    makeDirectory(directory, 0o700);
    const spool = new Spool(directory, options);
    const names = attempt("read", directory, () => readdirSync(directory));
    const runs = names.filter((name) => name.endsWith(SUFFIX)).map((name) => spool.#restore(name));
    const known = runs.filter((run) => run !== undefined);
    known.sort((one, other) => one.facts.startedAt - other.facts.startedAt);
    for (const run of known) spool.#runs.add(run);
    return spool;
  }

  /**
   * Begins the journal of a run; synchronous, so that nothing of the run happens before.
   *
   * @throws {CbError} `file`, also when the spool is full or has a run of that id
   */
  begin(facts: RunFacts): RunSpool {
    if (!ID.test(facts.id)) throw new Error(`"${facts.id}" is no id of a run`);
    const { limitBytes } = this.#options;
    const { bytes, runs } = this.depth;
    const refused = this.#options.besides();
    if (bytes + refused >= limitBytes) {
      const besides = refused === 0 ? "" : ` and ${refused} that the server has refused`;
      const held = `the spool holds ${bytes} bytes of ${count(runs, "run")}${besides}, its limit is ${limitBytes}`;
      throw new CbError("file", `Cannot start "${printable(facts.executor)}": ${held}`, {
        hint: "The server has not taken these results; cb dispatcher status says why",
      });
    }
    const path = join(this.#directory, facts.id + SUFFIX);
    const journal = RunJournal.create(path, { type: "run", version: 1, ...facts });
    const run = new RunSpool(new RunState(facts), journal, this.#around());
    this.#runs.add(run);
    return run;
  }

  /** Those that are not over, in the order of their start; after a restart those of the last process too. */
  get runs(): readonly RunSpool[] {
    return [...this.#runs];
  }

  get depth(): SpoolDepth {
    let [results, bytes] = [0, 0];
    for (const run of this.#runs) {
      results += run.waiting;
      bytes += run.bytes;
    }
    return { runs: this.#runs.size, results, bytes };
  }

  /** To be awaited before the process ends: what has been posted is then noted, and is not posted again. */
  async close(): Promise<void> {
    await Promise.all(this.runs.map((run) => run.close()));
  }

  /** Calls `onChange` whenever a run may have more to post; for one caller. */
  watch(onChange: (run: RunSpool) => void): void {
    this.#onChange = onChange;
  }

  #around(): RunSurroundings {
    const { clock, log } = this.#options;
    return {
      clock,
      log,
      changed: (run) => this.#onChange(run),
      forget: (run) => void this.#runs.delete(run),
    };
  }

  /** The run of a journal; undefined for one whose beginning nobody can read, which is then kept aside. */
  #restore(name: string): RunSpool | undefined {
    const path = join(this.#directory, name);
    const aside = `${path}.damaged-${this.#options.clock.wall()}`;
    let state: RunState | undefined;
    let isFirst = true;
    const { journal, damaged } = RunJournal.open(path, aside, (line, span) => {
      if (isFirst) state = RunState.from(line);
      else state?.restore(line, span);
      isFirst = false;
    });
    if (journal !== undefined && state === undefined)
      attempt("set aside", path, () => renameSync(path, aside));
    if (damaged > 0 || (journal !== undefined && state === undefined)) this.#sayDamage(path, aside, damaged);
    if (journal === undefined || state === undefined) return undefined;
    const run = new RunSpool(state, journal, this.#around());
    if (damaged > 0) void run.damaged(aside);
    return run;
  }

  #sayDamage(path: string, aside: string, lines: number): void {
    const fields = { event: "journal-damaged", path, lines, aside };
    this.#options.log.error(
      fields,
      "A journal of the spool is not as it was written; it is kept as it was found",
    );
  }
}

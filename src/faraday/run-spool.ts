/**
 * One run in the spool, from its begin until the server knows how it ended.
 *
 *   begun ──started──▶ results … ──end──▶ closing posts due ──all answered──▶ settled ──told──▶ deleted
 *
 * What has been answered is written down without a sync: after a crash some of it is posted again, which the
 * server takes for the same.
 */
import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { closingBody, joinedResults, type RunFacts, resultBody } from "./post-body.ts";
import type { ProcessMark } from "./process-mark.ts";
import type { RunJournal } from "./run-journal.ts";
import { bodyIn, type Lane, type RunEnd, type RunRecord, type RunState, resultHead } from "./run-state.ts";

/** What a lane is to post next. */
export type DuePost = {
  /** Of the run, the lane and the first result; the same after a restart. */
  readonly id: string;
  /** When the first of it came into the spool, milliseconds since 1970. */
  readonly since: number;
  /** Results in it; none in the post that closes a lane. */
  readonly count: number;
  /** @throws {CbError} `file` */
  readonly body: () => Promise<Uint8Array>;
  /** @param answer the server has it, or it is in quarantine */
  readonly answered: (answer: "posted" | "quarantined") => void;
};

/** What the run needs of the spool that it is in. */
export type RunSurroundings = {
  readonly clock: Clock;
  readonly log: Log;
  /** There may be more to post. */
  readonly changed: (run: RunSpool) => void;
  readonly forget: (run: RunSpool) => void;
};

export class RunSpool {
  readonly #state: RunState;
  readonly #journal: RunJournal;
  readonly #around: RunSurroundings;
  #isEnding: boolean;
  #lastNumber: number;

  constructor(state: RunState, journal: RunJournal, around: RunSurroundings) {
    this.#state = state;
    this.#journal = journal;
    this.#around = around;
    this.#isEnding = state.outcome !== undefined;
    this.#lastNumber = state.lastNumber;
  }

  get facts(): RunFacts {
    return this.#state.facts;
  }

  /** For ending what a killed dispatcher has left running. */
  get process(): ProcessMark | undefined {
    return this.#state.process;
  }

  get outcome(): RunEnd | undefined {
    return this.#state.outcome;
  }

  /** Where a damaged journal of this run is kept: results may be missing, so it was no success. */
  get damage(): string | undefined {
    return this.#state.damage;
  }

  get lanes(): readonly Lane[] {
    return this.#state.lanes;
  }

  /** Results that some workspace has not yet. */
  get waiting(): number {
    return this.#state.waiting;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#journal.length;
  }

  /** All that were ever added. */
  get results(): number {
    return this.#state.results;
  }

  /** Whether each workspace has answered the closing post. */
  get isSettled(): boolean {
    return this.#state.isSettled;
  }

  /** Posts that the server has refused for good, of all workspaces. */
  get quarantined(): number {
    return this.#state.quarantined;
  }

  /**
   * Notes the process, which outlives a kill of ours. Not synced: no process outlives the machine.
   *
   * @throws {CbError} `file`; it is known all the same until this process ends
   */
  async started(process: ProcessMark): Promise<void> {
    await this.#write({ type: "process", ...process }, false);
  }

  /**
   * Takes a result, which is on disk when this resolves. Those that are added together share a write and a sync.
   *
   * @throws {CbError} `file`; the result is then not in the spool, and may be added again
   */
  async add(body: object): Promise<void> {
    if (this.#isEnding) throw new Error(`run ${this.facts.id} has ended and takes no more results`);
    this.#lastNumber += 1;
    const [number, at] = [this.#lastNumber, this.#around.clock.wall()];
    const head = resultHead(number, at);
    const line = await this.#journal.append(`{${head}${JSON.stringify(body)}}`, true);
    this.#state.addResult({ number, at, body: bodyIn(line, head) });
    this.#around.changed(this);
  }

  /**
   * The run is over: once its results are posted, the closing posts are due. The first outcome counts.
   *
   * Never rejects. Where the disk does not take the outcome, it holds all the same until this process ends; the
   * next one then finds a run that was never ended.
   */
  async end({ successful, message, duration }: RunEnd): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const at = this.#around.clock.wall();
    await this.#note({ type: "end", at, successful, message, duration }, true);
    await this.#journal.release();
    this.#around.changed(this);
  }

  /**
   * The server knows the final status: nothing is left to do for this run, and its journal is deleted.
   *
   * @throws {CbError} `file`
   */
  async told(): Promise<void> {
    if (!this.isSettled) throw new Error(`run ${this.facts.id} has posts that were not answered`);
    await this.#journal.remove();
    this.#around.forget(this);
  }

  /** What was noted of it is in its journal, which stays for the next process. */
  async close(): Promise<void> {
    await this.#journal.close();
  }

  /** Some lines of the journal were not as they were written; the file is kept aside as it was found. */
  async damaged(aside: string): Promise<void> {
    await this.#note({ type: "damage", aside }, true);
  }

  /**
   * What a lane is to post next; undefined while there is nothing.
   *
   * @param most bytes of results that go into one post, of which there is one at least
   */
  due(lane: Lane, most: number): DuePost | undefined {
    const due = this.#state.due(lane, most);
    if (due === undefined) return undefined;
    const { facts } = this;
    const { executionId, number: laneNumber } = lane;
    // Nobody waits for it to be written: if it is lost, the post is made again.
    const answered = (n: number | "end") => (type: "posted" | "quarantined") =>
      void this.#note({ type, lane: laneNumber, n }, false);
    if ("ending" in due) {
      const { at, duration } = due.ending;
      const body = async () => closingBody(facts, executionId, duration);
      return { id: `${facts.id}-${laneNumber}-end`, since: at, count: 0, body, answered: answered("end") };
    }
    const { results } = due;
    const [{ number, at }] = results;
    const body = async () => {
      const texts = await Promise.all(results.map((result) => this.#journal.read(result.body)));
      return resultBody(joinedResults(texts), facts, executionId);
    };
    const last = results.at(-1)?.number ?? number;
    return {
      id: `${facts.id}-${laneNumber}-${number}`,
      since: at,
      count: results.length,
      body,
      answered: answered(last),
    };
  }

  async #note(record: RunRecord, isDurable: boolean): Promise<void> {
    try {
      await this.#write(record, isDurable);
    } catch (error) {
      const fields = { event: "journal-write-failed", run: this.facts.id, error: messageOf(error) };
      this.#around.log.warn(
        fields,
        "Cannot note what became of a run; after a restart some of it is done again",
      );
    }
  }

  /** An outcome counts once the disk has had its chance; anything else does at once. */
  async #write(record: RunRecord, isDurable: boolean): Promise<void> {
    if (record.type !== "end") this.#state.apply(record);
    try {
      await this.#journal.append(JSON.stringify(record), isDurable);
    } finally {
      if (record.type === "end") this.#state.apply(record);
    }
  }
}

/**
 * What the records of a journal add up to: one run, its results, and how far each of its workspaces has them.
 *
 *   run · process · result … · end · posted | quarantined …        damage, where lines were lost
 *
 * A lane is the way to one workspace: the results in order, then the closing post. Results have numbers of their
 * own, so that what `posted` says stays right where a damaged line is missing. Pure: no file, no clock.
 */

import { type Span, SUM_LENGTH } from "./journal-lines.ts";
import type { RunFacts } from "./post-body.ts";
import type { ProcessMark } from "./process-mark.ts";
import type { RunOutcome } from "./run-outcome.ts";

/** How a run ended, and how long it took, in milliseconds. */
export type RunEnd = RunOutcome & { readonly duration: number };

/** The way to one of a run's workspaces. */
export type Lane = {
  readonly number: number;
  readonly workspace: string;
  readonly executionId: number;
};

/** `at`: when it came into the spool, milliseconds since 1970. `body`: where its text is. */
export type Result = { readonly number: number; readonly at: number; readonly body: Span };

export type RunRecord =
  | ({ readonly type: "run"; readonly version: 1 } & RunFacts)
  | ({ readonly type: "process" } & ProcessMark)
  | ({ readonly type: "end"; readonly at: number } & RunEnd)
  /** Answered: result `n` of a lane, or its closing post. */
  | { readonly type: "posted" | "quarantined"; readonly lane: number; readonly n: number | "end" }
  | { readonly type: "damage"; readonly aside: string };

/** The next post of a lane: one result or several, or the one that closes it. */
export type Due =
  | { readonly results: readonly [Result, ...Result[]] }
  | { readonly ending: RunEnd & { readonly at: number } };

type Progress = Lane & { next: number; isClosed: boolean; quarantined: number };

/** The beginning of a result's record; the body follows, and a closing brace. */
const RESULT = /^"type":"result","n":(\d+),"at":(\d+),"body":/;
/** More than that beginning has. */
const RESULT_HEAD = 80;

export class RunState {
  readonly facts: RunFacts;
  readonly lanes: readonly Lane[];
  readonly #progress: readonly Progress[];
  readonly #results: Result[] = [];
  #process: ProcessMark | undefined;
  #ending: (RunEnd & { readonly at: number }) | undefined;
  #damage: string | undefined;

  constructor(facts: RunFacts) {
    this.facts = facts;
    this.#progress = facts.workspaces.map((workspace, number) => ({
      ...{ number, workspace, executionId: facts.executionIds[number] ?? Number.NaN },
      ...{ next: 0, isClosed: false, quarantined: 0 },
    }));
    this.lanes = this.#progress;
  }

  /** The run that a journal begins with; undefined for any other line, as one of a later version. */
  static from(line: Uint8Array): RunState | undefined {
    const record = recordOf(line);
    if (record.type !== "run" || record.version !== 1) return undefined;
    const { id, executor, agentName, executionIds, workspaces, params, startedAt } = record;
    return new RunState({ id, executor, agentName, executionIds, workspaces, params, startedAt });
  }

  get process(): ProcessMark | undefined {
    return this.#process;
  }

  get outcome(): RunEnd | undefined {
    return this.#ending;
  }

  get damage(): string | undefined {
    return this.#damage;
  }

  get lastNumber(): number {
    return this.#results.at(-1)?.number ?? -1;
  }

  get results(): number {
    return this.#results.length;
  }

  /** Results that some workspace has not yet. */
  get waiting(): number {
    return this.#results.length - Math.min(...this.#progress.map(({ next }) => next));
  }

  /** Posts in quarantine, of all lanes. */
  get quarantined(): number {
    return this.#progress.reduce((sum, { quarantined }) => sum + quarantined, 0);
  }

  /** Whether each lane has an answer to its closing post. */
  get isSettled(): boolean {
    return this.#progress.every(({ isClosed }) => isClosed);
  }

  /** @param most bytes of results that are posted together; the first is posted whatever its size */
  due(lane: Lane, most: number): Due | undefined {
    const { next, isClosed } = this.#progressOf(lane.number);
    const first = this.#results[next];
    if (first !== undefined)
      return { results: [first, ...this.#following(next + 1, most - first.body.length)] };
    return this.#ending === undefined || isClosed ? undefined : { ending: this.#ending };
  }

  addResult(result: Result): void {
    this.#results.push(result);
  }

  apply(record: RunRecord): void {
    switch (record.type) {
      case "run":
        break;
      case "process":
        this.#process = { pid: record.pid, startTime: record.startTime, bootId: record.bootId };
        break;
      case "end":
        this.#ending = record;
        break;
      case "damage":
        this.#damage = record.aside;
        break;
      case "posted":
      case "quarantined": {
        const progress = this.#progressOf(record.lane);
        if (record.type === "quarantined") progress.quarantined += 1;
        if (record.n === "end") progress.isClosed = true;
        else while ((this.#results[progress.next]?.number ?? Infinity) <= record.n) progress.next += 1;
      }
    }
  }

  /** Takes a line of the journal back. */
  restore(line: Uint8Array, span: Span): void {
    const text = Buffer.from(line.subarray(SUM_LENGTH, SUM_LENGTH + RESULT_HEAD)).toString("latin1");
    const head = RESULT.exec(text);
    if (head === null) this.apply(recordOf(line));
    else this.addResult({ number: Number(head[1]), at: Number(head[2]), body: bodyIn(span, head[0]) });
  }

  #following(start: number, most: number): readonly Result[] {
    let room = most;
    let end = start;
    for (let next = this.#results[end]; next !== undefined; next = this.#results[end]) {
      room -= next.body.length;
      if (room < 0) break;
      end += 1;
    }
    return this.#results.slice(start, end);
  }

  #progressOf(lane: number): Progress {
    const progress = this.#progress[lane];
    if (progress === undefined) throw new Error(`run ${this.facts.id} has no lane ${lane}`);
    return progress;
  }
}

/** What stands in front of a result's body, as `RESULT` reads it. */
export function resultHead(number: number, at: number): string {
  return `"type":"result","n":${number},"at":${at},"body":`;
}

/** Where the body is in the line of a result. */
export function bodyIn(line: Span, head: string): Span {
  const start = SUM_LENGTH + head.length;
  return { offset: line.offset + start, length: line.length - start - "}".length };
}

function recordOf(line: Uint8Array): RunRecord {
  return JSON.parse(Buffer.from(line).toString()) as RunRecord;
}

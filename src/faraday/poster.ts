/**
 * Posts what is in the spool: each run's results in order to each of its workspaces, the closing post last.
 *
 *   created    ─▶ next
 *   rejected   ─▶ quarantine, next            the server will never take it
 *   again      ─▶ wait, the same once more    the server may take it later; for as long as `keep`, then quarantine
 *
 * Lanes are independent: a workspace that is missing keeps nobody else waiting. Which answer is of which kind is
 * the wire's business. How long a post has waited counts from when it came into the spool, so that restarts do
 * not prolong it; but a lane is given an hour of this process too, since the machine may just have been off.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { abridged } from "../core/text.ts";
import type { PostAnswer } from "./api.ts";
import type { Quarantine } from "./quarantine.ts";
import type { DuePost, RunSpool } from "./run-spool.ts";
import type { Lane } from "./run-state.ts";
import type { Spool } from "./spool.ts";

/** Posts a body to a workspace; never rejects but by a defect. */
type Post = (workspace: string, body: Uint8Array, signal: AbortSignal) => Promise<PostAnswer>;

/** A post that has to be made again. */
export type Delay = {
  readonly run: string;
  readonly workspace: string;
  readonly status: number | undefined;
  /** The server's, or the system's: untrusted. */
  readonly words: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Milliseconds until the next attempt. */
  readonly wait: number;
};

export type PosterOptions = {
  readonly spool: Spool;
  readonly post: Post;
  /** Milliseconds that a post is tried for. */
  readonly keep: number;
  readonly quarantine: Quarantine;
  readonly clock: Clock;
  readonly log: Log;
  readonly onDelay?: (delay: Delay) => void;
  /** Milliseconds before the second attempt, and at most before any other; a second and a minute. */
  readonly pauses?: { readonly first: number; readonly longest: number };
  /** Bytes of results that go into one post; half a megabyte. */
  readonly together?: number;
};

type NotCreated = Exclude<PostAnswer, { kind: "created" }>;
type Attempt = { readonly answer: PostAnswer; readonly body: Uint8Array | undefined };
/** A lane's, until the server takes something of it again. `since`: monotonic, milliseconds. */
type Trouble = { readonly since: number; attempts: number; isSaid: boolean };

/**
 * Bytes of results that are posted together where several wait: an executor is mostly faster than the server, which
 * takes a tenth of a second and more for each post (5.25.2), be it of one host or of a hundred.
 */
const MAX_TOGETHER = 512 * 1024;
/** Posts that are on their way at once. */
const MAX_POSTS = 8;
/** What a server may ask us to wait, at most. */
const MAX_AFTER = 60 * 60 * 1000;
/** What a lane is given in this process before anything of it is given up. */
const LEAST_TRY = 60 * 60 * 1000;
/** A wait that is said at once, in milliseconds. */
const LONG_WAIT = 10_000;
const PAUSES = { first: 1000, longest: 60_000 };

export class Poster {
  readonly #options: PosterOptions;
  readonly #busy = new Map<Lane, Promise<void>>();
  readonly #settling = new Map<RunSpool, (() => void)[]>();
  readonly #turns: (() => void)[] = [];
  #free = MAX_POSTS;
  #lastError: Delay | undefined;
  #signal: AbortSignal | undefined;

  constructor(options: PosterOptions) {
    this.#options = options;
  }

  /** What went wrong last, if anything has. */
  get state(): { readonly lastError: Delay | undefined } {
    return { lastError: this.#lastError };
  }

  /** Posts until the signal comes; resolves when nothing is on its way any more. Once only. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    this.#options.spool.watch((run) => this.#start(run));
    for (const run of this.#options.spool.runs) this.#start(run);
    if (!signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    }
    await Promise.all(this.#busy.values());
  }

  /** Resolves when each workspace has answered the closing post; not before `run` runs, nor after its end. */
  async settled(run: RunSpool): Promise<{ readonly quarantined: number }> {
    if (!run.isSettled) {
      await new Promise<void>((resolve) => {
        this.#settling.set(run, [...(this.#settling.get(run) ?? []), resolve]);
      });
    }
    return { quarantined: run.quarantined };
  }

  /**
   * Posts something from quarantine once more, and takes it out if the server has taken it.
   *
   * @throws {CbError} as `Quarantine.show`
   */
  async retry(id: string, signal: AbortSignal): Promise<PostAnswer> {
    const { quarantine, clock } = this.#options;
    const { post, body } = quarantine.show(id);
    const answer = await this.#inTurn(() => this.#options.post(post.workspace, body, signal));
    if (answer.kind === "created") quarantine.drop(id);
    else quarantine.refusedAgain(id, answer.status, answer.words, clock.wall());
    return answer;
  }

  #start(run: RunSpool): void {
    for (const lane of run.lanes) this.#startLane(run, lane);
  }

  /** Sees to it that somebody works on a lane that has something to post. */
  #startLane(run: RunSpool, lane: Lane): void {
    const signal = this.#signal;
    if (signal === undefined || signal.aborted || this.#busy.has(lane)) return;
    if (run.due(lane, 0) === undefined) return;
    this.#busy.set(lane, this.#postAll(run, lane, signal));
  }

  async #postAll(run: RunSpool, lane: Lane, signal: AbortSignal): Promise<void> {
    let trouble: Trouble | undefined;
    /** Results that are posted one by one, as together they were refused, for the sake of one of them perhaps. */
    let alone = 0;
    const { together = MAX_TOGETHER } = this.#options;
    const next = () => run.due(lane, alone > 0 ? 0 : together);
    for (let due = next(); due !== undefined && !signal.aborted; due = next()) {
      const { answer, body } = await this.#attempt(lane, due, signal);
      if (answer.kind === "rejected" && due.count > 1) {
        alone = due.count;
        continue;
      }
      if (answer.kind !== "again") alone -= 1;
      if (answer.kind === "created") {
        due.answered("posted");
        if (trouble?.isSaid) this.#say("info", "post-resumed", run, lane, "The server takes results again");
        trouble = undefined;
      } else if (answer.kind === "rejected" && this.#quarantine(run, lane, due, answer, body)) {
        due.answered("quarantined");
        trouble = undefined;
      } else if (!signal.aborted) {
        trouble ??= { since: this.#options.clock.monotonic(), attempts: 0, isSaid: false };
        // The lane stays in trouble: what follows in it has waited as long, and is given one attempt each.
        if (this.#isOver(due, trouble) && this.#quarantine(run, lane, due, answer, body)) {
          due.answered("quarantined");
        } else {
          await this.#pause(run, lane, answer, trouble, signal);
        }
      }
    }
    // In the same turn as the last look at what is due: whatever comes in later finds the lane idle.
    this.#busy.delete(lane);
    this.#tellSettled(run);
  }

  async #attempt(lane: Lane, due: DuePost, signal: AbortSignal): Promise<Attempt> {
    return await this.#inTurn(async () => {
      let body: Uint8Array | undefined;
      try {
        body = await due.body();
        // It may have come while this waited for its turn.
        signal.throwIfAborted();
        return { answer: await this.#options.post(lane.workspace, body, signal), body };
      } catch (error) {
        // The disk, or a defect of the wire: neither may cost a result.
        return {
          answer: { kind: "again", status: undefined, words: messageOf(error), after: undefined },
          body,
        };
      }
    });
  }

  #isOver(due: DuePost, trouble: Trouble): boolean {
    const { clock, keep } = this.#options;
    const tried = clock.monotonic() - trouble.since;
    return clock.wall() - due.since >= keep && tried >= Math.min(keep, LEAST_TRY);
  }

  /** @returns whether it is there: else it has to stay where it is, and to be posted again */
  #quarantine(
    run: RunSpool,
    lane: Lane,
    due: DuePost,
    answer: NotCreated,
    body: Uint8Array | undefined,
  ): boolean {
    if (body === undefined) return false;
    const { quarantine, clock } = this.#options;
    const { id: runId, executor } = run.facts;
    const { workspace, executionId } = lane;
    const { status, words } = answer;
    const at = clock.wall();
    try {
      quarantine.add({ id: due.id, run: runId, executor, workspace, executionId, at, status, words }, body);
    } catch (error) {
      this.#say("error", "quarantine-failed", run, lane, "Cannot put a post into quarantine", {
        error: messageOf(error),
      });
      return false;
    }
    this.#lastError = { run: runId, workspace, status, words, at, wait: 0 };
    this.#say("error", "post-quarantined", run, lane, "The server refuses a post; it is in quarantine", {
      id: due.id,
      status,
      words: abridged(words),
    });
    return true;
  }

  async #pause(
    run: RunSpool,
    lane: Lane,
    answer: NotCreated,
    trouble: Trouble,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, onDelay } = this.#options;
    const { status, words } = answer;
    const wait = this.#wait(answer, trouble.attempts);
    const delay = { run: run.facts.id, workspace: lane.workspace, status, words, at: clock.wall(), wait };
    this.#lastError = delay;
    // Once for each spell of trouble, which may last for days, and never for what soon passes.
    if (!trouble.isSaid && (trouble.attempts >= 2 || wait >= LONG_WAIT)) {
      trouble.isSaid = true;
      const said = { status, words: abridged(words) };
      this.#say(
        "warn",
        "post-delayed",
        run,
        lane,
        "The server does not take a result; it is tried again",
        said,
      );
    }
    trouble.attempts += 1;
    onDelay?.(delay);
    await sleep(wait, undefined, { signal }).catch(() => {});
  }

  /** Milliseconds: what the server asks for, or twice as long each time; never all lanes at the same moment. */
  #wait(answer: NotCreated, attempts: number): number {
    const { first, longest } = this.#options.pauses ?? PAUSES;
    const asked = answer.kind === "again" ? answer.after : undefined;
    if (asked !== undefined) return Math.min(asked, MAX_AFTER) + first * Math.random();
    const most = Math.min(longest, first * 2 ** Math.min(attempts, 30));
    return most * (0.5 + Math.random() / 2);
  }

  async #inTurn<Result>(action: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#turns.push(resolve));
    try {
      return await action();
    } finally {
      const next = this.#turns.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  #tellSettled(run: RunSpool): void {
    if (!run.isSettled) return;
    for (const resolve of this.#settling.get(run) ?? []) resolve();
    this.#settling.delete(run);
  }

  #say(
    level: "info" | "warn" | "error",
    event: string,
    run: RunSpool,
    { workspace }: Lane,
    message: string,
    more: Readonly<Record<string, unknown>> = {},
  ): void {
    this.#options.log[level]({ event, run: run.facts.id, workspace, ...more }, message);
  }
}

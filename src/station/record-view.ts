/**
 * Follows a run for the record of `--retry-failed`: tells its keeper of each agent what became of the run there, as soon
 * as that is known, and at the end of all.
 *
 * What an agent is doing is never told: until its command has ended, how it ends is in doubt.
 */
import type { Identity } from "../core/names.ts";
import type { Exit, Hello } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";
import type { Changes, RunStart, Word } from "./run-record.ts";
import { judgeExit, type Verdict } from "./verdict.ts";
import type { Conclusion, View } from "./view.ts";

/** Where the record is kept; none of it throws for want of it, as a run does not depend on it. */
export interface RecordKeeper {
  /** Everybody who is known to be meant is in doubt from now on; on disk when this returns. */
  begin(start: RunStart): Iterable<Identity>;
  /** Soon on disk. */
  change(changes: Changes): void;
  /** Nothing more comes: all of it is on disk when this returns. */
  end(): void;
  /** Nobody was asked: all is again as it was before. */
  withdraw(): void;
  /** What could not be kept, a sentence each. */
  readonly failures: readonly string[];
}

export class RecordView implements View {
  readonly losses: readonly string[] = [];
  readonly #keeper: RecordKeeper;
  #request: Request | undefined;
  #isPublished = false;
  /** A run of another station may have changed since what was told before: nothing is told twice. */
  readonly #told = new Map<Identity, Word | undefined>();
  /** Of whom nothing is known yet. */
  #unheard = new Set<Identity>();
  /** Not released so far: why their commands ended is known at the end alone. */
  readonly #held = new Set<Identity>();

  constructor(keeper: RecordKeeper) {
    this.#keeper = keeper;
  }

  /** Before the request goes out. */
  prepare(request: Request): void {
    if (request.type !== "run") return;
    this.#request = request;
    const { command, issued } = request;
    this.#unheard = new Set(this.#keeper.begin({ command, begun: issued }));
  }

  get failures(): readonly string[] {
    return this.#keeper.failures;
  }

  async start(): Promise<void> {
    this.#isPublished = true;
  }

  async hello({ identity, disposition }: Hello): Promise<void> {
    this.#unheard.delete(identity);
    if (disposition.is === "held") this.#held.add(identity);
    const words: Readonly<Record<Hello["disposition"]["is"], Word | undefined>> = {
      running: "in doubt",
      queued: "in doubt",
      held: "in doubt",
      refused: "refused",
      declined: "not run",
      "not-targeted": undefined,
      present: undefined,
    };
    this.#change([[identity, words[disposition.is]]]);
  }

  async release(identities: readonly Identity[]): Promise<void> {
    for (const identity of identities) this.#held.delete(identity);
  }

  async output(): Promise<void> {}

  async exit(identity: Identity, exit: Exit): Promise<void> {
    if (this.#request === undefined || this.#held.has(identity)) return;
    this.#change([[identity, wordOf(judgeExit(identity, exit, this.#request).verdict)]]);
  }

  async flush(): Promise<void> {}

  async conclude({ outcome }: Conclusion): Promise<void> {
    const judged = outcome.agents.map(({ identity, verdict }) => [identity, wordOf(verdict)] as const);
    // All that are not heard, though a session that was cut short does not call them missing.
    const absent = [...this.#unheard].map((identity) => [identity, "missing"] as const);
    this.#change([...absent, ...judged]);
    if (this.#request !== undefined) this.#keeper.end();
  }

  /** However the session has ended; where it went well, all is done. */
  close(): void {
    if (this.#request === undefined) return;
    if (this.#isPublished) this.#keeper.end();
    else this.#keeper.withdraw();
  }

  #change(changes: readonly (readonly [Identity, Word | undefined])[]): void {
    if (this.#request === undefined) return;
    const isNews = ([identity, word]: (typeof changes)[number]) =>
      !this.#told.has(identity) || this.#told.get(identity) !== word;
    const news = new Map(changes.filter(isNews));
    for (const [identity, word] of news) this.#told.set(identity, word);
    if (news.size > 0) this.#keeper.change(news);
  }
}

function wordOf(verdict: Verdict): Word | undefined {
  return verdict === "not targeted" ? undefined : verdict;
}

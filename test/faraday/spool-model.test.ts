/** Any sequence of results, answers, crashes and restarts: nothing that was promised is ever missing at the server. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as settle, setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import type { PostAnswer } from "../../src/faraday/api.ts";
import { Poster } from "../../src/faraday/poster.ts";
import { Quarantine } from "../../src/faraday/quarantine.ts";
import type { RunSpool } from "../../src/faraday/run-spool.ts";
import type { Spool } from "../../src/faraday/spool.ts";
import { facts, OUTCOME, Scene } from "./scene.ts";

/** What happens next; `which` picks one of those that are there. */
type Step =
  | { readonly kind: "begin"; readonly workspaces: number }
  | { readonly kind: "add"; readonly which: number; readonly count: number }
  | { readonly kind: "end"; readonly which: number }
  | { readonly kind: "answer"; readonly which: number; readonly answer: PostAnswer["kind"] }
  /** Power is lost: of what was not promised, so much of the files is left, in thousandths. */
  | { readonly kind: "crash"; readonly left: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("begin" as const), workspaces: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("add" as const),
      which: fc.nat(9),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const), which: fc.nat(9) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("answer" as const),
      which: fc.nat(9),
      answer: fc.constantFrom(
        "created" as const,
        "created" as const,
        "created" as const,
        "again" as const,
        "rejected" as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const), left: fc.nat(1000) }) },
);

type Call = {
  readonly workspace: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly answer: (answer: PostAnswer) => void;
};

class Model {
  readonly scene = new Scene();
  readonly quarantine = new Quarantine(this.scene.quarantineDirectory);
  /** Numbers of the results that were promised, of each run. */
  readonly promised = new Map<string, number[]>();
  readonly workspaces = new Map<string, readonly string[]>();
  /** What each lane has answered for good, in order: numbers, and "end". */
  readonly answered = new Map<string, (number | "end")[]>();
  readonly told = new Set<string>();
  #calls: Call[] = [];
  #spool!: Spool;
  #poster!: Poster;
  #stop = new AbortController();
  #done = Promise.resolve();
  /** Runs of the present process that may be added to. */
  #open: RunSpool[] = [];
  /** Bytes of each journal that are surely on disk. */
  #durable = new Map<string, number>();
  #number = 0;
  readonly #deleting: Promise<void>[] = [];

  start(): void {
    this.#spool = this.scene.spool();
    this.#stop = new AbortController();
    const calls: Call[] = [];
    this.#calls = calls;
    this.#poster = new Poster({
      ...{
        spool: this.#spool,
        keep: Infinity,
        quarantine: this.quarantine,
        clock: this.scene.clock,
        log: this.scene.log,
      },
      pauses: { first: 0, longest: 0 },
      // Each result by itself, so that one can be told from the other at the server.
      together: 0,
      post: (workspace, bytes, signal) =>
        new Promise<PostAnswer>((answer) => {
          calls.push({ workspace, body: JSON.parse(Buffer.from(bytes).toString()), answer });
          const aborted: PostAnswer = {
            kind: "again",
            status: undefined,
            words: "aborted",
            after: undefined,
          };
          signal.addEventListener("abort", () => answer(aborted), { once: true });
        }),
    });
    this.#done = this.#poster.run(this.#stop.signal);
    for (const run of this.#spool.runs) {
      // What an earlier process has left: it was killed.
      if (run.outcome === undefined) void run.end({ successful: false, message: "killed", duration: 0 });
      this.#tell(run);
    }
  }

  async do(step: Step): Promise<void> {
    switch (step.kind) {
      case "begin":
        this.#begin(step.workspaces);
        break;
      case "add": {
        const run = this.#pick(this.#open, step.which);
        if (run !== undefined) await Promise.all(Array.from({ length: step.count }, () => this.#add(run)));
        break;
      }
      case "end": {
        const run = this.#pick(this.#open, step.which);
        if (run === undefined) break;
        this.#open = this.#open.filter((other) => other !== run);
        await run.end(OUTCOME);
        this.#markDurable(run);
        break;
      }
      case "answer":
        await this.#answer(step.which, step.answer);
        break;
      case "crash":
        await this.#crash(step.left);
    }
    await settle();
  }

  /** The server takes everything from now on, until nothing is left. */
  async finish(): Promise<void> {
    for (const run of this.#open) await run.end(OUTCOME);
    for (let turn = 0; this.#spool.runs.length > 0; turn++) {
      assert.ok(turn < 10_000, "the spool is never empty");
      // Files are read, and pauses of 0 ms pass.
      if (this.#calls.length === 0) await sleep(1);
      await this.#answer(turn, "created");
    }
    await this.#end();
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    await this.#done;
    await Promise.all(this.#deleting);
    await this.scene.closeSpools();
  }

  #begin(count: number): void {
    const id = `r${this.workspaces.size}`;
    const workspaces = Array.from({ length: count }, (_, number) => `${id}w${number}`);
    this.workspaces.set(id, workspaces);
    const run = this.#spool.begin(
      facts({ id, workspaces, executionIds: workspaces.map((_, number) => number) }),
    );
    this.#open.push(run);
    this.#markDurable(run);
    this.#tell(run);
  }

  async #add(run: RunSpool): Promise<void> {
    this.#number += 1;
    const number = this.#number;
    await run.add({ number });
    this.promised.set(run.facts.id, [...(this.promised.get(run.facts.id) ?? []), number]);
    this.#markDurable(run);
  }

  async #answer(which: number, kind: PostAnswer["kind"]): Promise<void> {
    const call = this.#pick(this.#calls, which);
    if (call === undefined) return;
    this.#calls.splice(this.#calls.indexOf(call), 1);
    const { number = "end" } = call.body as { number?: number };
    if (kind !== "again") {
      this.answered.set(call.workspace, [...(this.answered.get(call.workspace) ?? []), number]);
    }
    if (kind === "created") call.answer({ kind, commandId: 1 });
    else if (kind === "rejected") call.answer({ kind, status: 400, words: "no" });
    else call.answer({ kind, status: 500, words: "later", after: undefined });
    await settle();
  }

  #tell(run: RunSpool): void {
    const signal = this.#stop.signal;
    void this.#poster.settled(run).then(async () => {
      if (signal.aborted) return;
      this.told.add(run.facts.id);
      const deleted = run.told();
      this.#deleting.push(deleted);
      await deleted;
    });
  }

  #markDurable(run: RunSpool): void {
    this.#durable.set(run.facts.id, run.bytes);
  }

  /** Everything of this process is gone; of what was not synced any part may be, from the end. */
  async #crash(left: number): Promise<void> {
    const { spoolDirectory } = this.scene;
    const files = readdirSync(spoolDirectory).map(
      (name) => [name, readFileSync(join(spoolDirectory, name))] as const,
    );
    await this.#end();
    rmSync(spoolDirectory, { recursive: true });
    mkdirSync(spoolDirectory);
    for (const [name, bytes] of files) {
      const path = join(spoolDirectory, name);
      writeFileSync(path, bytes);
      const durable = this.#durable.get(name.replace(".ndjson", "")) ?? 0;
      const { size } = statSync(path);
      truncateSync(path, durable + Math.round(((size - durable) * left) / 1000));
    }
    this.#open = [];
    this.start();
  }

  #pick<Item>(items: readonly Item[], which: number): Item | undefined {
    return items[which % Math.max(1, items.length)];
  }
}

test("Spool and Poster lose nothing, keep the order and post the end last, whatever happens", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const model = new Model();
      await using _ = model.scene;
      model.start();
      await model.do({ kind: "begin", workspaces: 2 });
      for (const step of steps) await model.do(step);
      await model.finish();

      for (const [run, workspaces] of model.workspaces) {
        assert.ok(model.told.has(run), `${run} was never told`);
        for (const workspace of workspaces) {
          const answered = model.answered.get(workspace) ?? [];
          const firsts = [...new Set(answered)];
          assert.deepEqual(firsts, [...(model.promised.get(run) ?? []), "end"], workspace);
          assert.equal(answered.at(-1), "end", workspace);
        }
      }
      assert.equal(
        model.scene.logged.some(({ event }) => event === "journal-damaged"),
        false,
      );
    }),
    { numRuns: 150 },
  );
});

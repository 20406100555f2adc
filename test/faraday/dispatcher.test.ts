/** What a server can do to a dispatcher by runs that it refuses; the others are in test/integration/dispatcher-*. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { execute } from "../../src/exec/execution.ts";
import { JobSlots } from "../../src/exec/job-slots.ts";
import type { StatusMessage } from "../../src/faraday/command-channel.ts";
import { Dispatcher, MAX_UNTOLD } from "../../src/faraday/dispatcher.ts";
import { ExecutorCatalog } from "../../src/faraday/executor-catalog.ts";
import { Poster } from "../../src/faraday/poster.ts";
import { Quarantine } from "../../src/faraday/quarantine.ts";
import { StatusReports } from "../../src/faraday/status-reports.ts";
import { Scene } from "./scene.ts";

/** A dispatcher without executors, and a server that takes every post, and statuses once `takes` says so. */
class Refusing implements AsyncDisposable {
  readonly scene = new Scene();
  readonly told: StatusMessage[] = [];
  readonly dispatcher: Dispatcher;
  readonly reports: StatusReports;
  takes = false;
  readonly #end = new AbortController();
  readonly #posting: Promise<void>;

  constructor() {
    const { clock, log } = this.scene;
    const spool = this.scene.spool();
    const quarantine = new Quarantine(this.scene.quarantineDirectory);
    const post = async () => ({ kind: "created", commandId: 1 }) as const;
    const poster = new Poster({ spool, quarantine, post, keep: 1e6, clock, log });
    this.#posting = poster.run(this.#end.signal);
    this.reports = new StatusReports(async (status) => {
      this.told.push(status);
      return this.takes;
    }, this.#end.signal);
    this.dispatcher = new Dispatcher({
      ...{
        name: "lab",
        slots: new JobSlots(1),
        spool,
        poster,
        reports: this.reports,
        quarantine,
        clock,
        log,
      },
      catalog: new ExecutorCatalog([], [this.scene.directory], undefined),
      ...{ execute, environment: {}, workDirectory: this.scene.directory, timeLimit: undefined },
      ...{ stopGrace: 1, drainGrace: 1, letGo: new AbortController().signal },
    });
  }

  /** Of an executor that there is not. */
  run(id: number): void {
    this.dispatcher.onRun({ execution_ids: [id], workspaces: ["w1"], executor: "nobody", args: {} });
  }

  get journals(): readonly string[] {
    return readdirSync(this.scene.spoolDirectory);
  }

  logged(event: string): number {
    return this.scene.logged.filter((entry) => entry.event === event).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#posting;
    await this.scene[Symbol.asyncDispose]();
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(1);
}

test("Dispatcher drops runs beyond a thousand refusals that the server does not take, and says so once", async () => {
  await using refusing = new Refusing();
  const { dispatcher, reports, told } = refusing;
  const kept = 3;
  for (let id = 1; id <= kept; id += 1) refusing.run(id);
  // Without a workspace there is nothing to post, and no journal.
  const nowhere = (id: number) => dispatcher.onRun({ execution_ids: [id], workspaces: [], executor: "x" });
  for (let id = kept + 1; id <= MAX_UNTOLD + 500; id += 1) nowhere(id);
  for (let id = 5001; id <= 5500; id += 1) refusing.run(id);
  await until(() => told.length === MAX_UNTOLD);
  assert.deepEqual(refusing.journals.toSorted(), ["1.ndjson", "2.ndjson", "3.ndjson"]);
  assert.equal(dispatcher.runs.states.length, kept);
  assert.deepEqual([refusing.logged("run-refused"), refusing.logged("runs-dropped")], [MAX_UNTOLD, 1]);
  // It joins again, and takes them: there is room for others.
  refusing.takes = true;
  reports.onJoined();
  await dispatcher.runs.idle();
  refusing.run(6000);
  await until(() => told.some(({ executionIds: [id] }) => id === 6000));
  await dispatcher.runs.idle();
  assert.deepEqual([refusing.journals, refusing.logged("runs-dropped")], [[], 1]);
});

test("Dispatcher that is stopping tells a run that it is refused, and nothing waits for the answer", async () => {
  await using refusing = new Refusing();
  const { dispatcher, told } = refusing;
  dispatcher.leaveQueue();
  refusing.run(1);
  await until(() => told.length === 1);
  const { executionIds, successful, message } = told[0] as StatusMessage;
  const expected = [[1], false, "not started: the dispatcher is stopping"];
  assert.deepEqual([executionIds, successful, message], expected);
  await dispatcher.runs.idle();
  assert.deepEqual([dispatcher.runs.states, refusing.journals], [[], []]);
});

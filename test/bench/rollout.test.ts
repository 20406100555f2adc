/** Rollouts over two hundred agents, whose own times of beginning and end prove that the bound was kept. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cryptoReady } from "../../src/protocol/crypto.ts";
import { eventProblems } from "../support/event-schema.ts";
import { Fleet } from "../support/fleet.ts";
import { lines } from "../support/running-program.ts";
import { COMMAND, nameOf } from "./fleet.ts";
import { startEmulated } from "./measure-emulated.ts";

const AGENTS = 200;

/** By the agents' own clock, which is one: when how many were at work. */
class Notes {
  readonly #times = new Map<number, { readonly begun: number; ended: number }>();
  running = 0;
  most = 0;

  note(index: number, isRunning: boolean): void {
    const now = performance.now();
    if (isRunning) this.#times.set(index, { begun: now, ended: Infinity });
    else (this.#times.get(index) ?? assert.fail("it ends before it begins")).ended = now;
    this.running += isRunning ? 1 : -1;
    this.most = Math.max(this.most, this.running);
  }

  of(index: number) {
    return this.#times.get(index);
  }

  get begun(): readonly number[] {
    return [...this.#times.keys()].sort((one, other) => one - other);
  }

  get ended(): readonly number[] {
    return this.begun.filter((index) => (this.of(index)?.ended ?? Infinity) < Infinity);
  }

  /** Milliseconds between the last end in a batch of so many and the first beginning in the next; the shortest one. */
  shortestPause(size: number): number {
    const all = [...this.#times.values()].sort((one, other) => one.begun - other.begun);
    const starts = all.flatMap((_, at) => (at % size === 0 ? [at] : []));
    const pauses = starts.slice(1).map((at) => {
      const lastEnd = Math.max(...all.slice(at - size, at).map(({ ended }) => ended));
      return (all[at]?.begun ?? 0) - lastEnd;
    });
    return Math.min(...pauses);
  }

  /** The most that overlap, from the times alone. */
  get mostByTimes(): number {
    const all = [...this.#times.values()];
    return Math.max(
      ...all.map(({ begun }) => all.filter((other) => other.begun <= begun && begun < other.ended).length),
    );
  }
}

test(`cb station --parallel keeps its bound over ${AGENTS} agents, and reaches all`, async () => {
  await cryptoReady();
  await using fleet = await Fleet.start();
  const notes = new Notes();
  await using _agents = await startEmulated(fleet, AGENTS, (index) => ({
    // Of the first batch nobody ends before the last has begun, however busy the machine is.
    get delay() {
      return notes.begun.length <= 20 ? 3_000 : (index * 37) % 300;
    },
    status: index % 50 === 7 ? 1 : 0,
    onChange: (isRunning) => notes.note(index, isRunning),
  }));
  const { status, stderr } = await fleet.station("run", COMMAND, "--parallel", "10%", "--pause", "0.1");
  assert.equal(status, 4, stderr);
  assert.match(stderr, /^200 agents · 196 ok · 4 failed · /m);
  assert.equal(notes.begun.length, AGENTS);
  assert.deepEqual([notes.most, notes.mostByTimes], [20, 20]);
  // A timer may be a millisecond early.
  assert.ok(notes.shortestPause(20) > 98, `${notes.shortestPause(20)}`);
});

test("cb station --parallel fills each place that is free, at agents of different speed", async () => {
  await cryptoReady();
  await using fleet = await Fleet.start();
  const notes = new Notes();
  // Every one of them opens the release of every other one: of two hundred in one process that would be all they do.
  await using _agents = await startEmulated(fleet, 40, (index) => ({
    delay: index === 0 ? 3_000 : 20 + ((index * 37) % 100),
    onChange: (isRunning) => notes.note(index, isRunning),
  }));
  const { status, stderr } = await fleet.station("run", COMMAND, "--parallel", "4");
  assert.equal(status, 0, stderr);
  assert.deepEqual([notes.begun.length, notes.most, notes.mostByTimes], [40, 4, 4]);
  const slow = notes.of(0)?.ended ?? 0;
  assert.ok(notes.begun.filter((index) => (notes.of(index)?.ended ?? 0) < slow).length > 10);
});

test(`cb station --canary and --max-failures hold over ${AGENTS} agents`, async () => {
  await cryptoReady();
  await using fleet = await Fleet.start();
  const notes = new Notes();
  await using _agents = await startEmulated(fleet, AGENTS, (index) => ({
    delay: 20,
    status: index >= 100 ? 1 : 0,
    onChange: (isRunning) => notes.note(index, isRunning),
  }));
  assert.equal((await fleet.station("ping")).status, 0);
  const rollout = ["--canary", "5", "--parallel", "20", "--max-failures", "10%", "--pause", "0.1"];
  const { status, stderr } = await fleet.station("run", COMMAND, ...rollout);
  assert.equal(status, 4 + 64, stderr);
  const canaries = [0, 1, 2, 3, 4].map((index) => notes.of(index)?.ended ?? Infinity);
  const others = notes.begun.filter((index) => index > 4);
  for (const index of others)
    assert.ok((notes.of(index)?.begun ?? 0) >= Math.max(...canaries), nameOf(index));
  assert.ok(notes.most <= 20, `${notes.most}`);
  // The first batch with a failure has 15 of them, the next one uses up the budget.
  assert.equal(notes.begun.at(-1), 124);
  assert.match(stderr, /^cb: not run on 75 agents, agent-\[00125-00199\]: agent-\[00100-00124\] failed$/m);
});

test(`cb station at Ctrl-C in a rollout over ${AGENTS} agents leaves nobody running or unsaid, and nobody begins`, async () => {
  await cryptoReady();
  await using fleet = await Fleet.start();
  const notes = new Notes();
  // The first batch is done, some of the second is, and the rest would go on for ever.
  await using _agents = await startEmulated(fleet, AGENTS, (index) => ({
    delay: index < 30 ? 20 : Infinity,
    status: index % 10 === 7 ? 1 : 0,
    onChange: (isRunning) => notes.note(index, isRunning),
  }));
  const rollout = ["--parallel", "20", "--pause", "0.1", "--output", "ndjson"];
  const station = fleet.start(["station", "run", COMMAND, ...rollout]);
  const isStuck = () => notes.begun.length === 40 && notes.ended.length === 30;
  await station.until("the second batch is stuck", () => isStuck() || undefined);
  station.kill("SIGINT");
  const { status, stdout, stderr } = await station.finished;
  assert.equal(status, 130, stderr);
  assert.deepEqual([notes.running, notes.begun.length, notes.most], [0, 40, 20]);

  const events = lines(stdout).map((line) => JSON.parse(line));
  assert.deepEqual(eventProblems()(events), []);
  const ends = new Map(events.flatMap((event) => (event.type === "exit" ? [[event.agent, event]] : [])));
  assert.equal(events.filter(({ type }) => type === "exit").length, AGENTS);
  for (let index = 0; index < AGENTS; index++) {
    const { status: its, ending } = ends.get(nameOf(index)) ?? {};
    if (index >= 40) assert.equal(its, "not_run", nameOf(index));
    else if (index >= 30) assert.deepEqual([its, ending], ["failed", "cancelled"], nameOf(index));
    else assert.equal(its, index % 10 === 7 ? "failed" : "ok", nameOf(index));
  }
  assert.match(stderr, /^cb: not run on 160 agents, agent-\[00040-00199\]: interrupted before its turn$/m);
});

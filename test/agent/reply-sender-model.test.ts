/** Any number of senders, one list, one station: what holds in whatever order their steps come. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as settle } from "node:timers/promises";
import fc from "fast-check";
import { ReplySender } from "../../src/agent/reply-sender.ts";
import type { Backlog } from "../../src/hub/agent-hub.ts";
import { newReplyKeyPair, newSessionKeyPair } from "../../src/protocol/keys.ts";
import { decodeReply, type Reply } from "../../src/protocol/reply.ts";
import {
  openReply,
  ReplySealer,
  readReplyFrame,
  replyOpeningKey,
} from "../../src/protocol/reply-envelope.ts";
import "./scene.ts";

/** As PROTOCOL.md §7 has them. */
const MAX_LIST = 256;
const MAX_BATCH = { items: 64, bytes: 128 * 1024 };
const MAX_FIRST_BATCH = 4 * 1024;
const STATION_GONE = 10_000;

/** Something that happens: a call is answered, the station reads, comes or goes, time passes. */
type Step =
  | { readonly kind: "answer"; readonly which: number }
  | { readonly kind: "read"; readonly items: number }
  | { readonly kind: "presence"; readonly isThere: boolean }
  | { readonly kind: "time"; readonly milliseconds: number };

/** Sizes of the output that an agent's command prints; after the last one it exits. */
type Script = readonly number[];

class Model {
  now = 0;
  isStationThere = true;
  readonly list: Uint8Array[] = [];
  readonly session = newSessionKeyPair();
  readonly agents: readonly ModelAgent[];
  readonly #keys = new Map<string, Uint8Array>();
  readonly #opened = new Map<Uint8Array, Reply>();
  readonly #received = new Map<string, Reply[]>();
  /** The list has been shorter than 256 items, but for what each agent has added since. */
  #addedSinceRoom = new Set<ModelAgent>();

  constructor(scripts: readonly Script[]) {
    this.agents = scripts.map((script) => new ModelAgent(this, script));
  }

  async do(step: Step): Promise<void> {
    switch (step.kind) {
      case "answer": {
        const waiting = this.agents.filter(({ call }) => call !== undefined);
        waiting[step.which % Math.max(1, waiting.length)]?.answer();
        break;
      }
      case "read":
        for (const envelope of this.list.splice(0, step.items)) this.#read(envelope);
        break;
      case "presence":
        this.isStationThere = step.isThere;
        break;
      case "time":
        this.now += step.milliseconds;
    }
    if (this.list.length < MAX_LIST) this.#addedSinceRoom = new Set();
    await settle();
  }

  /** Adds a batch as Redis does, at once. */
  add(agent: ModelAgent, envelopes: readonly Uint8Array[]): void {
    const bytes = envelopes.reduce((sum, { length }) => sum + length, 0);
    const hasOutput = envelopes.some((envelope) => this.open(envelope).type === "output");
    this.list.push(...envelopes);
    if (!hasOutput) return;
    assert.ok(!this.#addedSinceRoom.has(agent), "one batch, after the list was full");
    this.#addedSinceRoom.add(agent);
    assert.ok(envelopes.length <= MAX_BATCH.items + 1, "an exit may follow");
    assert.ok(bytes <= 1.14 * MAX_BATCH.bytes, `${bytes} bytes in a batch`);
    if (this.list.length < MAX_LIST) this.#addedSinceRoom = new Set();
    const small = 3 * this.agents.length;
    assert.ok(this.list.length < MAX_LIST + this.agents.length * MAX_BATCH.items + small);
  }

  replies(replyKey: string): readonly Reply[] {
    return this.#received.get(replyKey) ?? [];
  }

  open(envelope: Uint8Array): Reply {
    const known = this.#opened.get(envelope);
    if (known !== undefined) return known;
    const frame = readReplyFrame(envelope);
    assert.ok(frame !== undefined);
    const name = Buffer.from(frame.replyKey).toString("hex");
    const key = this.#keys.get(name) ?? replyOpeningKey(frame.replyKey, this.session);
    const body = key && openReply(frame, key);
    assert.ok(key !== undefined && body !== undefined);
    this.#keys.set(name, key);
    const reply = decodeReply(body);
    this.#opened.set(envelope, reply);
    return reply;
  }

  #read(envelope: Uint8Array): void {
    const frame = readReplyFrame(envelope);
    assert.ok(frame !== undefined);
    const name = Buffer.from(frame.replyKey).toString("hex");
    const received = this.#received.get(name) ?? [];
    assert.equal(frame.sequence, received.length, "in order, without a gap");
    received.push(this.open(envelope));
    this.#received.set(name, received);
  }
}

class ModelAgent {
  readonly #model: Model;
  readonly #sender: ReplySender;
  readonly script: Script;
  readonly replyKey: string;
  readonly closed: Promise<void>;
  isClosed = false;
  /** What it waits for. */
  call:
    | { readonly envelopes: readonly Uint8Array[]; readonly resolve: (backlog: Backlog) => void }
    | undefined;
  /** What it knows of the list, and since when it has found the station away. */
  #known = 0;
  #hasSeenShrink = false;
  #outputBytes = 0;
  #absentSince: number | undefined;
  #isGone = false;

  constructor(model: Model, script: Script) {
    this.#model = model;
    this.script = script;
    const keyPair = newReplyKeyPair();
    this.replyKey = Buffer.from(keyPair.publicKey).toString("hex");
    const call = (envelopes: readonly Uint8Array[]) =>
      new Promise<Backlog>((resolve) => {
        assert.equal(this.call, undefined, "one call at a time");
        this.call = { envelopes, resolve };
      });
    const clock = { monotonic: () => model.now, wall: () => model.now };
    const sealer = new ReplySealer(model.session.publicKey, keyPair);
    this.#sender = new ReplySender({ push: call, look: () => call([]) }, sealer, clock);
    this.closed = this.#run();
  }

  get dropped(): number {
    return this.#sender.dropped;
  }

  answer(): void {
    const { call } = this;
    if (call === undefined) return;
    this.call = undefined;
    const replies = call.envelopes.map((envelope) => this.#model.open(envelope));
    const output = replies.reduce((sum, reply) => sum + (reply.type === "output" ? reply.data.length : 0), 0);
    if (output > 0) {
      assert.ok(this.#known < MAX_LIST, "output is added while there is room, as far as the agent knows");
      assert.ok(!this.#isGone, "none is added after the station has gone");
      if (!this.#hasSeenShrink) assert.ok(this.#outputBytes + output <= MAX_FIRST_BATCH);
      this.#outputBytes += output;
    }
    this.#model.add(this, call.envelopes);
    const { length } = this.#model.list;
    this.#hasSeenShrink ||= length < this.#known + call.envelopes.length;
    this.#known = length;
    this.#observePresence();
    call.resolve({ length, isStationThere: this.#model.isStationThere });
  }

  #observePresence(): void {
    const { now, isStationThere } = this.#model;
    this.#absentSince = isStationThere ? undefined : (this.#absentSince ?? now);
    if (this.#absentSince !== undefined && now - this.#absentSince >= STATION_GONE) this.#isGone = true;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  async #run(): Promise<void> {
    await this.#sender.send({ type: "state", state: "running" });
    let offset = 0;
    for (const size of this.script) {
      const data = new Uint8Array(size);
      await this.#sender.send({ type: "output", stream: "stdout", offset, data });
      offset += size;
    }
    await this.#sender.send({
      type: "exit",
      ending: "exited",
      status: 0,
      signal: undefined,
      runTime: 0,
      stdout: offset,
      stderr: 0,
      dropped: 0,
      leftOpen: false,
      detail: undefined,
    });
    await this.#sender.close();
    this.isClosed = true;
  }
}

/** Asserts that what an agent's command printed arrived, but for what the exit says was dropped. */
function assertComplete(model: Model, agent: ModelAgent): void {
  const replies = model.replies(agent.replyKey);
  const exit = replies.at(-1);
  assert.ok(exit?.type === "exit");
  let offset = 0;
  for (const reply of replies.slice(1, -1)) {
    assert.ok(reply.type === "output");
    assert.equal(reply.offset, offset, "only the end of the output is ever dropped");
    offset += reply.data.length;
  }
  assert.equal(offset + exit.dropped, exit.stdout);
  assert.equal(exit.dropped, agent.dropped);
  if (!agent.isGone) assert.equal(exit.dropped, 0);
}

const sizes = fc.oneof(
  { weight: 4, arbitrary: fc.constant(1) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 64 * 1024 }) },
);
const scripts = fc.array(fc.array(sizes, { maxLength: 250, size: "max" }), { minLength: 1, maxLength: 4 });
const answer: fc.Arbitrary<Step> = fc.record({ kind: fc.constant("answer" as const), which: fc.nat(3) });
const read: fc.Arbitrary<Step> = fc.record({ kind: fc.constant("read" as const), items: fc.nat(100) });
const presence: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("presence" as const),
  isThere: fc.boolean(),
});
const time: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("time" as const),
  milliseconds: fc.nat(6_000),
});

const RUNS = 30;
/** A story in which the list is full at the end, and one in which the station leaves meanwhile. */
const FOUR_TALKERS: readonly Script[] = Array.from({ length: 4 }, () => new Array<number>(250).fill(1));
const ANSWERS = Array.from({ length: 100 }, (_, which): Step => ({ kind: "answer", which }));
const SHRINK: readonly Step[] = [...ANSWERS.slice(0, 8), { kind: "read", items: 100 }];
const LEAVE: readonly Step[] = [
  { kind: "presence", isThere: false },
  ...ANSWERS.slice(0, 4),
  { kind: "time", milliseconds: STATION_GONE },
];

/** Lets everybody finish: all are answered, and the station reads. */
async function finish(model: Model): Promise<void> {
  for (let round = 0; model.agents.some(({ isClosed }) => !isClosed); round++) {
    assert.ok(round < 2_000, "it comes to an end");
    for (const which of model.agents.keys()) await model.do({ kind: "answer", which });
    await model.do({ kind: "read", items: 50 });
  }
  await model.do({ kind: "read", items: Infinity });
}

test("ReplySender keeps to the bound of the list, loses nothing and keeps order, in any interleaving", async () => {
  let fullest = 0;
  const steps = fc.array(fc.oneof({ weight: 12, arbitrary: answer }, { weight: 1, arbitrary: read }), {
    maxLength: 150,
    size: "max",
  });
  await fc.assert(
    fc.asyncProperty(scripts, steps, async (all, story) => {
      const model = new Model(all);
      for (const step of story) {
        await model.do(step);
        fullest = Math.max(fullest, model.list.length);
      }
      await finish(model);
      for (const agent of model.agents) {
        assertComplete(model, agent);
        assert.equal(agent.dropped, 0);
      }
    }),
    { numRuns: RUNS, examples: [[FOUR_TALKERS, [...SHRINK, ...ANSWERS]]] },
  );
  assert.ok(fullest >= MAX_LIST, `the list was never full: ${fullest} items`);
});

test("ReplySender drops exactly what it does not push, and only for a station that was away for 10 s", async () => {
  const outcomes = new Set<boolean>();
  const steps = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: answer },
      { weight: 1, arbitrary: read },
      { weight: 2, arbitrary: presence },
      { weight: 2, arbitrary: time },
    ),
    { maxLength: 150, size: "max" },
  );
  await fc.assert(
    fc.asyncProperty(scripts, steps, async (all, story) => {
      const model = new Model(all);
      for (const step of story) await model.do(step);
      await finish(model);
      for (const agent of model.agents) {
        assertComplete(model, agent);
        outcomes.add(agent.dropped > 0);
      }
    }),
    { numRuns: RUNS, examples: [[FOUR_TALKERS, [...SHRINK, ...LEAVE, ...ANSWERS]]] },
  );
  assert.deepEqual([...outcomes].sort(), [false, true]);
});

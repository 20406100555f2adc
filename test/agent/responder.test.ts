import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as settle } from "node:timers/promises";
import type { Admission, Answer } from "../../src/agent/admit.ts";
import type { FoundCommand } from "../../src/agent/find-command.ts";
import { stalenessAtTurn } from "../../src/agent/freshness.ts";
import { Hold } from "../../src/agent/hold.ts";
import { Responder } from "../../src/agent/responder.ts";
import { CbError } from "../../src/core/errors.ts";
import { parseNamePatterns } from "../../src/core/name-pattern.ts";
import { parseName, type Tag } from "../../src/core/names.ts";
import type { Environment } from "../../src/core/settings.ts";
import type { ExecutionEnd, ExecutionEvent, ExecutionOptions } from "../../src/exec/execution.ts";
import { JobSlots } from "../../src/exec/job-slots.ts";
import type { EnvironmentEntry } from "../../src/exec/manifest-environment.ts";
import { hex, utf8 } from "../../src/protocol/bytes.ts";
import type { CborMap } from "../../src/protocol/cbor.ts";
import { fieldMap } from "../../src/protocol/fields.ts";
import { agentKeyPair, newSeed, newSessionKeyPair } from "../../src/protocol/keys.ts";
import { decodeListing } from "../../src/protocol/listing.ts";
import { decodeReply, type Exit, type Hello, type Reply } from "../../src/protocol/reply.ts";
import {
  isHelloGenuine,
  openReply,
  readReplyFrame,
  replyOpeningKey,
} from "../../src/protocol/reply-envelope.ts";
import {
  channel,
  EXPIRES,
  envelope,
  fields,
  ISSUED,
  moment,
  NOW,
  name,
  ping,
  policy,
  receive,
  web1,
} from "./scene.ts";

const HOUR = 3_600_000;
const STATION_GONE = 10_000;

const RELOAD = { found: true, path: "/run.d/reload", manifest: undefined, values: new Map() } as const;

const MANIFEST = {
  path: "/run.d/reload.toml",
  environment: new Map(),
  timeout: undefined,
  concurrency: undefined,
};

/** What a command does: an event, or something that happens meanwhile. */
type Step = ExecutionEvent | (() => void);

const ENDED: ExecutionEnd = {
  kind: "end",
  reason: "exited",
  status: 0,
  signal: undefined,
  detail: undefined,
  runTime: 12.6,
  bytes: { stdout: 0, stderr: 0 },
  leftOpen: false,
};

/** One agent, with a model of its command, of the hub and of time; what it says is opened by the station's key. */
class Scene {
  readonly clock = { now: NOW, wall: () => this.clock.now, up: HOUR, monotonic: () => this.clock.up };
  readonly slots = new JobSlots(1);
  readonly session = newSessionKeyPair();
  readonly keyPair = agentKeyPair(newSeed());
  readonly leaveQueue = new AbortController();
  readonly runDirectories: string[] = [];
  readonly end = new AbortController();
  /** What was done, in order. */
  readonly deeds: string[] = [];
  readonly logged: Readonly<Record<string, unknown>>[] = [];
  readonly executions: { readonly path: string; readonly options: ExecutionOptions }[] = [];
  readonly #envelopes: Uint8Array[] = [];
  steps: readonly Step[] = [ENDED];
  executor: FoundCommand = RELOAD;
  environment: Environment = {};
  isStationThere = true;
  journalFailure: Error | undefined;
  hubFailure: Error | undefined;
  timeLimit: number | undefined;
  logCommandOutput = false;

  /** Answers a request; the command is `queued` behind one that never ends, or starts at once. */
  async respond(body: CborMap, queued = false): Promise<void> {
    await this.responder.respond(this.answer(body, queued), this.end.signal);
  }

  answer(body: CborMap, queued = false): Answer {
    const placeFor = () => (queued ? ("queue" as const) : ("free" as const));
    const when = moment({ load: { placeFor } });
    const decided = receive(envelope(body, { session: this.session }), policy(), when);
    return isAnswer(decided) ? decided : assert.fail(decided.decision);
  }

  get responder(): Responder {
    const tags: readonly Tag[] = [parseName("eu"), parseName("web")];
    const backlog = async () => ({ length: 0, isStationThere: this.isStationThere });
    const log = (fields: unknown) => void this.logged.push(fields as Readonly<Record<string, unknown>>);
    return new Responder({
      identity: web1,
      channel,
      tags,
      software: "0.1.0",
      keyPair: this.keyPair,
      journal: {
        sync: async () => {
          this.deeds.push("sync");
          if (this.journalFailure !== undefined) throw this.journalFailure;
        },
      },
      hub: {
        push: async (_, envelopes) => {
          if (this.hubFailure !== undefined) throw this.hubFailure;
          this.#envelopes.push(...envelopes);
          return backlog();
        },
        backlog,
      },
      runDirectories: this.runDirectories,
      execute: this.#execute.bind(this),
      clock: this.clock,
      log: { error: log, warn: log, info: log, debug: log, trace: log },
      slots: this.slots,
      timeLimit: this.timeLimit,
      stopGrace: 1_000,
      drainGrace: 2_000,
      logCommandOutput: this.logCommandOutput,
      leaveQueue: this.leaveQueue.signal,
      giveUp: new AbortController().signal,
      staleness: (request) =>
        stalenessAtTurn(request, {
          now: this.clock.now,
          uptime: this.clock.up,
          replay: { born: 0, floor: 0, has: () => false },
        })?.detail,
      environment: this.environment,
      findCommand: ({ command, parameters }) => {
        this.deeds.push(["find", command, ...parameters.keys()].join(" "));
        return this.executor;
      },
    });
  }

  async *#execute(path: string, options: ExecutionOptions): AsyncGenerator<ExecutionEvent, void, undefined> {
    this.deeds.push("execute");
    this.executions.push({ path, options });
    for (const step of this.steps) {
      if (typeof step === "function") step();
      else yield step;
    }
  }

  /** What the station reads: every envelope must open, in sequence, under one key. */
  get replies(): readonly Reply[] {
    return this.#envelopes.map((bytes, index) => {
      const frame = readReplyFrame(bytes);
      assert.equal(frame?.sequence, index);
      const key = replyOpeningKey(frame.replyKey, this.session);
      const body = key && openReply(frame, key);
      assert.ok(body !== undefined);
      const reply = decodeReply(body);
      if (reply.type === "hello") assert.ok(isHelloGenuine(reply, this.session.publicKey, frame.replyKey));
      return reply;
    });
  }

  get hello(): Hello {
    const [hello] = this.replies;
    return hello?.type === "hello" ? hello : assert.fail("it has not said hello");
  }

  get exit(): Exit {
    const exit = this.replies.at(-1);
    return exit?.type === "exit" ? exit : assert.fail("it has said no exit");
  }

  record(event: string): Readonly<Record<string, unknown>> {
    return this.logged.find((fields) => fields["event"] === event) ?? assert.fail(`no ${event} in the log`);
  }
}

function isAnswer(decided: Admission): decided is Answer {
  return !["ignored", "cancel", "forestall"].includes(decided.decision);
}

function output(stream: "stdout" | "stderr", text: string): Step {
  return { kind: "output", stream, data: utf8(text) };
}

test("Responder says hello with all that the station asks for, and that it runs", async () => {
  const scene = new Scene();
  const body = fields();
  await scene.respond(body);
  const { signature, challenge, ...hello } = scene.hello;
  assert.deepEqual(challenge, scene.answer(body).session.head.challenge);
  assert.equal(signature.length, 64);
  assert.deepEqual(hello, {
    type: "hello",
    identity: "web1",
    tags: ["eu", "web"],
    software: "0.1.0",
    time: NOW,
    agentKey: scene.keyPair.publicKey,
    disposition: { is: "running" },
  });
});

test("Responder answers a list with hello, the commands that this station may run, and an exit", async () => {
  const directory = mkdtempSync(join(tmpdir(), "cb-responder-"));
  try {
    for (const command of ["reload", "secret"])
      writeFileSync(join(directory, command), "#!/bin/sh\n", { mode: 0o755 });
    const scene = new Scene();
    scene.runDirectories.push(directory);
    const body = ping({ type: "list" });
    const answer = scene.answer(body);
    const station = { ...answer.session.station, commands: parseNamePatterns("re*") };
    const limited = { ...answer, session: { ...answer.session, station } };
    await scene.responder.respond(limited, scene.end.signal);
    assert.deepEqual(scene.hello.disposition, { is: "running" });
    const [, output] = scene.replies;
    assert.ok(output?.type === "output");
    const { commands: listed } = decodeListing(output.data);
    assert.deepEqual(
      listed.map(({ name: each, digest }) => [each, digest?.length]),
      [["reload", 32]],
    );
    assert.deepEqual(
      [scene.replies.length, scene.exit.ending, scene.exit.stdout],
      [3, "exited", output.data.length],
    );
    assert.deepEqual(scene.deeds, []);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

const clockRefusal = { is: "refused", reason: "clock", detail: "expired", bound: NOW };

const finalWords: readonly (readonly [string, CborMap, Partial<Answer>, unknown])[] = [
  ["a ping", ping(), {}, { is: "present" }],
  [
    "a request for others",
    fields({ target: fieldMap({ tags: ["other"] }), census: true }),
    {},
    { is: "not-targeted" },
  ],
  ["a request that is too late", fields({ issued: NOW - 9_000, expires: NOW }), {}, clockRefusal],
  [
    "a command when busy",
    fields(),
    { decision: "declined", reason: "busy" },
    { is: "declined", reason: "busy" },
  ],
];

for (const [what, body, decision, disposition] of finalWords) {
  test(`Responder answers ${what} with a hello, and nothing after it`, async () => {
    const scene = new Scene();
    await scene.responder.respond({ ...scene.answer(body), ...decision } as Answer, scene.end.signal);
    assert.deepEqual(scene.hello.disposition, disposition);
    assert.equal(scene.replies.length, 1);
    assert.deepEqual([scene.deeds, scene.slots.running], [[], 0]);
  });
}

test("Responder records a request on disk before it starts the command, which it finds once more", async () => {
  const scene = new Scene();
  await scene.respond(fields());
  assert.deepEqual(scene.deeds, ["find reload", "sync", "execute"]);
  assert.equal(scene.executions[0]?.path, "/run.d/reload");
});

test("Responder sends output with its offset in its stream, then how the command ended", async () => {
  const scene = new Scene();
  const bytes = { stdout: 5, stderr: 4 };
  scene.steps = [
    output("stdout", "one"),
    output("stderr", "oops"),
    output("stdout", "34"),
    { ...ENDED, reason: "signalled", status: undefined, signal: "SIGKILL", bytes, leftOpen: true },
  ];
  await scene.respond(fields());
  const [, ...said] = scene.replies;
  assert.deepEqual(said, [
    { type: "output", stream: "stdout", offset: 0, data: utf8("one") },
    { type: "output", stream: "stderr", offset: 0, data: utf8("oops") },
    { type: "output", stream: "stdout", offset: 3, data: utf8("34") },
    {
      type: "exit",
      ending: "signalled",
      status: undefined,
      signal: "SIGKILL",
      detail: undefined,
      runTime: 13,
      ...bytes,
      dropped: 0,
      leftOpen: true,
    },
  ]);
  assert.equal(scene.slots.running, 0);
});

test("Responder tells the command who asks, and what it may", async () => {
  const scene = new Scene();
  await scene.respond(fields());
  const {
    arguments: words,
    environment,
    stopGrace,
    drainGrace,
    signal,
    clock,
  } = scene.executions[0]?.options ?? assert.fail();
  assert.deepEqual([words, stopGrace, drainGrace, clock], [["web1"], 1_000, 2_000, scene.clock]);
  assert.equal(signal, scene.end.signal);
  const { session } = scene.answer(fields());
  const { PATH, LANG, ...own } = environment;
  assert.ok(PATH !== undefined && LANG !== undefined);
  assert.deepEqual(own, {
    CB_IDENTITY: "web1",
    CB_CHANNEL: "default",
    CB_TAGS: "eu,web",
    CB_COMMAND: "reload",
    CB_SESSION: hex(session.id),
    CB_STATION: session.station.name,
  });
});

for (const [ofStation, ofAgent, limit] of [
  [undefined, undefined, undefined],
  [5_000, undefined, 5_000],
  [undefined, 7_000, 7_000],
  [5_000, 7_000, 5_000],
  [9_000, 7_000, 7_000],
]) {
  test(`Responder limits a command to ${limit} ms of the station's ${ofStation} and its own ${ofAgent}`, async () => {
    const scene = new Scene();
    scene.timeLimit = ofAgent;
    await scene.respond(fields({ limit: ofStation }));
    assert.equal(scene.executions[0]?.options.timeLimit, limit);
  });
}

test("Responder limits a command to the time of its manifest, where that is the shortest", async () => {
  const limitWith = async (
    timeout: number | undefined,
    ofStation: number | undefined,
    ofAgent: number | undefined,
  ) => {
    const scene = new Scene();
    scene.executor = { ...RELOAD, manifest: { ...MANIFEST, timeout } };
    scene.timeLimit = ofAgent;
    await scene.respond(fields({ limit: ofStation }));
    return scene.executions[0]?.options.timeLimit;
  };
  assert.equal(await limitWith(3_000, 5_000, 7_000), 3_000);
  assert.equal(await limitWith(9_000, 5_000, 7_000), 5_000);
  assert.equal(await limitWith(9_000, undefined, 7_000), 7_000);
  assert.equal(await limitWith(9_000, undefined, undefined), 9_000);
  assert.equal(await limitWith(undefined, undefined, undefined), undefined);
});

test("Responder gives the command its parameters under both names, and what its manifest sets, secrets too", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "cb-responder-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "key"), "s3cret\n", { mode: 0o600 });
  const scene = new Scene();
  const environment = new Map<string, EnvironmentEntry>([
    ["LANG", "de_DE.UTF-8"],
    ["KEY", { credential: "key" }],
  ]);
  const values = new Map([["TARGET", ["a", "b"]]]);
  scene.executor = { ...RELOAD, manifest: { ...MANIFEST, environment }, values };
  scene.environment = { CREDENTIALS_DIRECTORY: directory, REDIS_PASSWORD: "hidden" };
  await scene.respond(fields({ parameters: fieldMap({ target: "a,b" }) }));
  const given = scene.executions[0]?.options.environment ?? assert.fail();
  assert.deepEqual(Object.keys(given).sort(), [
    "CB_CHANNEL",
    "CB_COMMAND",
    "CB_IDENTITY",
    "CB_PARAM_TARGET",
    "CB_SESSION",
    "CB_STATION",
    "CB_TAGS",
    "EXECUTOR_CONFIG_TARGET",
    "KEY",
    "LANG",
    "PATH",
  ]);
  const { KEY, LANG, CB_PARAM_TARGET, EXECUTOR_CONFIG_TARGET } = given;
  assert.deepEqual([KEY, LANG], ["s3cret", "de_DE.UTF-8"]);
  assert.deepEqual([CB_PARAM_TARGET, EXECUTOR_CONFIG_TARGET], ['["a", "b"]', '["a", "b"]']);
});

test("Responder logs the names of parameters, and none of their values", async () => {
  const scene = new Scene();
  const parameters = fieldMap({ target: "v4lue", Port: "v4lue" });
  await scene.respond(fields({ parameters }));
  assert.deepEqual(scene.record("command")["parameters"], ["Port", "target"]);
  assert.doesNotMatch(JSON.stringify(scene.logged), /v4lue/);
  assert.deepEqual(scene.deeds, ["find reload Port target", "sync", "execute"]);
});

test("Responder starts nothing whose secret cannot be had, and says why to its log alone", async () => {
  const scene = new Scene();
  const environment = new Map([["KEY", { file: "/nowhere/key" }]]);
  scene.executor = { ...RELOAD, manifest: { ...MANIFEST, environment } };
  await scene.respond(fields());
  assertNotRun(scene, "not-started", "the environment of its manifest cannot be had");
  assert.deepEqual(scene.deeds, ["find reload"]);
  assert.equal(
    scene.record("not-started")["reason"],
    'Cannot read "/nowhere/key": no such file or directory',
  );
});

test("Responder passes on a bug of the environment as what it is", async () => {
  const scene = new Scene();
  scene.executor = { ...RELOAD, manifest: { ...MANIFEST, environment: undefined as never } };
  await assert.rejects(scene.respond(fields()), TypeError);
  assert.equal(scene.slots.running, 0);
});

test("Responder says that a command waits, and later that it runs", async () => {
  const scene = new Scene();
  const release = await scene.slots.take(name("other"), scene.end.signal);
  const responding = scene.respond(fields(), true);
  assert.deepEqual(scene.deeds, []);
  scene.steps = [output("stdout", "at last"), ENDED];
  release?.();
  await responding;
  assert.deepEqual(scene.hello.disposition, { is: "queued" });
  const [, state, ...rest] = scene.replies;
  assert.deepEqual(state, { type: "state", state: "running" });
  assert.deepEqual(
    rest.map(({ type }) => type),
    ["output", "exit"],
  );
  assert.equal(scene.slots.running, 0);
});

const NEVER_RAN = { status: undefined, signal: undefined, runTime: 0, stdout: 0, stderr: 0, dropped: 0 };

/** Asserts that the station and the log are told, that nothing ran, and that the slot is free. */
function assertNotRun(scene: Scene, ending: string, detail: string | undefined): void {
  assert.deepEqual(scene.exit, { type: "exit", ending, detail, leftOpen: false, ...NEVER_RAN });
  assert.equal(scene.replies.length, 2, "not said to be running");
  const { ending: logged, detail: why } = scene.record("command");
  assert.deepEqual([logged, why], [ending, detail]);
  assert.ok(!scene.deeds.includes("execute"));
  assert.equal(scene.slots.running, 0);
}

test("Responder says why a command never starts whose turn does not come", async () => {
  const scene = new Scene();
  scene.clock.now -= HOUR;
  await scene.respond(fields());
  assertNotRun(scene, "never-started", "the agent's clock was changed");
  assert.deepEqual(scene.deeds, []);
});

/** The fields of a run that is held, for an hour if nothing is said. */
function held(until = ISSUED + HOUR): CborMap {
  return fields({ "hold-until": until });
}

test("Responder holds a run without a slot until it is released, and then says that it runs", async () => {
  const scene = new Scene();
  const hold = new Hold();
  scene.steps = [output("stdout", "at last"), ENDED];
  const responding = scene.responder.respond(scene.answer(held()), scene.end.signal, hold);
  await settle();
  assert.deepEqual(scene.hello.disposition, { is: "held" });
  assert.deepEqual([scene.slots.running, scene.deeds], [0, []]);
  scene.clock.now += HOUR / 2; // long after the request has expired
  hold.end(undefined);
  await responding;
  const [, state, ...rest] = scene.replies;
  assert.deepEqual(state, { type: "state", state: "running" });
  assert.deepEqual(
    rest.map(({ type }) => type),
    ["output", "exit"],
  );
  assert.deepEqual(scene.deeds, ["find reload", "sync", "execute"]);
  assert.equal(scene.slots.running, 0);
});

test("Responder says of a released run that it waits its turn, where it must", async () => {
  const scene = new Scene();
  const hold = new Hold();
  const release = await scene.slots.take(name("other"), scene.end.signal);
  const responding = scene.responder.respond(scene.answer(held()), scene.end.signal, hold);
  hold.end(undefined);
  await settle();
  assert.deepEqual(scene.deeds, []);
  release?.();
  await responding;
  const states = scene.replies.flatMap((reply) => (reply.type === "state" ? [reply.state] : []));
  assert.deepEqual(states, ["queued", "running"]);
  assert.equal(scene.exit.ending, "exited");
});

test("Responder does not start a released run whose time to be held is over by its clock", async () => {
  const scene = new Scene();
  const hold = new Hold();
  const responding = scene.responder.respond(scene.answer(held(EXPIRES)), scene.end.signal, hold);
  await settle();
  scene.clock.now = EXPIRES;
  hold.end(undefined);
  await responding;
  assertNotRun(scene, "never-started", "its turn did not come while the request was valid");
});

test("Responder says why what it held was never released", async () => {
  const scene = new Scene();
  const hold = new Hold();
  hold.end("too late");
  await scene.responder.respond(scene.answer(held()), scene.end.signal, hold);
  assertNotRun(scene, "never-released", "too late");
});

test("Responder confirms the end of a command that was cancelled before its turn", async () => {
  const scene = new Scene();
  const release = await scene.slots.take(name("other"), new AbortController().signal);
  const responding = scene.respond(fields(), true);
  scene.end.abort("cancelled");
  await responding;
  release?.();
  assertNotRun(scene, "cancelled", undefined);
});

for (const [reason, detail] of [
  ["manifest", "its manifest could not be used any more when its turn came"],
  ["parameters", "its manifest did not take the parameters any more when its turn came"],
] as const) {
  test(`Responder reads the manifest again when a command's turn comes: ${reason}`, async () => {
    const scene = new Scene();
    scene.executor = { found: false, reason, detail: "line 3" };
    await scene.respond(fields(), true);
    assertNotRun(scene, "not-started", detail);
    assert.equal(scene.record("not-started")["reason"], "line 3");
  });
}

for (const queued of [false, true]) {
  test(`Responder does not start what is no longer there when its turn comes (queued: ${queued})`, async () => {
    const scene = new Scene();
    scene.executor = { found: false, reason: "no-such-command", detail: "none" };
    await scene.respond(fields(), queued);
    assertNotRun(scene, "not-started", "no such command when its turn came");
    assert.deepEqual(scene.deeds, ["find reload"]);
  });

  test(`Responder does not start what it cannot record, and says so in its log (queued: ${queued})`, async () => {
    const scene = new Scene();
    scene.journalFailure = new Error("no space left on device");
    await scene.respond(fields(), queued);
    assertNotRun(scene, "state", undefined);
    assert.deepEqual(scene.deeds, ["find reload", "sync"]);
    assert.match(String(scene.record("journal-unwritable")["reason"]), /no space left on device/);
  });
}

const endings: readonly ExecutionEnd[] = [
  { ...ENDED, status: 3 },
  { ...ENDED, reason: "time-limit", status: 0 },
  { ...ENDED, reason: "stopped", status: undefined, signal: "SIGTERM" },
  { ...ENDED, reason: "cancelled", status: undefined, signal: "SIGKILL" },
  { ...ENDED, reason: "not-started", status: undefined, detail: "exec format error", runTime: 0 },
];

for (const end of endings) {
  test(`Responder passes on and logs that a command has ended: ${end.reason}`, async () => {
    const scene = new Scene();
    scene.steps = [end];
    await scene.respond(fields());
    const { ending, status, signal, detail } = scene.exit;
    assert.deepEqual([ending, status, signal, detail], [end.reason, end.status, end.signal, end.detail]);
    const { session } = scene.answer(fields());
    assert.deepEqual(scene.record("command"), {
      event: "command",
      session: hex(session.id),
      station: session.station.name,
      command: "reload",
      ending,
      status,
      signal,
      seconds: Math.round(end.runTime) / 1000,
      detail,
    });
  });
}

test("Responder logs output where it was told to, and only there", async () => {
  const scene = new Scene();
  scene.steps = [output("stderr", "oops\n"), ENDED];
  await scene.respond(fields());
  assert.ok(scene.logged.every(({ event }) => event !== "output"));
  scene.logCommandOutput = true;
  await scene.respond(fields());
  assert.deepEqual(scene.record("output"), {
    event: "output",
    command: "reload",
    stream: "stderr",
    text: "oops",
  });
});

test("Responder says and logs how much output was dropped, since the station had gone", async () => {
  const scene = new Scene();
  scene.isStationThere = false;
  const texts = ["heard", "perhaps heard", "not heard"];
  const [heard = assert.fail(), ...others] = texts.map((text) => output("stdout", text));
  const total = texts.join("").length;
  const goes = () => (scene.clock.up += STATION_GONE);
  scene.steps = [heard, goes, ...others, { ...ENDED, bytes: { stdout: total, stderr: 0 } }];
  await scene.respond(fields());
  const { dropped } = scene.exit;
  assert.ok(dropped > 0);
  const arrived = scene.replies.flatMap((reply) => (reply.type === "output" ? reply.data.length : []));
  assert.equal(arrived.reduce((sum, length) => sum + length, 0) + dropped, total);
  assert.deepEqual(scene.record("output-dropped"), { event: "output-dropped", bytes: dropped });
});

test("Responder lets a command run to its end though the hub refuses the replies, and throws why", async () => {
  const scene = new Scene();
  scene.hubFailure = new CbError("hub", "Cannot push replies to Redis: NOPERM");
  scene.steps = [output("stdout", "unheard"), () => void scene.deeds.push("ran to its end"), ENDED];
  await assert.rejects(scene.respond(fields()), /NOPERM/);
  assert.equal(scene.deeds.at(-1), "ran to its end");
  assert.equal(scene.record("command")["ending"], "exited");
  assert.equal(scene.slots.running, 0);
});

test("Responder gives the slot back when an execution fails by a bug, and throws it", async () => {
  for (const steps of [[], [() => assert.fail("struck")]]) {
    const scene = new Scene();
    scene.steps = steps;
    await assert.rejects(scene.respond(fields()), /without its end|struck/);
    assert.equal(scene.slots.running, 0);
    assert.equal(scene.replies.length, 1);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { NamePattern } from "../../src/core/name-pattern.ts";
import { foldNames } from "../../src/core/name-set.ts";
import type { Identity } from "../../src/core/names.ts";
import { utf8 } from "../../src/protocol/bytes.ts";
import type { AgentPublicKey } from "../../src/protocol/keys.ts";
import {
  DECLINATIONS,
  type Disposition,
  ENDINGS,
  type Exit,
  type Hello,
  REFUSALS,
  type Stream,
} from "../../src/protocol/reply.ts";
import type { Request } from "../../src/protocol/request.ts";
import type { RollCall } from "../../src/station/attendance.ts";
import { judge } from "../../src/station/outcome.ts";
import { FAULTS, type FaultEvent, type ReplyEvent } from "../../src/station/reply-reader.ts";
import { Roster } from "../../src/station/roster.ts";
import { newSession, type Session } from "../../src/station/session.ts";
import { verdictSoFar } from "../../src/station/verdict.ts";
import { exit, hello, id, listRequest, NOW, pingRequest, runRequest, target } from "./scene.ts";

const WAITS = { helloWait: 2000, replyWait: 120_000, minimumWait: 4000, isMinimumExplicit: false };

type Facts = {
  readonly request?: Request;
  readonly end?: Session["end"];
  readonly elapsed?: number;
  readonly rollCall?: Partial<RollCall>;
  readonly fateOf?: Parameters<typeof judge>[6];
  /** By the hub; default: as many as answered. */
  readonly counted?: number;
};

const NOBODY = 'nobody answered: nobody listens on channel "default"';

/** The outcome of a session in which these events came, while our clock showed `NOW`. */
function outcomeOf(events: readonly ReplyEvent[], facts: Facts = {}) {
  const { request, end, elapsed } = { request: runRequest(), end: "waited" as const, elapsed: 50, ...facts };
  const roster = new Roster();
  for (const event of events) roster.record(event, 1, NOW);
  const isMeant = ({ hello: { disposition } }: { hello: Hello }) => disposition.is !== "not-targeted";
  const addressed = roster.agents.filter(isMeant).length;
  const answered = roster.agents.length;
  const counted = facts.counted ?? answered;
  const session = { ...newSession(0, counted, 0), answered, addressed, end };
  const rollCall = { missing: [], newcomers: [], failMissing: false, now: NOW, ...facts.rollCall };
  return judge(request, roster, session, WAITS, elapsed, rollCall, facts.fateOf);
}

function says(identity: string, disposition: Disposition = { is: "running" }, time = NOW): ReplyEvent {
  return { kind: "hello", hello: hello(identity, { disposition, time }) };
}

function ends(identity: string, changes: Partial<Exit> = {}): ReplyEvent {
  return { kind: "exit", identity: id(identity), exit: exit(changes) };
}

function fault(name: FaultEvent["fault"], identity?: string, detail?: string): ReplyEvent {
  return { kind: "fault", fault: name, identity: identity === undefined ? undefined : id(identity), detail };
}

/** A command that ended by itself. */
function ran(identity: string, status = 0): readonly ReplyEvent[] {
  return [says(identity), ends(identity, { status })];
}

/** Asserts status and sentences of one agent that said hello, `web1`. */
function judged(
  events: readonly ReplyEvent[],
  status: number,
  sentences: readonly string[],
  facts?: Facts,
): void {
  const outcome = outcomeOf(events, facts);
  assert.deepEqual([outcome.status, outcome.problems], [status, sentences]);
}

test("judge() gives 0, and no sentence, where every agent that was asked ran the command, which exited 0", () => {
  const outcome = outcomeOf([...ran("web1"), ...ran("web2"), says("db1", { is: "not-targeted" })]);
  const { status, problems, summary } = outcome;
  assert.deepEqual(
    { status, problems, summary },
    { status: 0, problems: [], summary: "2 agents · 2 ok · 0.05 s" },
  );
});

test("judge() gives +4 for a command that failed in any way", () => {
  const rows: readonly (readonly [Partial<Exit>, string])[] = [
    [{ status: 3 }, "web1: exit status 3 after 1.23 s"],
    [{ status: 255, runTime: 0 }, "web1: exit status 255 after 0.00 s"],
    [{ ending: "signalled", signal: "SIGKILL" }, "web1: ended by SIGKILL after 1.23 s"],
    [{ ending: "signalled" }, "web1: ended by a signal after 1.23 s"],
    [{ ending: "time-limit", runTime: 90_000 }, "web1: ended at its time limit after 90.0 s"],
    [{ ending: "stopped" }, "web1: ended because its agent was stopped after 1.23 s"],
    [{ ending: "cancelled" }, "web1: cancelled after 1.23 s"],
  ];
  for (const [changes, sentence] of rows) {
    judged([says("web1"), ends("web1", { status: undefined, ...changes })], 4, [sentence]);
  }
});

test("judge() does not take an ending for well because a status of 0 comes with it", () => {
  for (const ending of ENDINGS.filter((word) => word !== "exited")) {
    const { status, problems } = outcomeOf([says("web1"), ends("web1", { ending, status: 0 })]);
    assert.ok(status > 0 && problems.length === 1, ending);
  }
});

test("judge() gives +8 for agents that run or wait and have said nothing for the reply wait", () => {
  const facts = { end: "reply-wait-expired" } as const;
  judged(
    [says("web1")],
    8,
    ["web1 is running and said nothing for 120.0 s, its command may still run"],
    facts,
  );
  judged(
    [says("web1", { is: "queued" }), ...ran("web2")],
    8,
    ["web1 is queued and said nothing for 120.0 s, its command may still run"],
    facts,
  );
});

test("judge() names who still runs when the operator did not wait for the end", () => {
  const left = { end: undefined } as const;
  const rest = "asked to end and may still run";
  judged(
    [says("web1"), ...ran("web2")],
    0,
    [`web1 was still running when cb left: its command was ${rest}`],
    left,
  );
  judged(
    [says("web1"), says("web2"), says("web3", { is: "queued" })],
    0,
    [
      `web[1-2] (2 agents) were still running when cb left: their commands were ${rest}`,
      `web3 was still queued when cb left: its command was ${rest}`,
    ],
    left,
  );
  const held = says("web1", { is: "held" });
  judged([held], 0, [`web1 was told to start, not heard since: its command was ${rest}`], left);
  const runs: ReplyEvent = { kind: "state", identity: id("web1"), state: "running" };
  judged([held, runs], 0, [`web1 was still running when cb left: its command was ${rest}`], left);
});

test("judge() says what an agent did not end in words that fit one agent and several", () => {
  const trouble = (end: "interrupted" | "reply-wait-expired" | undefined) =>
    outcomeOf([says("web1")], { end }).agents.map((agent) => agent.trouble);
  assert.deepEqual(trouble(undefined), ["still running when cb left"]);
  assert.deepEqual(trouble("interrupted"), ["cancel not confirmed"]);
  assert.deepEqual(trouble("reply-wait-expired"), ["running and said nothing for 120.0 s"]);
});

test("judge() gives +16 for a refusal of any reason, with the reason in words", () => {
  const rows: Readonly<Record<(typeof REFUSALS)[number], string>> = {
    clock: "it found the request not fresh",
    version: "its cb 0.1.0 does not understand this request",
    malformed: "it cannot read this request",
    forbidden: 'this base station key may not run "reload"',
    "no-such-command": 'no such command "reload"',
    masked: 'command "reload" is masked by a link to /dev/null',
    "not-a-file": 'command "reload" is not a regular file',
    "not-executable": 'command "reload" is not executable',
    "writable-by-others": 'command "reload" or its directory can be written by others',
    "outside-run-directory": 'command "reload" is a link that leaves the run-directory',
    manifest: 'the manifest of "reload" cannot be used',
    parameters: 'command "reload" cannot be run with these parameters',
    state: "state directory not writable",
    gone: "it was restarted before its turn came, and does not know the command any more",
  };
  assert.deepEqual(Object.keys(rows), [...REFUSALS]);
  for (const reason of REFUSALS) {
    judged([says("web1", { is: "refused", reason })], 16, [`web1 refused: ${rows[reason]}`]);
  }
});

test("judge() says of a clock how far it is off, as it was when the agent was heard", () => {
  const clock = (detail: string, time: number) =>
    judged([says("web1", { is: "refused", reason: "clock", detail, bound: time }, time)], 16, [
      `web1 refused: its clock is 600 s ${time < NOW ? "behind" : "ahead"}`,
    ]);
  clock("future", NOW - 600_000);
  clock("expired", NOW + 600_000);
});

test("judge() passes on what an agent gives as its reason, made harmless", () => {
  const hostile = "x\u001b]0;y\u0007";
  const refused = (reason: "version" | "malformed" | "clock" | "manifest" | "parameters") =>
    outcomeOf([says("web1", { is: "refused", reason, detail: hostile })]).problems[0];
  assert.equal(refused("version"), "web1 refused: its cb 0.1.0 does not understand this request, x^[]0;y^G");
  assert.equal(refused("malformed"), "web1 refused: it cannot read this request, x^[]0;y^G");
  assert.equal(refused("clock"), "web1 refused: it found the request not fresh (x^[]0;y^G)");
  assert.equal(refused("manifest"), 'web1 refused: the manifest of "reload" cannot be used, x^[]0;y^G');
  assert.equal(
    refused("parameters"),
    'web1 refused: command "reload" cannot be run with these parameters, x^[]0;y^G',
  );
  judged([says("web1"), ends("web1", { ending: "signalled", signal: "\u001b[2J" })], 4, [
    "web1: ended by ^[[2J after 1.23 s",
  ]);
  const notStarted = { ending: "not-started", detail: hostile } as const;
  judged([says("web1"), ends("web1", notStarted)], 16, ['web1 could not start "reload": x^[]0;y^G']);
});

test("judge() gives +16 for a command that could not be started or recorded", () => {
  const rows = [
    [{ ending: "not-started", detail: "permission denied" }, 'could not start "reload": permission denied'],
    [{ ending: "state" }, "did not run the command: state directory not writable"],
  ] as const;
  for (const [changes, sentence] of rows) {
    judged([says("web1"), ends("web1", changes)], 16, [`web1 ${sentence}`]);
  }
});

test("judge() gives +64 for what was not run though nothing is broken", () => {
  for (const reason of DECLINATIONS)
    judged([says("web1", { is: "declined", reason })], 64, [`web1 declined: ${reason}`]);
  judged(
    [
      says("web1", { is: "queued" }),
      ends("web1", { ending: "never-started", detail: "the agent is stopping" }),
    ],
    64,
    ["web1 never started the command: the agent is stopping"],
  );
  judged([], 64, [NOBODY]);
  judged([], 64, [NOBODY], { request: pingRequest() });
});

test("judge() gives +64 for those that the hub counted and that did not answer", () => {
  const [later, unknown] = [
    "they may not know our keys, or run the command later, their logs tell",
    "they may not know our keys, their logs tell",
  ];
  judged(ran("web1"), 64, [`2 of 3 that listen did not answer: ${later}`], { counted: 3 });
  judged([], 64, ["nobody answered", `1 of 1 that listen did not answer: ${later}`], { counted: 1 });
  const ping = { request: pingRequest(), counted: 2 };
  judged([says("web1", { is: "present" })], 64, [`1 of 2 that listen did not answer: ${unknown}`], ping);
  judged(ran("web1"), 0, [], { counted: 1 });
  judged(ran("web1"), 0, [], { counted: 3, end: undefined });
  // Above 1 000 known agents those that are not meant stay silent.
  judged(ran("web1"), 0, [], { counted: 3, request: runRequest({ target: target("web"), census: false }) });
  const web2 = says("web2", { is: "not-targeted" });
  const tagged = { request: runRequest({ target: target("db"), census: true }), counted: 2 };
  const none = "no agent that answered has the tag db (1 agent answered)";
  judged([web2], 64, [none, `1 of 2 that listen did not answer: ${later}`], tagged);
});

test("verdictSoFar() is what judge() says in the end of one that has said all it has to say", () => {
  const dispositions: readonly Disposition[] = [
    { is: "present" },
    { is: "not-targeted" },
    ...DECLINATIONS.map((reason) => ({ is: "declined", reason }) as const),
    ...REFUSALS.map((reason) => ({ is: "refused", reason }) as const),
  ];
  const stories = [
    ...dispositions.map((disposition) => [says("web1", disposition)]),
    ...ENDINGS.flatMap((ending) => [0, 1].map((status) => [says("web1"), ends("web1", { ending, status })])),
    [says("web1"), { ...fault("malformed", "web1"), silences: "run" } as ReplyEvent],
    [says("web1", { is: "held" }), { kind: "gone", identity: id("web1") } as const],
  ];
  for (const events of stories) {
    const roster = new Roster();
    for (const event of events) roster.record(event, 1, NOW);
    const [agent] = roster.agents;
    assert.equal(agent && verdictSoFar(agent), outcomeOf(events).agents[0]?.verdict, JSON.stringify(events));
  }
  const roster = new Roster();
  for (const is of ["running", "queued", "held"] as const) roster.record(says(is, { is }), 1, NOW);
  assert.deepEqual(roster.agents.map(verdictSoFar), [undefined, undefined, undefined]);
});

test("judge() calls nobody unheard whom the session did not wait for: it ends with the last one that was named", () => {
  const request = runRequest({ target: { identities: ["web1", "web2"] as NamePattern[] }, census: true });
  const refused = { is: "refused", reason: "no-such-command" } as const;
  const session = { ...newSession(0, 49, 2, 2), answered: 16, addressed: 2, unheardNames: 0 };
  const rollCall = { missing: [], newcomers: [], failMissing: false, now: NOW };
  const roster = new Roster();
  for (const name of ["web1", "web2"]) roster.record(says(name, refused), 180, NOW);
  const judgedAs = (facts: Partial<Session>) =>
    judge(request, roster, { ...session, ...facts }, WAITS, 180, rollCall);
  const told = judgedAs({ end: "all-heard" });
  const sentence = 'web[1-2] (2 agents) refused: no such command "reload"';
  assert.deepEqual([told.status, told.problems], [16, [sentence]]);
  // One of them is waited for, and so is everybody: for the whole time, whatever ends the session.
  assert.equal(judgedAs({ end: "waited", unheardNames: 1 }).status, 16 + 64);
});

test("judge() gives +64 where agents answered and none was meant, and says what was asked for", () => {
  const web1 = says("web1", { is: "not-targeted" });
  const web2 = says("web2", { is: "not-targeted" });
  const request = runRequest({ target: target("db", "eu") });
  judged([web1], 64, ["no agent has the tags db,eu (1 agent answered)"], { request });
  judged([web1, web2], 64, ["no agent has the tags db,eu (2 agents answered)"], { request });
  judged([web1], 64, ["no agent was meant (1 agent answered)"]);
});

test("judge() gives +32 for every fault of a reply, with who and how often", () => {
  const rows: Readonly<Record<(typeof FAULTS)[number], readonly [once: string, twice: string]>> = {
    foreign: [
      "1 item in the reply list, not from any agent of this network",
      "2 items in the reply list, not from any agent of this network",
    ],
    "no-hello": ["1 reply without a hello before", "2 replies without a hello before"],
    "too-many": ["1 hello too many", "2 hellos too many"],
    altered: ["1 reply altered on the way", "2 replies altered on the way"],
    gap: ["replies lost on the way", "replies lost on the way"],
    malformed: ["1 reply not well-formed", "2 replies not well-formed"],
    "wrong-challenge": ["1 reply to another request", "2 replies to another request"],
    "bad-signature": ["1 reply with a bad signature", "2 replies with a bad signature"],
    "pin-mismatch": [
      "an agent answers with another key than the one pinned",
      "an agent answers with another key than the one pinned",
    ],
    "not-targeted": ["answer that does not fit the target", "answer that does not fit the target"],
    conflict: ["identity conflict", "identity conflict"],
    "out-of-order": ["1 reply out of order", "2 replies out of order"],
    hole: ["output incomplete", "output incomplete"],
    incomplete: ["output incomplete", "output incomplete"],
  };
  assert.deepEqual(Object.keys(rows), [...FAULTS]);
  for (const name of FAULTS) {
    const [once, twice] = rows[name];
    judged([...ran("web1"), fault(name)], 32, [once]);
    judged([...ran("web1"), fault(name), fault(name)], 32, [twice]);
    if (name === "conflict" || name === "pin-mismatch") continue;
    judged([...ran("web1"), fault(name, "web1", "why")], 32, [`${once} from web1: why`]);
  }
  judged([...ran("web1"), fault("conflict", "web1", "two agents call themselves web1")], 32, [
    "identity conflict: two agents call themselves web1",
  ]);
  judged([...ran("web1"), fault("pin-mismatch", "web2", "01, not 02")], 32, [
    "web2 answers with another key than the one pinned: 01, not 02",
  ]);
});

test("judge() calls an agent failed that a fault made worthless, and does not wait for it", () => {
  const silenced: ReplyEvent = { kind: "fault", fault: "malformed", identity: id("web1"), silences: "run" };
  const outcome = outcomeOf([says("web1"), silenced], { end: "reply-wait-expired" });
  const { status, problems, summary } = outcome;
  assert.deepEqual([status, problems], [32, ["1 reply not well-formed from web1"]]);
  assert.equal(summary, "1 agent · 1 failed · 0.05 s");
});

test("judge() adds the bits up, agents first and in the order of their names", () => {
  const outcome = outcomeOf(
    [
      says("web4"),
      ...ran("web3", 1),
      ...ran("web5"),
      says("web2", { is: "refused", reason: "forbidden" }),
      says("web1", { is: "declined", reason: "busy" }),
      fault("foreign"),
    ],
    { end: "reply-wait-expired", elapsed: 120_345 },
  );
  assert.equal(outcome.status, 4 + 8 + 16 + 32 + 64);
  assert.deepEqual(
    outcome.problems.map((sentence) => sentence.split(/[ :]/)[0]),
    ["web1", "web2", "web3", "web4", "1"],
  );
  assert.equal(
    outcome.summary,
    "5 agents · 1 ok · 1 failed · 1 refused · 1 not run · 1 unfinished · 120.3 s",
  );
});

test("judge() adds each bit once, however many agents have it", () => {
  const many = [...ran("web1", 1), ...ran("web2", 2), ...ran("web3", 3)];
  assert.equal(outcomeOf(many).status, 4);
  assert.equal(outcomeOf(many).problems.length, 3);
});

/** What an agent printed. */
function prints(identity: string, text: string, stream: Stream = "stderr"): ReplyEvent {
  return { kind: "output", identity: id(identity), stream, data: utf8(text) };
}

test("judge() says why a command failed: by its last words, those of standard error first", () => {
  const failed = (identity: string, ...printed: readonly ReplyEvent[]) => {
    return [says(identity), ...printed, ends(identity, { status: 100 })];
  };
  const reason = "E: Unable to locate package nginz";
  const one = "web1: exit status 100 after 1.23 s";
  judged(failed("web1", prints("web1", `first\n${reason}\n\n`), prints("web1", "out\n", "stdout")), 4, [
    `${one}: first / ${reason}`,
  ]);
  judged(failed("web1", prints("web1", "\n"), prints("web1", "no stderr", "stdout")), 4, [
    `${one}: no stderr`,
  ]);
  judged(failed("web1"), 4, [one]);
  judged(
    [
      ...failed("web1", prints("web1", reason)),
      ...failed("web2", prints("web2", "x")),
      ...failed("web3", prints("web3", reason)),
    ],
    4,
    [`web[1,3] (2 agents): exit status 100: ${reason}`, "web2: exit status 100 after 1.23 s: x"],
  );
});

test("judge() gives no last words for a reason where the command did not fail by itself", () => {
  const ended = (changes: Partial<Exit>, stream: Stream = "stderr") => {
    return outcomeOf([says("web1"), prints("web1", "words", stream), ends("web1", changes)]).problems[0];
  };
  assert.match(ended({ status: undefined, ending: "signalled" }, "stdout") ?? "", / s$/);
  assert.match(ended({ status: undefined, ending: "signalled" }) ?? "", /: words$/);
  assert.match(ended({ status: undefined, ending: "time-limit" }) ?? "", /: words$/);
  assert.equal(ended({ status: undefined, ending: "cancelled" }), "web1: cancelled after 1.23 s");
  assert.equal(ended({ status: 0 }), undefined);
});

test("judge() says once of several agents what is the same of them", () => {
  const refused = { is: "refused", reason: "masked" } as const;
  const events = [says("web1", refused), says("web3"), says("web2", refused), says("web4")];
  assert.deepEqual(outcomeOf(events, { end: "reply-wait-expired" }).problems, [
    'web[1-2] (2 agents) refused: command "reload" is masked by a link to /dev/null',
    "web[3-4] (2 agents) are running and said nothing for 120.0 s, their commands may still run",
  ]);
  const lastSeen = NOW - DAY;
  const missing = ["web8", "web9"].map((name) => ({ identity: id(name), lastSeen }));
  assert.deepEqual(outcomeOf([...ran("web1")], { rollCall: { missing } }).remarks, [
    "web[8-9] (2 agents) are missing, last seen 1 day ago",
  ]);
});

test("judge() remarks on what is no failure: processes left behind, and replies that came twice", () => {
  const repeat: ReplyEvent = { kind: "repeat", identity: id("web1") };
  const left = [says("web1"), ends("web1", { leftOpen: true })];
  const one = outcomeOf([...left, repeat]);
  assert.deepEqual([one.status, one.problems], [0, []]);
  assert.deepEqual(one.remarks, [
    "web1: a process that the command left behind still held its output",
    "1 reply came more than once, shown once",
  ]);
  assert.deepEqual(outcomeOf([...ran("web1"), repeat, repeat]).remarks, [
    "2 replies came more than once, shown once",
  ]);
});

const DAY = 86_400_000;
const MISSING = [
  { identity: id("web8"), lastSeen: NOW - 2 * DAY - 5 },
  { identity: id("web9"), lastSeen: NOW - 59_999 },
];
const MISSED = ["web8 is missing, last seen 2 days ago", "web9 is missing, last seen 59 seconds ago"];

test("judge() names missing agents as a remark, or with --fail-missing as a failure of +2", () => {
  const plain = outcomeOf(ran("web1"), { rollCall: { missing: MISSING } });
  assert.deepEqual([plain.status, plain.problems, plain.remarks], [0, [], MISSED]);
  const failing = outcomeOf(ran("web1"), { rollCall: { missing: MISSING, failMissing: true } });
  assert.deepEqual([failing.status, failing.problems, failing.remarks], [2, MISSED, []]);
  for (const { summary } of [plain, failing]) assert.equal(summary, "3 agents · 1 ok · 2 missing · 0.05 s");
  assert.equal(outcomeOf(ran("web1"), { rollCall: { failMissing: true } }).status, 0);
});

test("judge() counts an agent that was named and is missing as +64, and with --fail-missing as +2 if it is known", () => {
  const named = MISSING.map((agent) => ({ ...agent, isNamed: true }));
  const stranger = { identity: id("web7"), lastSeen: undefined, isNamed: true };
  const said = [
    "web7 did not answer, not known here",
    "web8 did not answer, last seen 2 days ago",
    "web9 is missing, last seen 59 seconds ago",
  ];
  const missing = [stranger, ...named.slice(0, 1), ...MISSING.slice(1)];
  const plain = outcomeOf(ran("web1"), { rollCall: { missing } });
  assert.deepEqual([plain.status, plain.problems, plain.remarks], [64, said.slice(0, 2), said.slice(2)]);
  const failing = outcomeOf(ran("web1"), { rollCall: { missing, failMissing: true } });
  assert.deepEqual([failing.status, failing.problems, failing.remarks], [66, said, []]);
  const unknown = outcomeOf(ran("web1"), { rollCall: { missing: [stranger], failMissing: true } });
  assert.equal(unknown.status, 64);
});

test("judge() says where commands are shown if no agent at all has it, and what --to is for", () => {
  const none = (name: string) => says(name, { is: "refused", reason: "no-such-command" });
  const hints = (...events: readonly ReplyEvent[]) =>
    outcomeOf(events).remarks.filter((remark) => remark.startsWith("hint: "));
  const commands = ['hint: "cb station commands" shows which there are'];
  assert.deepEqual(hints(none("web1"), none("web2"), says("db1", { is: "not-targeted" })), commands);
  assert.deepEqual(hints(none("web1"), none("reload")), [
    "hint: reload is an agent, not a command: say whom you mean with --to",
  ]);
  assert.deepEqual(hints(none("web1"), ...ran("web2")), []);
  assert.deepEqual(hints(none("web1"), says("web2", { is: "refused", reason: "forbidden" })), []);
  assert.deepEqual(hints(says("db1", { is: "not-targeted" })), []);
});

test("judge() says what agents are too old for that refuse the version of a request", () => {
  const hints = (request: Request, ...events: readonly ReplyEvent[]) =>
    outcomeOf(events, { request }).remarks;
  const old = says("web1", { is: "refused", reason: "version" });
  const tags = "hint: agents of an older cb know tags alone: use those, or upgrade them";
  const named = { identities: ["web1" as NamePattern] };
  assert.deepEqual(hints(runRequest({ target: named }), old), [tags]);
  assert.deepEqual(hints(runRequest({ target: { ...target("eu"), identities: undefined } }), old), []);
  assert.deepEqual(hints(runRequest({ target: named }), ...ran("web1")), []);
  assert.deepEqual(hints(listRequest(), old), [
    "hint: agents of an older cb cannot list their commands: upgrade them",
  ]);
});

test("judge() says of an agent that could not list its commands why", () => {
  const events = [says("web1"), ends("web1", { ending: "not-started", status: undefined, detail: "why" })];
  judged(events, 16, ["web1 could not list its commands: why"], { request: listRequest() });
});

test("judge() says once that those who were named did not answer, and where nobody listens, that too", () => {
  const missing = [{ identity: id("web7"), lastSeen: undefined, isNamed: true }];
  const said = "web7 did not answer, not known here";
  const request = runRequest({ target: { identities: ["web7" as NamePattern] } });
  judged([], 64, [said], { request, rollCall: { missing }, counted: 1 });
  judged([], 64, [said, NOBODY], { rollCall: { missing } });
});

test("judge() counts fewer answers than were expected as +64, those of agents that were not meant for nothing", () => {
  const events = [...ran("web1"), ...ran("web2"), says("web3", { is: "not-targeted" })];
  assert.equal(outcomeOf(events, { rollCall: { expected: 2 } }).status, 0);
  const outcome = outcomeOf(events, { rollCall: { expected: 3 } });
  assert.deepEqual([outcome.status, outcome.problems], [64, ["2 agents answered, 3 were expected"]]);
  const refused = [says("web1", { is: "refused", reason: "masked" })];
  assert.equal(outcomeOf(refused, { rollCall: { expected: 1 } }).status, 16);
});

test("judge() gives 66 where nobody answered, known agents are missing and --fail-missing was given", () => {
  judged([], 66, [...MISSED, NOBODY], { rollCall: { missing: MISSING, failMissing: true } });
  judged([], 64, [NOBODY], { rollCall: { missing: MISSING } });
});

test("judge() says at the end which agents are new, folded, by ten names at most", () => {
  const names = Array.from({ length: 12 }, (_, number) => id(`web${number}`));
  const odd = Array.from("abcdefghijkl", id);
  const remarks = (count: number, others = 0) => {
    const newcomers = [...names.slice(0, count), ...odd.slice(0, others)];
    return outcomeOf(ran("web0"), { rollCall: { newcomers } }).remarks;
  };
  assert.deepEqual(remarks(0), []);
  assert.deepEqual(remarks(1), ["1 new agent: web0"]);
  assert.deepEqual(remarks(12), ["12 new agents: web[0-11]"]);
  assert.deepEqual(remarks(0, 10), [`10 new agents: ${odd.slice(0, 10).join(", ")}`]);
  assert.deepEqual(remarks(0, 12), [`12 new agents: ${odd.slice(0, 10).join(", ")}, … and 2 more`]);
});

test("judge() says once what may have run under a changed key, and how that is accepted", () => {
  const changed = [fault("pin-mismatch", "web1"), fault("pin-mismatch", "web2")];
  const { remarks } = outcomeOf(changed);
  assert.equal(remarks.length, 2);
  assert.match(
    remarks[0] ?? "",
    /^hint: .* may have run the command all the same; none of its output is shown$/,
  );
  assert.match(remarks[1] ?? "", /^hint: .*cb station agents accept NAME --fingerprint KEY$/);
});

test("judge() takes a changed key for a second agent of one name, where the agent itself has answered, too", () => {
  const agentKey = new Uint8Array(32).fill(7) as AgentPublicKey;
  const stranger: ReplyEvent = {
    kind: "fault",
    fault: "pin-mismatch",
    identity: id("web1"),
    detail: "01, not 02",
    agentKey,
  };
  const { problems, remarks } = outcomeOf([...ran("web1"), stranger]);
  assert.deepEqual(problems, ["identity conflict: two agents call themselves web1"]);
  assert.equal(remarks.length, 1);
});

test("judge() names those who did what they were asked, and only those", () => {
  const { successes } = outcomeOf([
    ...ran("web1"),
    ...ran("web2", 3),
    says("web3", { is: "declined", reason: "busy" }),
  ]);
  assert.equal(successes.length, 1);
  assert.match(successes[0] ?? "", /^web1: exit status 0 after \d/);
});

test("judge() calls everybody well who answers a ping", () => {
  const present = says("web1", { is: "present" });
  const outcome = outcomeOf([present], { request: pingRequest(), elapsed: 4 });
  const { status, problems, summary } = outcome;
  assert.deepEqual(
    { status, problems, summary },
    { status: 0, problems: [], summary: "1 agent · 1 ok · 0.00 s" },
  );
  const refused = says("web2", { is: "refused", reason: "version" });
  assert.equal(outcomeOf([present, refused], { request: pingRequest() }).status, 16);
});

test("judge() says once of all that were not released why, and gives +64", () => {
  const held = { is: "held" as const };
  const events = ["web1", "web2", "web3", "db1"].map((who) => says(who, held));
  const done = [
    ...events,
    ends("web1", { status: 3 }),
    ends("web3", { ending: "cancelled", status: undefined }),
  ];
  const why = "web1 failed";
  const fateOf = (identity: Identity) =>
    identity === "web1" ? undefined : ({ is: "not-released", why } as const);
  const outcome = outcomeOf(done, { fateOf });
  assert.equal(outcome.status, 4 + 64);
  assert.deepEqual(outcome.problems, [
    "web1: exit status 3 after 1.23 s",
    "not run on 3 agents, db1, web[2-3]: web1 failed",
  ]);
  assert.match(outcome.summary, /^4 agents · 1 failed · 3 not run · /);
  const [db1] = outcome.agents;
  assert.deepEqual([db1?.verdict, db1?.trouble], ["not run", "not run: web1 failed"]);
});

test("judge() believes an agent that was not released in what became of its run", () => {
  const fateOf = () => ({ is: "not-released", why: "web1 failed" }) as const;
  const never = ends("web2", { ending: "never-started", status: undefined, detail: "the agent is stopping" });
  const outcome = outcomeOf([says("web2", { is: "held" }), never], { fateOf });
  assert.deepEqual(outcome.problems, ["web2 never started the command: the agent is stopping"]);
});

test("judge() gives +8 for an agent that was released and fell silent, unless it has ended after all", () => {
  const fateOf = () => ({ is: "lost" }) as const;
  const events = [says("web1", { is: "held" })];
  const lost = outcomeOf(events, { fateOf });
  assert.equal(lost.status, 8);
  assert.deepEqual(lost.problems, [
    "web1 was released and said nothing for 120.0 s, its command may still run",
  ]);
  assert.equal(outcomeOf([...events, ends("web1")], { fateOf }).status, 0);
  assert.equal(outcomeOf([...events, ends("web1", { ending: "cancelled" })], { fateOf }).status, 4);
});

test("judge() gives +16 for an agent that has lost what it held", () => {
  const gone: ReplyEvent = { kind: "gone", identity: id("web1") };
  judged([says("web1", { is: "held" }), gone], 16, [
    "web1 refused: it was restarted before its turn came, and does not know the command any more",
  ]);
});

test("judge() says of an agent that is too old for a rollout that nothing runs there", () => {
  const request = runRequest({ holdUntil: NOW + 3_600_000 });
  judged(
    [says("web1", { is: "refused", reason: "version", detail: "this agent understands version 1" })],
    16,
    [
      "web1 refused: its cb 0.1.0 is too old to wait for its turn, so nothing runs there, this agent understands version 1",
    ],
    { request },
  );
});

/** What one agent may have done, and the bit of PROTOCOL.md §9 for it. */
type Story = readonly [bit: number, events: (identity: string) => readonly ReplyEvent[]];

const ENDING_BITS: Readonly<Record<(typeof ENDINGS)[number], number>> = {
  exited: 4,
  signalled: 4,
  "time-limit": 4,
  stopped: 4,
  cancelled: 4,
  "not-started": 16,
  state: 16,
  "never-started": 64,
  "never-released": 64,
};
const STORIES: readonly Story[] = [
  [0, (identity) => ran(identity)],
  [0, (identity) => [says(identity, { is: "not-targeted" })]],
  [8, (identity) => [says(identity)]],
  [8, (identity) => [says(identity, { is: "queued" })]],
  ...ENDINGS.map(
    (ending): Story => [ENDING_BITS[ending], (who) => [says(who), ends(who, { ending, status: 1 })]],
  ),
  ...REFUSALS.map((reason): Story => [16, (who) => [says(who, { is: "refused", reason })]]),
  ...DECLINATIONS.map((reason): Story => [64, (who) => [says(who, { is: "declined", reason })]]),
  ...FAULTS.map((name): Story => [32, (who) => [...ran(who), fault(name, who)]]),
  [32, (who) => [says(who), { kind: "fault", fault: "malformed", identity: id(who), silences: "run" }]],
];

test("judge() has a sentence that names the agent for every bit, over any roster", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...STORIES), { maxLength: 12 }), (stories) => {
      const cast = stories.map(([bit, events], index) => ({ bit, events, who: `agent${index}x` }));
      const events = cast.flatMap(({ events: of, who }) => of(who));
      const { status, problems, findings } = outcomeOf(events, { end: "reply-wait-expired" });
      const isMeant = stories.some(([, of]) => of !== STORIES[1]?.[1]);
      const expected = cast.reduce((bits, { bit }) => bits | bit, isMeant ? 0 : 64);
      assert.equal(status, expected);
      for (const { bit, who } of cast) {
        const about = findings.problems.filter(({ agents }) => agents.includes(id(who)));
        assert.equal(about.length, bit === 0 ? 0 : 1, who);
      }
      // Nor a sentence without a reason, and each names who it is about.
      assert.equal(findings.problems.filter(({ agents }) => agents.length === 0).length, isMeant ? 0 : 1);
      for (const [at, { agents }] of findings.problems.entries())
        for (const name of foldNames(agents)) assert.ok(problems[at]?.includes(name), problems[at]);
    }),
    { numRuns: 300 },
  );
});

test("judge() gives +8 for agents that could not be heard any more as the hub fell silent", () => {
  const facts = { end: "hub-silent" } as const;
  const rows: readonly (readonly [is: "running" | "queued" | "held", doing: string])[] = [
    ["running", "is running"],
    ["queued", "is queued"],
    ["held", "was released"],
  ];
  for (const [is, doing] of rows) {
    const sentence = `web1 ${doing} and could not be heard any more, its command may still run`;
    judged([says("web1", { is })], 8, [sentence], facts);
  }
});

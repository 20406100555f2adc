import assert from "node:assert/strict";
import { test } from "node:test";
import { concatAll, utf8 } from "../../src/protocol/bytes.ts";
import type { Exit } from "../../src/protocol/reply.ts";
import type { Target } from "../../src/protocol/target.ts";
import type { Sink } from "../../src/station/line-renderer.ts";
import { judge } from "../../src/station/outcome.ts";
import { openView } from "../../src/station/output-form.ts";
import { Roster } from "../../src/station/roster.ts";
import { newSession } from "../../src/station/session.ts";
import { statusLine } from "../../src/station/status-line.ts";
import type { OutputForm } from "../../src/station/view.ts";
import { exit, hello, id, NOW, runRequest } from "./scene.ts";

const WAITS = { helloWait: 2000, replyWait: 120_000, minimumWait: 4000, isMinimumExplicit: false };

type Agent = {
  readonly name: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exit?: Partial<Exit>;
};

class Captured {
  readonly #written: Uint8Array[] = [];
  readonly sink: Sink = {
    write: async (bytes) => void this.#written.push(bytes),
    isTerminal: false,
    hasColors: false,
  };
  get text(): string {
    return new TextDecoder().decode(concatAll(this.#written));
  }
}

/** What a form shows of a session in which these agents ran one after the other. */
async function shown(form: OutputForm, agents: readonly Agent[]) {
  const [stdout, stderr, roster] = [new Captured(), new Captured(), new Roster()];
  const view = openView(form, stdout.sink, stderr.sink, () => 40);
  const request = runRequest();
  await view.start(request);
  for (const agent of agents) {
    const said = hello(agent.name);
    roster.record({ kind: "hello", hello: said }, 5, NOW);
    await view.hello(said, 5);
  }
  for (const { name, stdout: out, stderr: err, exit: changes } of agents) {
    if (out !== undefined) await view.output(id(name), "stdout", utf8(out));
    if (err !== undefined) await view.output(id(name), "stderr", utf8(err));
    const end = exit(changes ?? {});
    roster.record({ kind: "exit", identity: id(name), exit: end }, 5, NOW);
    await view.exit(id(name), end);
  }
  await view.flush();
  const missing = [{ identity: id("web9"), lastSeen: NOW - 1000 }];
  const rollCall = { missing, newcomers: [], failMissing: false, now: NOW };
  const session = { ...newSession(0, agents.length, 0), answered: agents.length, addressed: agents.length };
  const outcome = judge(request, roster, { ...session, end: "waited" }, WAITS, 1234.5678, rollCall);
  await view.conclude({
    outcome,
    status: outcome.status,
    agents: roster.agents,
    missing,
    elapsed: 1234.5678,
  });
  return { stdout: stdout.text, stderr: stderr.text, losses: view.losses };
}

const pong = (...names: string[]) => names.map((name) => ({ name, stdout: "pong\n" }));

test("live: lines with their names, and nothing at the end", async () => {
  const { stdout, stderr } = await shown("live", [{ name: "web1", stdout: "a\nb", stderr: "c\n" }]);
  assert.equal(stdout, "web1 │ a\nweb1 │ b\n");
  assert.equal(stderr, "web1 ! c\n");
});

test("folded: nothing until the end, then each output once", async () => {
  const { stdout, stderr } = await shown("folded", pong("web1", "web2"));
  assert.equal(stdout, `── 2 agents: web[1-2] ${"─".repeat(18)}\npong\n`);
  assert.equal(stderr, "");
});

test("both: repeats neither a single agent's output nor single lines that are all alike or all different", async () => {
  const live = async (agents: readonly Agent[]) =>
    (await shown("both", agents)).stdout.includes("──") === false;
  assert.ok(await live([{ name: "web1", stdout: "a\nb\n" }]));
  assert.ok(await live(pong("web1", "web2", "web3")));
  assert.ok(await live(["web1", "web2"].map((name) => ({ name, stdout: `${name}\n` }))));
  assert.equal(await live([...pong("web1", "web2"), { name: "web3", stdout: "other\n" }]), false);
  assert.equal(await live(["web1", "web2"].map((name) => ({ name, stdout: "a\nb\n" }))), false);
  assert.equal(await live([...pong("web1"), { name: "web2", stdout: "pong\n", exit: { status: 1 } }]), false);
});

test("raw: the bytes of one agent as they are, and an account of every other that printed something", async () => {
  const agents = [{ name: "web1", stdout: "a\u001b[2J", stderr: "b" }, ...pong("web2"), { name: "web3" }];
  const { stdout, stderr, losses } = await shown("raw", agents);
  assert.equal(stdout, "a\u001b[2J");
  assert.equal(stderr, "b");
  assert.deepEqual(losses, ["web2: its output is not shown: --output raw is for one agent, and shows web1"]);
});

test("quiet: nothing of any output", async () => {
  assert.deepEqual(await shown("quiet", pong("web1")), { stdout: "", stderr: "", losses: [] });
});

test("ndjson: an object for each event, the bytes of what is no text, and the exit status last", async () => {
  const agents = [
    { name: "web1", stdout: "one\ntwo", stderr: "oops\n", exit: { status: 3, runTime: 12.3456 } },
    { name: "web2", exit: { ending: "signalled", status: undefined, signal: "SIGKILL" } as const },
  ];
  const { stdout } = await shown("ndjson", agents);
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const kinds = events.map(({ type, agent, status }) => [type, agent, status]);
  assert.deepEqual(kinds, [
    ["start", undefined, undefined],
    ["hello", "web1", "running"],
    ["hello", "web2", "running"],
    ["output", "web1", undefined],
    ["output", "web1", undefined],
    ["output", "web1", undefined],
    ["exit", "web1", "failed"],
    ["exit", "web2", "failed"],
    ["missing", "web9", "missing"],
    ["summary", undefined, undefined],
  ]);
  assert.deepEqual(events[5], { type: "output", agent: "web1", stream: "stdout", text: "two", ended: false });
  assert.deepEqual([events[6].exit_status, events[6].seconds, events[7].signal], [3, 0.012, "SIGKILL"]);
  assert.equal(events.at(-1).exit_status, 4);
  assert.equal(events.at(-1).seconds, 1.235);
  assert.deepEqual(events.at(-1).agents, { failed: 2, missing: 1 });
});

test("ndjson: the start says whom the request is for", async () => {
  const stdout = new Captured();
  const view = openView("ndjson", stdout.sink, stdout.sink, () => 40);
  const target = { excludedTags: ["eu"], identities: ["db*", "web1"], excludedIdentities: ["db9"] };
  await view.start(runRequest({ target: target as object as Target }));
  const { type, tags, excluded_tags, to, not_to } = JSON.parse(stdout.text);
  assert.deepEqual([type, tags, excluded_tags, to, not_to], ["start", [], ["eu"], ["db*", "web1"], ["db9"]]);
});

test("ndjson: a named agent that was never seen is missing since nobody knows when", async () => {
  const stdout = new Captured();
  const view = openView("ndjson", stdout.sink, stdout.sink, () => 40);
  const missing = [{ identity: id("web9"), lastSeen: undefined, isNamed: true }];
  const outcome = { status: 64, problems: [], remarks: [], successes: [], agents: [], summary: "" };
  await view.conclude({ outcome, status: 64, agents: [], missing, elapsed: 5 });
  const [first = ""] = stdout.text.split("\n");
  assert.deepEqual(JSON.parse(first), { type: "missing", agent: "web9", status: "missing" });
});

test("ndjson: output that is not UTF-8 is there as base64, too", async () => {
  const stdout = new Captured();
  const view = openView("ndjson", stdout.sink, stdout.sink, () => 40);
  await view.output(id("web1"), "stdout", Uint8Array.of(0xff, 0x61, 10));
  assert.deepEqual(JSON.parse(stdout.text), {
    type: "output",
    agent: "web1",
    stream: "stdout",
    text: "\ufffda",
    base64: "/2E=",
  });
});

test("statusLine counts who is done, who runs, who failed and who has not answered", () => {
  const roster = new Roster();
  for (const name of ["web1", "web2", "web3", "web4"])
    roster.record({ kind: "hello", hello: hello(name) }, 5, NOW);
  const others = hello("db1", { disposition: { is: "not-targeted" } });
  roster.record({ kind: "hello", hello: others }, 5, NOW);
  roster.record({ kind: "exit", identity: id("web1"), exit: exit() }, 5, NOW);
  roster.record({ kind: "exit", identity: id("web2"), exit: exit({ status: 1 }) }, 5, NOW);
  const progress = { agents: roster.agents, awaited: 2, isRollCalled: false, elapsed: 12_345 };
  assert.equal(statusLine(progress), "2/6 done · 2 running (web[3-4]) · 1 failed · 2 awaited · 12.3 s");
  const held = { is: "held" as const };
  for (const name of ["db2", "db3"])
    roster.record({ kind: "hello", hello: hello(name, { disposition: held }) }, 5, NOW);
  const rollout = { inFlight: new Map([[id("db2"), {}]]), progress: { released: 1, batch: 2, batches: 5 } };
  assert.equal(
    statusLine({ ...progress, agents: roster.agents, rollout }),
    "2/8 done · batch 2/5 · 3 running (db2, web[3-4]) · 1 held · 1 failed · 2 awaited · 12.3 s",
  );
  const later = statusLine({ ...progress, isRollCalled: true });
  assert.equal(later, "2/6 done · 2 running (web[3-4]) · 1 failed · 2 missing · 12.3 s");
});

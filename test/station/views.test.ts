import assert from "node:assert/strict";
import { test } from "node:test";
import type { Target } from "../../src/protocol/target.ts";
import { openView } from "../../src/station/output-form.ts";
import { QUIET } from "../../src/station/raw-view.ts";
import type { Conclusion, OutputForm, View } from "../../src/station/view.ts";
import { Views } from "../../src/station/views.ts";
import { eventProblems } from "../support/event-schema.ts";
import { exit, hello, id, NOW, runRequest } from "./scene.ts";
import { Captured, type Played, play } from "./view-scene.ts";

/** What a form shows of a session in which these agents ran one after the other. */
async function shown(form: OutputForm, agents: readonly Played[], missing: readonly string[] = []) {
  const [stdout, stderr] = [new Captured(), new Captured()];
  const view = openView(form, stdout.sink, stderr.sink, () => 40);
  await play(view, agents, { missing });
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

for (const form of ["folded", "both"] as const) {
  test(`${form}: goes on where outputs can be kept no longer, and says so`, async () => {
    const before = process.env["TMPDIR"];
    process.env["TMPDIR"] = "/nonexistent";
    try {
      const { stdout, losses } = await shown(form, [
        { name: "web1", stdout: "x".repeat(17 * 1024 * 1024) },
        ...pong("web2"),
      ]);
      const why =
        'outputs are not shown folded: Cannot make a file in "/nonexistent": no such file or directory';
      assert.deepEqual(losses, [why]);
      assert.equal(stdout.includes("web2 │ pong"), form === "both");
    } finally {
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
    }
  });
}

test("both: repeats neither a single agent's output nor single lines that are all alike or all different", async () => {
  const live = async (agents: readonly Played[]) =>
    (await shown("both", agents)).stdout.includes("──") === false;
  assert.ok(await live([{ name: "web1", stdout: "a\nb\n" }]));
  assert.ok(await live(pong("web1", "web2", "web3")));
  assert.ok(await live(["web1", "web2"].map((name) => ({ name, stdout: `${name}\n` }))));
  assert.equal(await live([...pong("web1", "web2"), { name: "web3", stdout: "other\n" }]), false);
  assert.equal(await live(["web1", "web2"].map((name) => ({ name, stdout: "a\nb\n" }))), false);
  assert.equal(await live([...pong("web1"), { name: "web2", stdout: "pong\n", exit: { status: 1 } }]), false);
});

test("both: says of a long output who printed the same, and shows again what differs or went wrong", async () => {
  const long = Array.from({ length: 20 }, (_, at) => `line ${at}\n`).join("");
  const end = async (agents: readonly Played[]) => {
    const { stdout } = await shown("both", agents);
    return stdout.slice(stdout.indexOf("── "));
  };
  const three = ["web1", "web2", "web3"].map((name) => ({ name, stdout: long }));
  assert.equal(await end(three), "── 3 agents: web[1-3] ── identical, 20 lines as shown above ──\n");
  assert.equal(
    await end([...three, { name: "db1", stdout: `${long}more\n` }]),
    `── 3 agents: web[1-3] ── identical, 20 lines as shown above ──
── db1 ── 1.23 s ── unlike the 3 ───────
  … 18 equal lines
  line 18
  line 19
+ more
`,
  );
  const failed = await end([{ name: "web1", stdout: long, exit: { status: 1 } }, ...three.slice(1)]);
  assert.ok(failed.includes(`── web1 ── exit status 1 · 1.23 s ──────\n${long}`), failed);
  const alike = await end(["web1", "web2", "web3"].map((name) => ({ name, stdout: `${long}${name}\n` })));
  assert.equal(
    alike,
    `── 3 agents: web[1-3] ── alike but for line 21 ──
  … 20 equal lines
web1 │ web1
web2 │ web2
web3 │ web3
`,
  );
  const different = await end(
    ["web1", "web2"].map((name) => ({ name, stdout: long.replaceAll("line", name) })),
  );
  assert.match(different, /^── web1 ── 1\.23 s ── 20 lines as shown above ──\n── web2 /);
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

test("folded: who was not heard comes last", async () => {
  const { stdout } = await shown("folded", pong("web1"), ["web8", "web9", "db1"]);
  const [, , rule] = stdout.split("\n");
  assert.equal(rule, "── no answer: db1, web[8-9] (last seen 2 seconds ago) ──");
  const { sink } = new Captured();
  const isSaid = async (form: OutputForm, names: readonly string[]) => {
    const view = openView(form, sink, sink, () => 40);
    const views = new Views({ before: [], after: [QUIET] }, view);
    await play(view, pong(...names), { missing: ["web9"] });
    return views.hasNamedMissing;
  };
  assert.ok(await isSaid("folded", ["web1"]));
  assert.equal(await isSaid("both", ["web1", "web2"]), false, "there is no report below live output");
  assert.equal(await isSaid("live", ["web1", "web2"]), false);
});

test("folded: a terminal gets one span of time for agents that were not heard since many times", async () => {
  const rule = async (agents: number, isTerminal: boolean) => {
    const stdout = new Captured();
    const view = openView("folded", { ...stdout.sink, isTerminal }, stdout.sink, () => 80);
    await view.start(runRequest());
    const missing = Array.from({ length: agents }, (_, at) => ({
      identity: id(`web${at}`),
      lastSeen: NOW - (at + 2) * 3_600_000,
    }));
    const told = { problems: [], remarks: [] };
    const outcome = {
      ...told,
      findings: told,
      status: 0,
      successes: [],
      agents: [],
      absences: [],
      faults: [],
      summary: "",
    };
    await view.conclude({ outcome, losses: [], status: 0, agents: [], missing, elapsed: 0 });
    return stdout.text;
  };
  const many = await rule(20, true);
  assert.match(many, /^── no answer: web\[0-19\] \(20 agents, last seen 2 hours to 21 hours ago\) ─+\n$/);
  assert.match(await rule(20, false), /web0 \(last seen 2 hours ago\), .*, web19 \(last seen 21 hours ago\)/);
  assert.match(await rule(2, true), /web0 \(last seen 2 hours ago\), web1 \(last seen 3 hours ago\)/);
});

async function events(agents: readonly Played[], missing: readonly string[] = []) {
  const { stdout } = await shown("ndjson", agents, missing);
  const all = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(eventProblems()(all), []);
  return all;
}

test("ndjson: an object for each event, the bytes of what is no text, and the exit status last", async () => {
  const all = await events(
    [
      { name: "web1", stdout: "one\ntwo", stderr: "oops\n", exit: { status: 3, runTime: 12.3456 } },
      { name: "web2", exit: { ending: "signalled", status: undefined, signal: "SIGKILL" } },
    ],
    ["web9"],
  );
  const kinds = all.map(({ type, agent, status }) => [type, agent, status]);
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
  assert.deepEqual(all[5], { type: "output", agent: "web1", stream: "stdout", text: "two", ended: false });
  assert.deepEqual([all[6].exit_status, all[6].seconds, all[7].signal], [3, 0.012, "SIGKILL"]);
  assert.deepEqual([all[6].reason, all[6].message], ["exit status 3", "web1: exit status 3 after 0.01 s"]);
  assert.equal(all.at(-1).exit_status, 4);
  assert.equal(all.at(-1).seconds, 1.235);
  const none = { ok: 0, refused: 0, not_run: 0, unfinished: 0, not_targeted: 0 };
  assert.deepEqual(all.at(-1).agents, { ...none, failed: 2, missing: 1 });
});

test("ndjson: every agent that was meant has one last event, whatever became of it", async () => {
  const all = await events([
    { name: "web1", disposition: { is: "refused", reason: "no-such-command" } },
    { name: "web2", disposition: { is: "declined", reason: "busy" } },
    { name: "web3", exit: "never", fault: "malformed" },
    { name: "web4", exit: "never", stdout: "half a line" },
    { name: "web5", exit: { ending: "never-started", status: undefined, detail: "too late" } },
    { name: "web6", exit: { leftOpen: true, dropped: 7 } },
    { name: "db1", disposition: { is: "not-targeted" } },
  ]);
  const last = all.filter(({ type }) => type === "exit");
  const told = last.map(({ agent, status, reason, refusal }) => [agent, status, reason, refusal]);
  assert.deepEqual(told.toSorted(), [
    ["web1", "refused", 'refused: no such command "reload"', "no-such-command"],
    ["web2", "not_run", "declined: busy", "busy"],
    ["web3", "failed", "its replies are not to be trusted", undefined],
    ["web4", "unfinished", "running", undefined],
    ["web5", "not_run", "never started the command: too late", undefined],
    ["web6", "ok", undefined, undefined],
  ]);
  const fault = all.find(({ type }) => type === "fault");
  const message = "1 reply not well-formed from web3";
  assert.deepEqual(fault, { type: "fault", fault: "malformed", agent: "web3", times: 1, message });
  const { agents, exit_status: status } = all.at(-1);
  assert.deepEqual(
    [agents, status],
    [{ ok: 1, failed: 1, refused: 1, not_run: 2, unfinished: 1, not_targeted: 1, missing: 0 }, 112],
  );
});

test("ndjson: what could not be kept is among the problems", async () => {
  const stdout = new Captured();
  const view = openView("ndjson", stdout.sink, stdout.sink, () => 40);
  await play(view, [], { losses: ["a loss"] });
  assert.match(stdout.text, /"problems":\["nobody answered.*","a loss"\]/);
});

test("ndjson: the start says whom the request is for", async () => {
  const stdout = new Captured();
  const view = openView("ndjson", stdout.sink, stdout.sink, () => 40);
  const target = { excludedTags: ["eu"], identities: ["db*", "web1"], excludedIdentities: ["db9"] };
  await view.start(runRequest({ target: target as object as Target }));
  const { type, tags, excluded_tags, to, not_to } = JSON.parse(stdout.text);
  assert.deepEqual([type, tags, excluded_tags, to, not_to], ["start", [], ["eu"], ["db*", "web1"], ["db9"]]);
});

test("ndjson: who was held has its last event at the end, unless it was released", async () => {
  const stdout = new Captured();
  const view = openView("ndjson", stdout.sink, stdout.sink, () => 40);
  await view.start(runRequest());
  for (const name of ["web1", "web2"]) await view.hello(hello(name, { disposition: { is: "held" } }), 5);
  await view.release?.([id("web1")], { released: 1, batch: 1, batches: 2 });
  const cancelled = exit({ ending: "cancelled", status: undefined });
  await view.exit(id("web1"), exit());
  await view.exit(id("web2"), cancelled);
  const trouble = "not run: web1 failed";
  const agents = [
    { identity: id("web1"), verdict: "ok" as const, status: 0 },
    { identity: id("web2"), verdict: "not run" as const, status: 64, trouble },
  ];
  const findings = { problems: [], remarks: [] };
  const told = { ...findings, findings, absences: [], successes: [], faults: [], summary: "" };
  const outcome = { status: 64, ...told, agents };
  await view.conclude({ outcome, losses: [], status: 64, agents: [], missing: [], elapsed: 5 });
  const all = stdout.text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(eventProblems()(all), []);
  assert.deepEqual(
    all.map(({ type, agent, status }) => [type, agent, status]),
    [
      ["start", undefined, undefined],
      ["hello", "web1", "held"],
      ["hello", "web2", "held"],
      ["release", "web1", "released"],
      ["exit", "web1", "ok"],
      ["exit", "web2", "not_run"],
      ["summary", undefined, undefined],
    ],
  );
});

test("ndjson: a named agent that was never seen is missing since nobody knows when", async () => {
  const stdout = new Captured();
  const view = openView("ndjson", stdout.sink, stdout.sink, () => 40);
  const missing = [{ identity: id("web9"), lastSeen: undefined, isNamed: true }];
  const outcome = {
    status: 64,
    problems: [],
    remarks: [],
    absences: [],
    findings: { problems: [], remarks: [] },
    successes: [],
    agents: [],
    faults: [],
    summary: "",
  };
  await view.conclude({ outcome, losses: [], status: 64, agents: [], missing, elapsed: 5 });
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

test("Views have all of them take part, and tell each what those before it have lost", async () => {
  const said: string[] = [];
  const view = (name: string, losses: readonly string[]): View => ({
    ...QUIET,
    losses,
    output: async () => void said.push(`${name} output`),
    conclude: async ({ status }) => void said.push(`${name} ${status}`),
  });
  const form = view("form", []);
  const views = new Views({ before: [view("directory", ["a loss"])], after: [view("after", [])] }, form);
  await views.output(id("web1"), "stdout", new Uint8Array());
  await views.conclude((losses) => ({ status: losses.length }) as Conclusion);
  assert.deepEqual(said, [
    "directory output",
    "form output",
    "after output",
    "directory 1",
    "form 1",
    "after 1",
  ]);
  assert.deepEqual(views.losses, ["a loss"]);
});

test("Views tell each how much of the output waits on disk, of all of them", async () => {
  const told: (number | undefined)[] = [];
  const spilling = (spilled: number): View => ({ ...QUIET, spilled });
  const last: View = { ...QUIET, conclude: async ({ spilled }) => void told.push(spilled) };
  const views = new Views({ before: [spilling(5)], after: [last] }, spilling(7));
  await views.conclude(() => ({}) as Conclusion);
  assert.deepEqual(told, [12]);
});

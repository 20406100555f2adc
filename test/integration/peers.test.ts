/**
 * The exit status where other tools were measured to say 0, or to lose half of the truth: a test for each of these cases.
 *
 * Held by tests of what they belong to:
 *   nobody listens, nobody has the tags: session.test.ts "says that nobody answered", "says at once that no agent …"
 *   a name that nobody has: targeting.test.ts "gives 64 and the name where an agent that was named does not answer …"
 *   an agent that hangs is named: endings.test.ts "says of an agent that is stopped that it did not answer …"
 *   a dead agent costs no fixed time: discovery.test.ts "--fail-missing adds 2 for agents that the tags could mean …"
 *   a dead agent keeps its place in a batch no longer than it must: rollout.test.ts "gives the place of an agent …"
 *   no batch begins beyond the budget of failures: rollout.test.ts "--max-failures begins on nobody else …"
 *   an unknown option or word, with what was meant: setup-errors.test.ts "refuses an option or a word …"
 *   interrupts by signal, twice, with Redis away, before an answer: interrupt.test.ts, rollout.test.ts
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { unfoldNames } from "../../src/core/name-set.ts";
import { Fleet } from "../support/fleet.ts";
import { type Finished, lines, processIsGone } from "../support/running-program.ts";
import { Terminal } from "../support/terminal.ts";

/** Forms for several agents. */
const FORMS = ["live", "folded", "both", "ndjson", "quiet"] as const;
const WEB = ["web1", "web2", "web3"] as const;

/** Three agents that listen, and db1, which is known and dead. Tests leave it as it is. */
let fleet: Fleet;

before(async () => {
  fleet = await Fleet.start();
  fleet.command("well", "echo fine");
  fleet.command("fails", "echo half done", "echo oops >&2", "exit 3");
  fleet.command("one-fails", '[ "$1" != web1 ] || { echo oops >&2; exit 3; }', "echo fine");
  const [db1] = await Promise.all([
    fleet.agent("db1"),
    ...WEB.map((name) => fleet.agent(name, ["--tags", "web"])),
  ]);
  assert.equal((await fleet.station("ping")).status, 0);
  db1.program.kill("SIGKILL");
  await db1.program.finished;
});

after(() => fleet[Symbol.asyncDispose]());

/** The same in every form, at the same time. */
async function inEveryForm(
  args: readonly string[],
  look: (ended: Finished, form: string) => void,
): Promise<void> {
  const runs = FORMS.map(async (form) => look(await fleet.station(...args, "--output", form), form));
  await Promise.all(runs);
}

/** Who is said to have had a trouble, alone or folded with others. */
function named(said: string, trouble: string): readonly string[] {
  const lines = said.matchAll(new RegExp(`cb: (\\S+?)(?: \\(\\d+ agents\\))?: ${trouble}\\b`, "g"));
  return [...lines].flatMap(([, names = ""]) => unfoldNames(names)).sort();
}

const FAILED = /^cb: web1: exit status 3\b/m;
const DEAD = /^cb: db1 is missing\b/m;

test("all agents do well: status 0, and not a word of failure", async () => {
  const { status, stderr } = await fleet.station("--tags", "web", "run", "well");
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^3 agents · 3 ok · /);
});

test("one agent fails: the status is not 0 in any form of output, and it is named", async () => {
  await inEveryForm(["--tags", "web", "run", "one-fails"], ({ status, stderr }, form) => {
    assert.equal(status, 4, `${form}\n${stderr}`);
    assert.deepEqual(named(stderr, "exit status 3"), ["web1"], form);
  });
  const raw = await fleet.station("--to", "web1", "run", "one-fails", "--output", "raw");
  assert.equal(raw.status, 4);
  assert.match(raw.stderr, FAILED);
});

test("all agents fail: the status is not 0 in any form of output, and each is named", async () => {
  await inEveryForm(["--tags", "web", "run", "fails"], ({ status, stderr }, form) => {
    assert.equal(status, 4, `${form}\n${stderr}`);
    assert.deepEqual(named(stderr, "exit status 3"), WEB, form);
  });
});

test("one agent is dead and known: the status is not 0 with --fail-missing, in a rollout of batches either, and it is named", async () => {
  const tasks = [["run", "well"], ["run", "well", "--parallel", "2"], ["ping"]];
  const runs = tasks.map(async (task) => {
    const { status, stderr } = await fleet.station("--fail-missing", ...task);
    assert.equal(status, 2, stderr);
    assert.match(stderr, DEAD);
    assert.match(stderr, /^4 agents · 3 ok · 1 missing · /m);
  });
  await Promise.all(runs);
});

test("one agent is dead and nobody asked for it: it is named all the same, and counted", async () => {
  const { status, stderr } = await fleet.station("run", "well");
  assert.equal(status, 0, stderr);
  assert.match(stderr, DEAD);
  assert.match(stderr, /^4 agents · 3 ok · 1 missing · /m);
});

test("one agent failed and one is dead at once: both are in the status, and each is named", async () => {
  await inEveryForm(["--fail-missing", "run", "one-fails"], ({ status, stderr }, form) => {
    assert.equal(status, 4 + 2, `${form}\n${stderr}`);
    assert.match(stderr, FAILED, form);
    assert.match(stderr, DEAD, form);
  });
  const waits = ["--hello-wait", "0.5", "--minimum-wait", "0.5"];
  const named = await fleet.station(...waits, "--to", "web1,db1", "run", "one-fails");
  assert.equal(named.status, 4 + 64, named.stderr);
  assert.match(named.stderr, FAILED);
  assert.match(named.stderr, /^cb: db1 did not answer\b/m);
});

test("one answer fewer than --expect says: the status of ping and run is not 0, beside what else is wrong", async () => {
  const expected = { ping: 64, "run one-fails": 64 + 4 } as const;
  const runs = Object.entries(expected).map(async ([task, status]) => {
    const ended = await fleet.station("--expect", "4", ...task.split(" "));
    assert.equal(ended.status, status, ended.stderr);
    assert.match(ended.stderr, /^cb: 3 agents answered, 4 were expected\b/m);
  });
  await Promise.all(runs);
});

test("nobody matches a name, a pattern or a tag: the status is not 0, and the command runs nowhere", async () => {
  const marks = fleet.path("marks-of-nobody");
  fleet.command("mark-nobody", `echo ran >>${marks}`);
  for (const target of [
    ["--to", "nope"],
    ["--to", "nope*"],
    ["--tags", "nope"],
    ["--tags", "web", "--not-to", "web*"],
  ]) {
    const ended = await fleet.station("--hello-wait", "0.3", ...target, "run", "mark-nobody");
    assert.equal(ended.status, 64, `${target.join(" ")}\n${ended.stderr}`);
    assert.match(ended.stderr, /^cb: .*\bno/, target.join(" "));
  }
  assert.equal(existsSync(marks), false);
});

test("an argument that nobody knows: the command runs nowhere", async () => {
  const marks = fleet.path("marks");
  fleet.command("mark", `echo ran >>${marks}`);
  const rows: readonly (readonly [status: number, ...args: readonly string[]])[] = [
    [1, "foo=bar"],
    [1, "--", "foo=bar"],
    [1, "--foo", "bar"],
    [1, "--foo=bar"],
    [16, "--param", "foo=bar"],
  ];
  for (const [status, ...args] of rows) {
    const ended = await fleet.station("--tags", "web", "run", "mark", ...args);
    assert.deepEqual([ended.status, ended.stdout], [status, ""], `${args.join(" ")}\n${ended.stderr}`);
  }
  assert.equal(existsSync(marks), false);
  assert.equal((await fleet.station("--tags", "web", "run", "mark")).status, 0);
  assert.equal(lines(readFileSync(marks, "utf8")).length, 3);
});

test("Ctrl-C on a terminal: one press ends the command of every agent, says so of each, and the status is 130", async () => {
  fleet.command("stays", "sleep 600 &", `echo $$ $! >${fleet.path("pids.$1")}`, "echo begun", "wait");
  const command = `${fleet.executable.join(" ")} station --tags web run stays`;
  const terminal = new Terminal(
    `trap : INT; ${command}; echo "status $?"`,
    fleet.environment,
    fleet.directory,
  );
  try {
    for (const _ of WEB) await terminal.sees(/web\d │ begun/);
    const pids = WEB.flatMap((name) =>
      readFileSync(fleet.path(`pids.${name}`), "utf8")
        .trim()
        .split(" "),
    );
    assert.equal(pids.length, 6);
    terminal.type("\u0003");
    const [said] = await terminal.sees(/[\s\S]*status \d+/);
    assert.match(said, /status 130$/);
    assert.deepEqual(named(said, "cancelled"), WEB);
    await Promise.all(pids.map(processIsGone));
  } finally {
    await terminal.close();
  }
});

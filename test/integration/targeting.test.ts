/** Whom a station means, by names, folds, patterns, tags and exclusions, as its user meets it. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DIST } from "../../build/paths.ts";
import { type Agent, Fleet, RUNTIMES } from "../support/fleet.ts";
import { type Finished, lines, withoutTimes } from "../support/running-program.ts";
import { Terminal } from "../support/terminal.ts";

/** Asserts status and all that was said on standard error; times as in `plain`. */
function said(ended: Finished, status: number, ...stderr: readonly string[]): void {
  assert.deepEqual([ended.status, ...lines(plain(ended.stderr))], [status, ...stderr]);
}

function plain(text: string): string {
  return withoutTimes(text).replace(/\d+ (second|minute)s? ago/g, "# ago");
}

/** Who ran a command, by its output. */
function ran({ stdout }: Finished): string {
  return lines(stdout)
    .map((line) => line.split(" ")[0])
    .sort()
    .join(" ");
}

const NOBODY_LISTENS = 'cb: nobody answered: nobody listens on channel "default"';
const SHARE = "expected a number of agents above 0, such as 5, or 1% to 100% of them";

/** Four agents that are known: web1 and web2 in eu and us, db1 in eu, lb1 without a tag. */
async function four(fleet: Fleet): Promise<readonly Agent[]> {
  fleet.command("who", 'echo "$1"');
  const agents = [
    await fleet.agent("web1", ["--tags", "web,eu"]),
    await fleet.agent("web2", ["--tags", "web,us"]),
    await fleet.agent("db1", ["--tags", "db,eu"]),
    await fleet.agent("lb1"),
  ];
  assert.equal((await fleet.station("ping")).status, 0);
  return agents;
}

for (const runtime of RUNTIMES) {
  test(`cb station on ${runtime} asks those that names, folds, patterns and tags mean, and nobody else`, async () => {
    await using fleet = await Fleet.start({ runtime });
    const [web1] = await four(fleet);
    const rows: readonly (readonly [options: readonly string[], meant: string])[] = [
      [["--to", "web2"], "web2"],
      [["--to", "web[1-2]"], "web1 web2"],
      [["--to", "web[1-9]", "--to", "db*"], "db1 web1 web2"],
      [["--to", "web1,lb1"], "lb1 web1"],
      [["--not-to", "web*"], "db1 lb1"],
      [["--to", "*1", "--not-to", "lb?"], "db1 web1"],
      [["--tags", "web,!us"], "web1"],
      [["--tags", "!eu"], "lb1 web2"],
      [["--tags", "\\!eu", "--to", "web*"], "web2"],
      [["--tags", "eu", "--not-to", "db1"], "web1"],
    ];
    for (const [options, meant] of rows) {
      const ended = await fleet.station(...options, "run", "who");
      assert.deepEqual([ended.status, ran(ended)], [0, meant], `${options.join(" ")}\n${ended.stderr}`);
    }
    assert.equal(web1?.records("command").length, rows.filter(([, meant]) => meant.includes("web1")).length);
  });
}

test("cb station --to NAME ends as soon as that agent has finished, and nobody else says a word", async () => {
  await using fleet = await Fleet.start();
  await four(fleet);
  const ended = await fleet.station("--to", "web1", "-v", "run", "who");
  said(ended, 0, "cb: web1: exit status 0 after # s", "1 agent · 1 ok · # s");
  assert.ok(Number(/(\d+\.\d+) s\n$/.exec(ended.stderr)?.[1]) < 2, ended.stderr);
  const events = lines((await fleet.station("--to", "web1", "run", "who", "--output", "ndjson")).stdout);
  const hellos = events.map((line) => JSON.parse(line)).filter(({ type }) => type === "hello");
  assert.deepEqual(
    hellos.map(({ agent }) => agent),
    ["web1"],
  );
});

test("cb station gives 64 and the name where an agent that was named does not answer, known or not", async () => {
  await using fleet = await Fleet.start();
  const [, web2] = await four(fleet);
  await web2?.stop();
  const wait = ["--hello-wait", "0.5", "--minimum-wait", "0.5"];
  const [seen, never] = [
    "cb: web2 did not answer, last seen # ago",
    "cb: web99 did not answer, not known here",
  ];
  said(await fleet.station(...wait, "--to", "web2", "ping"), 64, seen, "1 agent · 1 missing · # s");
  said(await fleet.station(...wait, "--to", "web99", "ping"), 64, never, "1 agent · 1 missing · # s");
  const mixed = await fleet.station(...wait, "-m", "--to", "web1,web2,web99", "run", "who");
  said(mixed, 66, seen, never, "3 agents · 1 ok · 2 missing · # s");
  // A fold and a pattern are for those that are there.
  const missing = "cb: web2 is missing, last seen # ago";
  const summary = "2 agents · 1 ok · 1 missing · # s";
  const some = "cb: 7 of the names in web[1-9] are not known: web[3-9]";
  said(await fleet.station("--to", "web[1-9]", "run", "who"), 0, some, missing, summary);
  said(await fleet.station("--to", "web*", "run", "who"), 0, missing, summary);
  // What is known of its tags says that it is not meant.
  said(await fleet.station("--to", "web1,db1", "--tags", "web", "run", "who"), 0, "1 agent · 1 ok · # s");
  said(
    await fleet.station("--to", "lb*", "--tags", "web", "run", "who"),
    64,
    "cb: no agent has the tag web and is called lb* (3 agents answered)",
    "0 agents · # s",
  );
});

test("cb station refuses to leave out a name that nobody has, and runs nothing on the server that was meant", async () => {
  await using fleet = await Fleet.start();
  fleet.command("who", 'echo "$1"');
  // As long as nobody is known, nothing can be told.
  const first = ["--hello-wait", "0.2", "--not-to", "wbe1", "ping"];
  said(await fleet.station(...first), 64, NOBODY_LISTENS, "0 agents · # s");
  const agents = await four(fleet);
  const why = "no agent of that name is known";
  const hint = (name: string) =>
    `cb: hint: "cb station ping" makes agents known; a pattern, such as "${name}*", need not be known`;
  for (const command of [["run", "who"], ["run", "who", "--plan"], ["ping"], ["commands"], ["agents"]]) {
    const typo = await fleet.station("--not-to", "wbe1", ...command);
    const error = `cb: error: Cannot leave out "wbe1": ${why}, did you mean "web1"?`;
    said(typo, 1, error, hint("wbe1"));
    assert.equal(typo.stdout, "");
  }
  said(
    await fleet.station("--to", "web*", "--not-to", "web3", "run", "who"),
    1,
    `cb: error: Cannot leave out "web3": ${why}`,
    hint("web3"),
  );
  said(
    await fleet.station("--to", "web[1-2]", "--not-to", "web[01-02]", "run", "who"),
    1,
    'cb: error: Cannot leave out "web[01-02]": no agent of these names is known, did you mean "web[1-2]"?',
  );
  for (const agent of agents) assert.deepEqual(agent.records("command"), []);

  const goesOn = await fleet.station("--not-to", "wbe*", "--tags", "!ue", "run", "who");
  const summary = "4 agents · 4 ok · # s";
  said(
    goesOn,
    0,
    'cb: !ue leaves out nobody that is known here, did you mean "us"?',
    "cb: wbe* leaves out nobody that is known here",
    summary,
  );
  fleet.file("home/.config/cb/station.toml", 'not-to = ["wbe1"]\n');
  const file = 'cb: wbe1 leaves out nobody that is known here, did you mean "web1"?';
  said(await fleet.station("ping"), 0, file, summary);
  said(await fleet.station("--errors-only", "ping"), 0);
});

test("cb station says what of a target fits nobody that is known, before anybody is asked", async () => {
  await using fleet = await Fleet.start();
  await four(fleet);
  const wait = ["--hello-wait", "0.2", "--minimum-wait", "0.2"];
  said(
    await fleet.station("--tags", "wbe", "ping"),
    64,
    'cb: no agent known here has the tag wbe, did you mean "web"?',
    "cb: no agent has the tag wbe (4 agents answered)",
    "0 agents · # s",
  );
  said(
    await fleet.station("--to", "web1,bd*", "ping"),
    0,
    "cb: no agent known here is called bd*",
    "1 agent · 1 ok · # s",
  );
  said(
    await fleet.station("--to", "web[01-02]", "ping"),
    64,
    'cb: no agent known here is called web[01-02], did you mean "web[1-2]"?',
    "cb: no agent is called web[01-02] (4 agents answered)",
    "0 agents · # s",
  );
  said(
    await fleet.station(...wait, "--to", "wbe1", "ping"),
    64,
    'cb: wbe1 is not known here, did you mean "web1"?',
    "cb: wbe1 did not answer, not known here",
    "1 agent · 1 missing · # s",
  );
  for (const range of ["web1-web2", "web1..web2"]) {
    const why = 'no agent of that name is known, did you mean "web[1-2]"?';
    said(await fleet.station("--to", range, "run", "who"), 1, `cb: error: Cannot ask "${range}": ${why}`);
  }
  said(
    await fleet.station("--to", "web1:web2", "run", "who"),
    1,
    'cb: error: Cannot use --to "web1:web2": "web1:web2": expected a range in brackets, as in web[1-2]',
  );
  said(
    await fleet.station("--to", "web1", "web2", "run", "who"),
    1,
    'cb: error: Cannot use "web2": no such command',
    "cb: hint: Separate them with commas: --to web1,web2",
  );
});

test("cb station run runs nothing with an argument that it does not know", async () => {
  await using fleet = await Fleet.start();
  const agents = await four(fleet);
  const rows: readonly (readonly [args: readonly string[], error: string])[] = [
    [["foo=bar"], 'Cannot use "foo=bar": "cb station run" takes <command> alone'],
    [["--", "--foo"], 'Cannot use "--foo": "cb station run" takes <command> alone'],
    [["--paralel", "1"], 'Cannot use option "--paralel": no such option, did you mean "--parallel"?'],
    [["--parallel", "0"], `Cannot use --parallel "0": ${SHARE}`],
    [["--parallel", "200%"], `Cannot use --parallel "200%": ${SHARE}`],
    [["--parallel", "1", "--max-failures", "5.5%"], `Cannot use --max-failures "5.5%": ${SHARE}`],
    [["--canary", "-1"], 'Cannot use --canary "-1": expected a whole number from 1 to 999999'],
    [["--expect", "x"], 'Cannot use --expect "x": expected a whole number from 1 to 100000'],
    [
      ["--output", "foldd"],
      'Cannot use --output "foldd": expected live, folded, both, raw, ndjson or quiet, did you mean "folded"?',
    ],
  ];
  for (const [args, error] of rows) {
    const ended = await fleet.station("run", "who", ...args);
    assert.deepEqual([ended.status, ended.stdout, lines(ended.stderr)[0]], [1, "", `cb: error: ${error}`]);
    assert.ok(lines(ended.stderr).length <= 2);
  }
  // What an agent does not know of it, it refuses, and runs nothing either.
  const refused = await fleet.station("--to", "web1", "run", "who", "--param", "foo=bar");
  assert.deepEqual([refused.status, refused.stdout], [16, ""]);
  for (const agent of agents) assert.deepEqual(agent.records("command"), []);
});

test("cb station run says where commands are shown, or what --to is for, where nobody has the command", async () => {
  await using fleet = await Fleet.start();
  await four(fleet);
  const unknown = await fleet.station("--tags", "web", "run", "hwo");
  const refusals = (name: string) => `cb: web[1-2] (2 agents) refused: no such command "${name}"`;
  const summary = "2 agents · 2 refused · # s";
  const hint = 'cb: hint: "cb station commands" shows which there are';
  said(unknown, 16, refusals("hwo"), hint, summary);
  const swapped = "cb: hint: web2 is an agent, not a command: say whom you mean with --to";
  said(await fleet.station("--tags", "web", "run", "web2"), 16, refusals("web2"), swapped, summary);
});

test("cb station --to-file reads files, standard input and pipes, and loses nothing on a bad line", async () => {
  await using fleet = await Fleet.start();
  await four(fleet);
  const hosts = fleet.file("hosts", "# the web\nweb[1-2]\n\ndb1 # the database\n");
  assert.equal(ran(await fleet.station("--to-file", hosts, "run", "who")), "db1 web1 web2");
  const both = await fleet.station("--to-file", hosts, "--to", "lb1", "--not-to", "web1", "run", "who");
  assert.equal(ran(both), "db1 lb1 web2");
  const shell = (script: string) => ({ wrapper: ["bash", "-c", script, "bash"] });
  const args = (path: string) => ["station", "--to-file", path, "run", "who"];
  assert.equal(ran(await fleet.cb(args("-"), shell('printf "web1\\nlb1" | "$@"'))), "lb1 web1");
  const pipe = shell('"$@" --to-file <(echo db1) run who');
  assert.equal(ran(await fleet.cb(["station"], pipe)), "db1");

  writeFileSync(hosts, "web1\nweb[2\n");
  const bad = await fleet.station("--to-file", hosts, "run", "who");
  const why = `"web[2": expected brackets in pairs, as in web[1-3,7]`;
  said(bad, 1, `cb: error: Cannot use line 2 of "${hosts}": ${why}`);
  writeFileSync(hosts, "#web1\n");
  const none = await fleet.station("--to-file", hosts, "run", "who");
  said(none, 1, `cb: error: Cannot use "${hosts}": it names no agent, which does not mean all of them`);
  const gone = await fleet.station("--to-file", fleet.path("gone"), "run", "who");
  said(gone, 1, `cb: error: Cannot read "${fleet.path("gone")}": no such file or directory`);
  writeFileSync(hosts, "long-server-name-[100000-106000]\n");
  const many = await fleet.station("--to-file", hosts, "run", "who");
  assert.equal(many.status, 1);
  assert.match(many.stderr, /^cb: error: Cannot ask 6001 agents by name at once: it has \d+ bytes, expected/);
  assert.equal(bad.stdout + none.stdout + many.stdout, "");
});

test("cb station --expect gives 64 where fewer answer", async () => {
  await using fleet = await Fleet.start();
  await four(fleet);
  said(await fleet.station("--expect", "4", "ping"), 0, "4 agents · 4 ok · # s");
  const few = await fleet.station("--expect", "3", "--tags", "web", "run", "who");
  said(few, 64, "cb: 2 agents answered, 3 were expected", "2 agents · 2 ok · # s");
});

test("cb station run --plan shows who would run a command, and runs nothing", async () => {
  await using fleet = await Fleet.start();
  const [web1, web2] = await four(fleet);
  await web2?.stop();
  const planned = await fleet.station("--to", "web*", "run", "who", "--plan");
  assert.deepEqual(
    [planned.status, ...lines(plain(planned.stdout).replace(/\d+ seconds? ago/, "# ago"))],
    [
      0,
      '1 agent would be asked to run "who": web1',
      "no answer from web2 (last seen # ago)",
      "others that fit would be asked too, if they listen by then",
    ],
  );
  assert.equal(lines(planned.stderr).at(-1), '1 agent would be asked to run "who"; nothing ran');
  const rollout = ["--canary", "1", "--parallel", "2"];
  const ordered = await fleet.station("--to", "web1,db1,lb1", "run", "who", "--plan", ...rollout);
  // Nobody else can be meant.
  assert.deepEqual(lines(ordered.stdout), [
    '3 agents would be asked to run "who": db1,lb1,web1',
    "first canary db1, then 2 at a time",
  ]);
  const tooMany = await fleet.station("run", "who", "--plan", "--canary", "5");
  assert.deepEqual([tooMany.status, tooMany.stdout], [1, ""]);
  assert.match(tooMany.stderr, /^cb: error: Cannot let 5 agents go first: there are 4 agents that could be/);
  const named = await fleet.station("--to", "web1,web2", "--minimum-wait", "0.5", "run", "who", "--plan");
  assert.equal(named.status, 64);
  const events = await fleet.station("run", "who", "--plan", "--output", "ndjson");
  const types = lines(events.stdout).map((line) => JSON.parse(line).type);
  assert.deepEqual([types[0], types.at(-1)], ["start", "summary"]);
  assert.deepEqual(web1?.records("command"), []);
});

test("cb station agents shows those that are meant, and has no option that does nothing there", async () => {
  await using fleet = await Fleet.start();
  await four(fleet);
  const shown = async (...options: readonly string[]) => {
    const ended = await fleet.station("agents", ...options);
    return [ended.status, ran(ended), ...lines(ended.stderr)];
  };
  assert.deepEqual(await shown(), [0, "db1 lb1 web1 web2"]);
  assert.deepEqual(await shown("--tags", "eu"), [0, "db1 web1"]);
  const some = "cb: 7 of the names in web[1-9] are not known: web[3-9]";
  assert.deepEqual(await shown("--to", "web[1-9]", "--not-to", "web2"), [0, "web1", some]);
  assert.deepEqual(await shown("--to", "web1,web3"), [64, "web1", "cb: web3 is not known"]);
  assert.deepEqual(await shown("--to", "wbe1"), [64, "", 'cb: wbe1 is not known, did you mean "web1"?']);
  assert.deepEqual(await shown("--to", "x*"), [64, "", "cb: no known agent is called x*"]);
  const { agents } = JSON.parse((await fleet.station("agents", "--json", "--to", "web1")).stdout);
  assert.deepEqual(
    agents.map(({ agent, tags }: Record<string, unknown>) => [agent, tags]),
    [["web1", ["eu", "web"]]],
  );
  const refused = await fleet.station("agents", "--reply-wait", "3");
  assert.deepEqual(
    [refused.status, lines(refused.stderr)[0]],
    [
      1,
      'cb: error: Cannot use option "--reply-wait" with "cb station agents": it belongs to "cb station run"',
    ],
  );
  const { stdout: help } = await fleet.station("agents", "--help");
  assert.ok(help.includes("--not-to") && !help.includes("--reply-wait") && !help.includes("--timeout"));
  fleet.file("home/.config/cb/station.toml", 'reply-wait = 3\noutput = "folded"\nguard = 5\n');
  assert.deepEqual(await shown("--tags", "db"), [0, "db1"]);
  assert.equal((await fleet.station("ping")).status, 0);
});

test("cb station run --output raw is for one agent, and runs nothing where it is known that several are meant", async () => {
  await using fleet = await Fleet.start();
  const agents = await four(fleet);
  const raw = ["run", "who", "--output", "raw"];
  const hint = "cb: hint: Say which one with --to, or use --to-directory for the bytes of each";
  for (const [options, who] of [
    [[], "4 are meant: db1,lb1,web[1-2]"],
    [["--tags", "web"], "2 are meant: web[1-2]"],
    [["--to", "web1,web7"], "2 are meant: web[1,7]"],
  ] as const) {
    const several = await fleet.station(...options, ...raw);
    said(several, 1, `cb: error: Cannot use --output raw: it shows one agent, and ${who}`, hint);
    assert.equal(several.stdout, "");
  }
  for (const agent of agents) assert.deepEqual(agent.records("command"), []);
  assert.equal((await fleet.station("--tags", "db", ...raw)).stdout, "db1\n");
});

/** A station on a terminal. */
function onTerminal(fleet: Fleet, args: string): Terminal {
  const environment = {
    PATH: "/usr/bin:/bin",
    HOME: fleet.path("home"),
    HOSTNAME: "station1",
    REDIS_CONNECTION_STRING: `unix://${fleet.redisSocket}`,
  };
  // The shell outlives a Ctrl-C, which reaches it, too.
  const command = `trap : INT; ${join(DIST, "cb")} station ${args}; echo "status $?"`;
  return new Terminal(command, environment, fleet.directory);
}

test("cb station run asks on a terminal before everybody of many is told to run something", async () => {
  await using fleet = await Fleet.start();
  const [web1] = await four(fleet);
  const question = /run "who" on all 4 agents that are known\? \[y\/N\] /;
  const [enter, interrupt, end] = ["\n", "\u0003", "\u0004"];
  for (const answer of [enter, "n\n", "yep\n", interrupt, end]) {
    const terminal = onTerminal(fleet, "run who --guard 3");
    await terminal.sees(question);
    terminal.type(answer);
    await terminal.sees(/Cannot run "who" on all agents: it was not confirmed/);
    await terminal.sees(answer === interrupt ? /status 130\b/ : /status 1\b/);
    await terminal.close();
  }
  assert.deepEqual(web1?.records("command"), []);
  for (const answer of ["y\n", "YES\n"]) {
    const terminal = onTerminal(fleet, "run who --guard 3");
    await terminal.sees(question);
    terminal.type(answer);
    await terminal.sees(/4 agents · 4 ok[\s\S]*status 0\b/);
    await terminal.close();
  }
  const excluded = onTerminal(fleet, "--not-to web1 run who --guard 2");
  await excluded.sees(/run "who" on all 3 agents/);
  excluded.type("n\n");
  await excluded.sees(/status 1\b/);
  await excluded.close();
  for (const to of ["--to '*'", "--to 'web?,*b[1-2]'"]) {
    const pattern = onTerminal(fleet, `${to} run who --guard 3`);
    await pattern.sees(question);
    pattern.type("n\n");
    await pattern.sees(/status 1\b/);
    await pattern.close();
  }
  assert.equal(web1?.records("command").length, 2);
  for (const args of [
    "run who",
    "run who --guard 4",
    "run who --guard 0",
    "run who --guard 3 --all",
    "--to 'web*' run who --guard 1",
    "--to web1,web2,db1,lb1 run who --guard 3",
    "ping",
    "run who --guard 3 --plan",
  ]) {
    const terminal = onTerminal(fleet, args);
    const [seen] = await terminal.sees(/[\s\S]*status \d+/);
    assert.ok(!seen.includes("known?") && seen.includes("status 0"), seen);
    await terminal.close();
  }
  said(await fleet.station("run", "who", "--guard", "1"), 0, "4 agents · 4 ok · # s");
});

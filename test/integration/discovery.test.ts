/** Who is new, who is missing, and who is not who he says: what a station remembers of agents, as its user meets it. */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { type Agent, Fleet, RUNTIMES } from "../support/fleet.ts";
import { type Finished, lines, withoutTimes } from "../support/running-program.ts";

const discoveryFile = (fleet: Fleet) => fleet.path("home/.cache/cb/discovery.toml");
const pinFile = (fleet: Fleet) => fleet.path("home/.local/state/cb/known_agents");

/** Asserts status and all that was said on standard error; times and keys as in `plain`. */
function said(ended: Finished, status: number, ...stderr: readonly string[]): void {
  assert.deepEqual([ended.status, ...lines(plain(ended.stderr))], [status, ...stderr]);
}

/** `#` for durations, `KEY` for fingerprints. */
function plain(text: string): string {
  return withoutTimes(text)
    .replace(/\b[0-9a-f]{16}\b/g, "KEY")
    .replace(/\d+ (second|minute)s? ago/g, "# ago");
}

/** Seconds from the request to the end, as the summary has them: the start of a program takes longer at times. */
function elapsed({ stderr }: Finished): number {
  return Number(/(\d+\.\d+) s\n$/.exec(stderr)?.[1]);
}

function keyOf(agent: Agent): string {
  return String(agent.records("start")[0]?.["agentKey"]);
}

/** Where another fleet's or machine's agent keeps its state. */
function elsewhere(fleet: Fleet, machine: string) {
  return { environment: { STATE_DIRECTORY: fleet.path(machine) } };
}

/** What a copy of a disk holds of an agent: all but the socket, which no disk keeps. */
function copyState({ state }: Agent, place: string): void {
  cpSync(state, place, { recursive: true, filter: (path) => !path.endsWith(".sock") });
}

/** Ends an agent, changes its disk, and starts it again. */
async function restarted(fleet: Fleet, agent: Agent, change: () => void): Promise<Agent> {
  await agent.stop();
  change();
  return fleet.agent(agent.identity);
}

const STRANGER =
  "cb: hint: whoever answers with another key may have run the command all the same; none of its output is shown";
const HINT =
  "cb: hint: an agent logs its key when it starts; if that is the new one: cb station agents accept NAME --fingerprint KEY";

for (const runtime of RUNTIMES) {
  test(`cb station on ${runtime} says who is new and who is missing, and remembers both [S11] [S34] [S35]`, async () => {
    await using fleet = await Fleet.start({ runtime });
    await fleet.agent("web1", ["--tags", "web,eu"]);
    const web2 = await fleet.agent("web2", ["--tags", "web"]);
    said(await fleet.station("ping"), 0, "cb: 2 new agents: web[1-2]", "2 agents · 2 ok · # s");
    said(await fleet.station("ping"), 0, "2 agents · 2 ok · # s");

    const web3 = await fleet.agent("web3", ["--tags", "web,us"]);
    const third = await fleet.station("ping");
    const summary = "3 agents · 3 ok · # s";
    said(third, 0, "cb: new agent web3 (us,web), key KEY", "cb: 1 new agent: web3", summary);
    assert.ok(third.stderr.includes(`key ${keyOf(web3)}`));

    await web2.stop();
    const without = await fleet.station("--tags", "web", "ping");
    said(without, 0, "cb: web2 is missing, last seen # ago", "3 agents · 2 ok · 1 missing · # s");

    const table = plain((await fleet.station("agents")).stdout).replaceAll(/ +/g, " ");
    assert.deepEqual(lines(table), [
      "web1 eu,web first seen # ago last seen # ago key KEY",
      "web2 web first seen # ago last seen # ago key KEY",
      "web3 us,web first seen # ago last seen # ago key KEY",
    ]);
  });
}

test("cb station --fail-missing adds 2 for agents that the tags could mean, and only for those [S36] [S48]", async () => {
  await using fleet = await Fleet.start();
  await fleet.agent("web1", ["--tags", "web,eu"]);
  const web2 = await fleet.agent("web2", ["--tags", "web,us"]);
  await fleet.station("run", "prints-arguments");
  await web2.stop();

  const missing = "cb: web2 is missing, last seen # ago";
  const summary = "2 agents · 1 ok · 1 missing · # s";
  for (const tags of [[], ["--tags", "web"], ["--tags", "us,web"]]) {
    const isAlone = tags.includes("us,web");
    const plainly = await fleet.station(...tags, "run", "prints-arguments");
    const failing = await fleet.station("-m", ...tags, "run", "prints-arguments");
    if (isAlone) {
      const none = "cb: no agent has the tags us,web (1 agent answered)";
      said(plainly, 64, missing, none, "1 agent · 1 missing · # s");
      said(failing, 66, missing, none, "1 agent · 1 missing · # s");
    } else {
      said(plainly, 0, missing, summary);
      said(failing, 2, missing, summary);
    }
    for (const ended of [plainly, failing]) assert.ok(elapsed(ended) < 2, ended.stderr);
  }
  said(await fleet.station("-m", "--tags", "eu", "ping"), 0, "1 agent · 1 ok · # s");
  said(
    await fleet.station("-m", "run", "exits-3"),
    6,
    "cb: web1: exit status 3 after # s",
    missing,
    "2 agents · 1 failed · 1 missing · # s",
  );
  const quiet = await fleet.station("--errors-only", "ping");
  said(quiet, 0);
});

test("cb station --fail-missing ends with 66 where known agents are missing and nobody answered", async () => {
  await using fleet = await Fleet.start();
  const web1 = await fleet.agent("web1");
  await fleet.station("ping");
  await web1.stop();
  const args = ["--hello-wait", "0.3", "ping"];
  const [missing, nobody] = [
    "cb: web1 is missing, last seen # ago",
    'cb: nobody answered: nobody listens on channel "default"',
  ];
  said(await fleet.station(...args), 64, missing, nobody, "1 agent · 1 missing · # s");
  said(await fleet.station("--fail-missing", ...args), 66, missing, nobody, "1 agent · 1 missing · # s");
});

test("cb station lets an explicit minimum wait pass, whoever is known", async () => {
  await using fleet = await Fleet.start();
  await fleet.agent("web1");
  const web2 = await fleet.agent("web2");
  await fleet.station("ping");
  await web2.stop();
  const { seconds } = await fleet.station("--minimum-wait", "1.5", "ping");
  assert.ok(seconds >= 1.5, `${seconds} s`);
});

test("cb station --no-discovery leaves the discovery file alone and still checks keys [S34]", async () => {
  await using fleet = await Fleet.start();
  const web1 = await fleet.agent("web1");
  said(await fleet.station("-D", "ping"), 0, "1 agent · 1 ok · # s");
  assert.deepEqual([existsSync(discoveryFile(fleet)), existsSync(pinFile(fleet))], [false, true]);
  await restarted(fleet, web1, () => rmSync(`${web1.state}/agent.key`));
  said(
    await fleet.station("-D", "-m", "ping"),
    32 + 64,
    "cb: web1 answers with another key than the one pinned: KEY, not KEY",
    "cb: web1 answers with another key than the one pinned: KEY, not KEY",
    "cb: nobody answered",
    HINT,
    "0 agents · # s",
  );
});

test("cb station --discovery-file reads and adds to a file of the original", async () => {
  await using fleet = await Fleet.start();
  const original = `[channels.default.agents.a1]
last_seen = 1700000000000
tags = ["prod", "web"]

[channels.default.agents."a 9"]
last_seen = 1700000000000
tags = []

[channels.office.agents.a1]
last_seen = 1700000000000
tags = []
`;
  const file = fleet.file("original.toml", original);
  await fleet.agent("web1", ["--tags", "web"]);
  const ended = await fleet.station("-m", "-d", file, "--tags", "web", "ping");
  assert.equal(ended.status, 2);
  assert.match(
    ended.stderr,
    /^cb: new agent web1 \(web\), key .+\ncb: 1 new agent: web1\ncb: a1 is missing, last seen \d+ days ago\n/,
  );
  assert.equal(existsSync(discoveryFile(fleet)), false);
  const written = readFileSync(file, "utf8");
  assert.match(
    written,
    /^\[channels\.default\.agents\.a1\]\nlast_seen = 1700000000000\ntags = \[ "prod", "web" \]$/m,
  );
  assert.match(
    written,
    /^\[channels\.default\.agents\.web1\]\nfirst_seen = \d+\nlast_seen = \d+\ntags = \[ "web" \]$/m,
  );
  assert.match(written, /^\[channels\.default\.agents\."a 9"\]$/m);
  assert.match(written, /^\[channels\.office\.agents\.a1\]$/m);
});

test("cb station names an agent whose key has changed on every run, until the new key is accepted", async () => {
  await using fleet = await Fleet.start();
  fleet.command("greets", 'echo "I am $1"');
  const web1 = await fleet.agent("web1");
  await fleet.agent("web2");
  await fleet.station("ping");
  const again = await restarted(fleet, web1, () => rmSync(`${web1.state}/agent.key`));
  const [before, now] = [keyOf(web1), keyOf(again)];
  assert.notEqual(now, before);
  for (let run = 0; run < 2; run++) {
    const ended = await fleet.station("run", "greets");
    assert.equal(ended.stdout, "web2 │ I am web2\n", "its output is not shown as web1's");
    said(
      ended,
      32,
      "cb: web1 answers with another key than the one pinned: KEY, not KEY",
      "cb: web1 is missing, last seen # ago",
      "cb: web1 answers with another key than the one pinned: KEY, not KEY",
      STRANGER,
      HINT,
      "2 agents · 1 ok · 1 missing · # s",
    );
    assert.ok(ended.stderr.includes(`${now}, not ${before}`));
    assert.ok(elapsed(ended) < 2, ended.stderr);
  }
  const accept = ["agents", "accept", "web1"];
  const refused = await fleet.station(...accept, "--fingerprint", before, "--hello-wait", "0.3");
  said(refused, 1, 'cb: error: Cannot accept key KEY for "web1": it answered with KEY');
  const accepted = await fleet.station(...accept, "--fingerprint", now);
  assert.deepEqual([accepted.status, accepted.stdout], [0, `Accepted key ${now} for web1\n`]);
  said(await fleet.station("-m", "run", "greets"), 0, "2 agents · 2 ok · # s");
});

test("cb station does not take an agent for another whose disk was copied to it", async () => {
  await using fleet = await Fleet.start();
  fleet.command("greets", 'echo "I am $1"');
  const web1 = await fleet.agent("web1");
  const web2 = await fleet.agent("web2");
  await fleet.station("ping");

  // The machine of web2 has been taken: it has the network key and a key of its own, and says that it is web1.
  const taken = fleet.path("taken/default/web1");
  mkdirSync(dirname(taken), { recursive: true });
  copyState(web2, taken);
  rmSync(`${taken}/lock`, { force: true });
  const impostor = await fleet.agent("web1", [], elsewhere(fleet, "taken"));
  assert.equal(keyOf(impostor), keyOf(web2));
  const mismatch = "cb: web1 answers with another key than the one pinned: KEY, not KEY";
  const both = await fleet.station("run", "greets");
  assert.deepEqual(lines(both.stdout).toSorted(), ["web1 │ I am web1", "web2 │ I am web2"]);
  // Both have answered, in whatever order: no key has changed, there are two of one name.
  said(
    both,
    32,
    mismatch,
    "cb: identity conflict: two agents call themselves web1",
    STRANGER,
    "2 agents · 2 ok · # s",
  );
  await web1.stop();
  const alone = await fleet.station("run", "greets");
  assert.equal(alone.stdout, "web2 │ I am web2\n");
  const missing = "cb: web1 is missing, last seen # ago";
  said(alone, 32, mismatch, missing, mismatch, STRANGER, HINT, "2 agents · 1 ok · 1 missing · # s");
});

test("cb station reports one key under two identities, and two agents under one, and pins neither of them", async () => {
  await using fleet = await Fleet.start();
  const web1 = await fleet.agent("web1");
  const copy = fleet.path("copy/default/web2");
  mkdirSync(dirname(copy), { recursive: true });
  copyState(web1, copy);
  const web2 = await fleet.agent("web2", [], elsewhere(fleet, "copy"));
  const first = await fleet.station("ping");
  assert.equal(first.status, 32);
  assert.match(first.stderr, /^cb: identity conflict: web[12] answers with the key of web[21]$/m);
  assert.equal(existsSync(pinFile(fleet)), false);
  await web2.stop();
  assert.equal(Number((await fleet.station("ping")).status) & 32, 0);

  // Now web1 is pinned, so it is clear whose key it is, whoever answers first.
  await fleet.agent("web2", [], elsewhere(fleet, "copy"));
  const conflict = "cb: identity conflict: web2 answers with the key of web1";
  const pinned = await fleet.station("-D", "ping");
  said(pinned, 32, conflict, conflict, "1 agent · 1 ok · # s");
  assert.match(pinned.stdout, /^web1 /);

  for (const machine of ["one", "two"]) await fleet.agent("twin", [], elsewhere(fleet, machine));
  const twins = await fleet.station("-D", "ping");
  assert.equal(twins.status, 32);
  const twin = "cb: identity conflict: two agents call themselves twin";
  assert.deepEqual(lines(twins.stderr).slice(0, -1).toSorted(), [twin, twin, conflict, conflict]);
  assert.doesNotMatch(readFileSync(pinFile(fleet), "utf8"), /twin|web2/);
});

test("cb station reports a copy of an agent, shows the output of one of both, and keeps the key", async () => {
  await using fleet = await Fleet.start();
  fleet.command("greets", 'echo "I am $1"');
  const web1 = await fleet.agent("web1");
  await fleet.station("ping");
  const pins = readFileSync(pinFile(fleet), "utf8");
  const copy = fleet.path("copy/default/web1");
  mkdirSync(dirname(copy), { recursive: true });
  copyState(web1, copy);
  const clone = await fleet.agent("web1", [], elsewhere(fleet, "copy"));
  assert.equal(keyOf(clone), keyOf(web1));
  const ended = await fleet.station("run", "greets");
  assert.equal(ended.stdout, "web1 │ I am web1\n");
  const conflict = "cb: identity conflict: two agents call themselves web1";
  said(ended, 32, conflict, conflict, "1 agent · 1 ok · # s");
  assert.equal(readFileSync(pinFile(fleet), "utf8"), pins);
});

test("cb station says while others still run who is new, who is missing and who has another key, and again at the end [S35]", async () => {
  await using fleet = await Fleet.start();
  const go = fleet.path("go");
  fleet.command("waits", `until [ -e ${go} ]; do sleep 0.05; done`);
  const web1 = await fleet.agent("web1");
  const web2 = await fleet.agent("web2");
  await fleet.agent("web3");
  await fleet.station("ping");
  await web2.stop();
  await restarted(fleet, web1, () => rmSync(`${web1.state}/agent.key`));

  const mismatch = "cb: web1 answers with another key than the one pinned: KEY, not KEY";
  const missing = "cb: web[1-2] (2 agents) are missing, last seen # ago";
  const newcomer = (name: string) => `cb: new agent ${name}, key KEY`;
  /** Asks, with a new agent among them, and lets the command end when so much has been said. */
  const watch = async (name: string, args: readonly string[], live: readonly string[]) => {
    await fleet.agent(name);
    rmSync(go, { force: true });
    const station = fleet.start(["station", ...args, "run", "waits"]);
    const heard = () => lines(plain(station.stderr));
    await station.until(live.join("\n"), () => heard().length >= live.length || undefined);
    assert.deepEqual(heard().toSorted(), live.toSorted());
    writeFileSync(go, "");
    const ended = await station.finished;
    return { ended, atTheEnd: lines(plain(ended.stderr)).slice(live.length) };
  };

  const usual = await watch("web4", [], [newcomer("web4"), mismatch, missing]);
  const summary = "4 agents · 2 ok · 2 missing · # s";
  assert.deepEqual(usual.atTheEnd, [missing, "cb: 1 new agent: web4", mismatch, STRANGER, HINT, summary]);
  assert.equal(usual.ended.status, 32);
  const failing = await watch("web5", ["--errors-only", "-m"], [mismatch, missing]);
  assert.deepEqual([failing.ended.status, failing.atTheEnd], [2 + 32, [mismatch, missing]]);
  const errors = await watch("web6", ["--errors-only"], [mismatch]);
  assert.deepEqual([errors.ended.status, errors.atTheEnd], [32, [mismatch]]);
});

test("cb station takes back that an agent is missing when it answers while others still run", async () => {
  await using fleet = await Fleet.start();
  const go = fleet.path("go");
  fleet.command("waits", `until [ -e ${go} ]; do sleep 0.05; done`);
  await fleet.agent("web1");
  const { program } = await fleet.agent("web2");
  await fleet.station("ping");
  program.kill("SIGSTOP");
  const station = fleet.start(["station", "--minimum-wait", "0.5", "run", "waits"]);
  const said = (pattern: RegExp) =>
    station.until(String(pattern), () => pattern.test(station.stderr) || undefined);
  await said(/^cb: web2 is missing, last seen .+ ago$/m);
  program.kill("SIGCONT");
  await said(/^cb: web2 has answered after all$/m);
  writeFileSync(go, "");
  const { status, stderr } = await station.finished;
  assert.deepEqual([status, lines(plain(stderr)).slice(2)], [0, ["2 agents · 2 ok · # s"]]);
});

test("cb station knows its agents by their keys after the network key was changed", async () => {
  await using fleet = await Fleet.start();
  const web1 = await fleet.agent("web1");
  await fleet.station("ping");
  const [pins, key] = [readFileSync(pinFile(fleet), "utf8"), keyOf(web1)];
  const rotate = () => {
    for (const name of ["network.key", "network.pub"]) rmSync(`${fleet.config}/${name}`);
  };
  await web1.stop();
  rotate();
  const pair = ["network", "-k", `${fleet.config}/network.pub`, "-K", `${fleet.config}/network.key`];
  assert.equal((await fleet.cb(["keygen", ...pair])).status, 0);
  const again = await fleet.agent("web1");
  assert.equal(keyOf(again), key);
  said(await fleet.station("-m", "ping"), 0, "1 agent · 1 ok · # s");
  await again.stop();
  rmSync(`${web1.state}/agent.key`);
  await fleet.agent("web1");
  assert.equal(Number((await fleet.station("ping")).status) & 32, 32);
  assert.equal(readFileSync(pinFile(fleet), "utf8"), pins);
});

test("cb station sets a damaged discovery file aside, and its status is that of the run", async () => {
  await using fleet = await Fleet.start();
  await fleet.agent("web1");
  await fleet.station("ping");
  writeFileSync(discoveryFile(fleet), "[channels.default.agents.web1\n");
  const ended = await fleet.station("-m", "ping");
  assert.equal(ended.status, 0);
  const path = discoveryFile(fleet);
  const [notice, ...rest] = lines(plain(ended.stderr.replaceAll(path, "FILE")));
  assert.match(
    notice ?? "",
    /^cb: Cannot read "FILE": line 1, column \d+: .+; set it aside as "FILE\.damaged-\d{13}"$/,
  );
  assert.deepEqual(rest, ["cb: 1 new agent: web1", "1 agent · 1 ok · # s"]);
  const files = readdirSync(dirname(path)).map((name) => name.replace(/\d{13}/, "TIME"));
  assert.deepEqual(files.sort(), ["discovery.toml", "discovery.toml.damaged-TIME", "discovery.toml.lock"]);
});

test("cb station stops at a damaged pin file before anything is published, naming the line", async () => {
  await using fleet = await Fleet.start({ tapped: true });
  await fleet.agent("web1");
  await fleet.station("ping");
  const before = fleet.tap.requests.length;
  const text = readFileSync(pinFile(fleet), "utf8");
  writeFileSync(pinFile(fleet), text.replace(/.\n$/, "\n"));
  for (const args of [["ping"], ["-D", "run", "reload"], ["agents"], ["agents", "forget", "web1"]]) {
    const ended = await fleet.station(...args);
    said(ended, 1, `cb: error: Cannot use "${pinFile(fleet)}": the key in line 2 is damaged`);
  }
  assert.equal(fleet.tap.requests.length, before);
});

test("cb station runs where it cannot remember anything, and says so", async () => {
  await using fleet = await Fleet.start();
  await fleet.agent("web1");
  const [cache, state] = [fleet.path("home/.cache"), fleet.path("home/.local")];
  for (const path of [cache, state]) writeFileSync(path, "");
  const ended = await fleet.station("run", "prints-arguments");
  said(
    ended,
    0,
    `cb: Cannot create "${state}/state": not a directory`,
    `cb: Cannot create "${cache}/cb": not a directory`,
    "cb: 1 new agent: web1",
    "1 agent · 1 ok · # s",
  );
});

test("cb station agents forget takes agents out of both files, and names one that it does not know", async () => {
  await using fleet = await Fleet.start();
  const web1 = await fleet.agent("web1");
  await fleet.agent("web2");
  await fleet.station("ping");
  await web1.stop();
  const stranger = await fleet.station("agents", "forget", "web1", "wbe2");
  said(
    stranger,
    1,
    'cb: error: Cannot forget "wbe2": no such agent is known on channel "default", did you mean "web2"?',
  );
  const forgotten = await fleet.station("agents", "forget", "web1");
  assert.deepEqual([forgotten.status, forgotten.stdout], [0, "Forgot web1\n"]);
  said(await fleet.station("-m", "ping"), 0, "1 agent · 1 ok · # s");
  rmSync(`${web1.state}/agent.key`);
  await fleet.agent("web1");
  const back = await fleet.station("-m", "ping");
  said(back, 0, "cb: new agent web1, key KEY", "cb: 1 new agent: web1", "2 agents · 2 ok · # s");
});

test("cb station agents accept wants a fingerprint, and an agent that answers with it", async () => {
  await using fleet = await Fleet.start();
  const missing = 'Cannot accept a key for "web1": --fingerprint is missing';
  const accept = (...args: readonly string[]) => fleet.station("agents", "accept", "web1", ...args);
  said(
    await accept(),
    1,
    `cb: error: ${missing}`,
    "cb: hint: Read the key in the log of web1, where it starts",
  );
  assert.match((await accept("--fingerprint", "12")).stderr, /expected 16 hexadecimal digits/);
  const unheard = await accept("--fingerprint", "0123456789abcdef", "--hello-wait", "0.3");
  said(unheard, 1, 'cb: error: Cannot accept key KEY for "web1": it did not answer');
  assert.equal(existsSync(pinFile(fleet)), false);
});

test("twenty stations at once lose no agent, and no run", async () => {
  await using fleet = await Fleet.start();
  const names = ["web1", "web2", "web3"];
  await Promise.all(names.map((name) => fleet.agent(name)));
  // So many programs on a small machine take their time.
  const ping = ["--hello-wait", "20", "ping"];
  const runs = await Promise.all(Array.from({ length: 20 }, () => fleet.station(...ping)));
  for (const { status, stderr } of runs) assert.equal(status, 0, stderr);
  const listed = lines((await fleet.station("agents")).stdout).map((line) => line.split(" ")[0]);
  assert.deepEqual(listed, names);
  const { status, stderr } = await fleet.station("-m", "ping");
  assert.equal(status, 0, stderr);
});

/** What `--retry-failed` repeats after runs that ended in every way, and what it says of them. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { until } from "../hub/hub-fixture.ts";
import { Fleet } from "../support/fleet.ts";
import { RedisAdmin } from "../support/redis-admin.ts";
import { type Finished, lines } from "../support/running-program.ts";

/**
 * A fleet whose agents are known. A "job" prints a line, stays for as long as there is a file hold-NAME, and fails
 * where there is a file fail-NAME.
 */
async function fleetOf(...names: readonly string[]): Promise<Fleet> {
  const fleet = await Fleet.start();
  fleet.command(
    "job",
    `echo "$1" >>${fleet.path("ran")}`,
    `while echo working && [ -e ${fleet.path("hold-")}"$1" ]; do sleep 0.05; done`,
    `[ ! -e ${fleet.path("fail-")}"$1" ]`,
  );
  fleet.command("other", "true");
  await Promise.all(names.map((name) => fleet.agent(name)));
  assert.equal((await fleet.station("ping")).status, 0);
  return fleet;
}

/** Makes files `WHAT-NAME`, which are there until `lift`. */
function set(fleet: Fleet, what: "hold" | "fail", ...names: readonly string[]): void {
  for (const name of names) fleet.file(`${what}-${name}`, "");
}

function lift(fleet: Fleet, what: "hold" | "fail", ...names: readonly string[]): void {
  for (const name of names) rmSync(fleet.path(`${what}-${name}`));
}

/** Who has run the job since this was asked the last time. */
function whoRan(fleet: Fleet): string {
  if (!existsSync(fleet.path("ran"))) return "";
  const names = lines(readFileSync(fleet.path("ran"), "utf8")).toSorted();
  rmSync(fleet.path("ran"));
  return names.join(" ");
}

function pathOf(fleet: Fleet, command = "job"): string {
  return fleet.path(`home/.local/state/cb/last-runs/default/${command}.json`);
}

function recorded(fleet: Fleet, command?: string): Readonly<Record<string, string>> {
  const path = pathOf(fleet, command);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).agents : {};
}

async function retry(fleet: Fleet, ...args: readonly string[]): Promise<Finished> {
  return fleet.station("run", "job", "--retry-failed", "--output", "quiet", ...args);
}

/** What is said first, with `#` for times of day. */
function words({ stderr }: Finished): readonly string[] {
  return lines(stderr.replace(/(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d/g, "#")).filter((line) =>
    line.startsWith("cb: "),
  );
}

const NOTHING = (agents: number, when = "at #") =>
  `cb: nothing to repeat: "job" went well on all ${agents} agents ${when}`;
/** Not all of them were meant by the last run. */
const EARLIER = "at # and before";

test("cb station run --retry-failed repeats after kill -9 where no end was heard, and says of how many", async () => {
  await using fleet = await fleetOf("web1", "web2", "web3");
  assert.equal((await fleet.station("run", "job")).status, 0);
  assert.deepEqual(words(await retry(fleet)), [NOTHING(3)]);
  set(fleet, "hold", "web2", "web3");
  const station = fleet.start(["station", "run", "job"]);
  await station.says(/web2 │ working[\s\S]*web3 │ working|web3 │ working[\s\S]*web2 │ working/);
  await until("the first has ended, and it is written", () => recorded(fleet)["web1"] === "ok");
  assert.deepEqual(recorded(fleet), { web1: "ok", web2: "in doubt", web3: "in doubt" });
  station.kill("SIGKILL");
  await station.finished;
  lift(fleet, "hold", "web2", "web3");
  assert.equal(whoRan(fleet), "web1 web1 web2 web2 web3 web3");
  const again = await retry(fleet);
  assert.equal(again.status, 0, again.stderr);
  assert.deepEqual(words(again), [
    'cb: repeats "job" of # on 2 agents: web[2-3]',
    "cb: it is not known how that run ended on 2 agents: web[2-3]; it was cut off there, or still runs",
  ]);
  assert.equal(whoRan(fleet), "web2 web3");
  assert.deepEqual(words(await retry(fleet)), [NOTHING(3, EARLIER)]);
});

test("cb station run has everybody who is known on record before anything runs", async () => {
  await using fleet = await fleetOf("web1", "web2");
  fleet.command("looks", `cat ${pathOf(fleet, "looks")}`);
  assert.equal((await fleet.station("run", "looks")).status, 0);
  const { stdout } = await fleet.station("--to", "web1", "run", "looks", "--output", "raw");
  const { version, command, begun, agents } = JSON.parse(stdout);
  assert.deepEqual([version, command, agents], [1, "looks", { web1: "in doubt", web2: "ok" }]);
  const age = Date.now() - Date.parse(begun);
  assert.ok(age >= 0 && age < 60_000, begun);
});

test("cb station run --retry-failed knows of runs whose output nobody took", async () => {
  await using fleet = await fleetOf("web1", "web2");
  assert.equal((await fleet.station("run", "job")).status, 0);
  set(fleet, "hold", "web1", "web2");
  const cut = async (redirection: string) => {
    const script = `"$@" ${redirection}; exit \${PIPESTATUS[0]}`;
    const { status } = await fleet.cb(["station", "run", "job"], {
      wrapper: ["bash", "-c", script, "bash"],
    });
    return status;
  };
  assert.equal(await cut("| head -n 1"), 141);
  assert.deepEqual(recorded(fleet), { web1: "in doubt", web2: "in doubt" });
  lift(fleet, "hold", "web1");
  const { stderr } = await retry(fleet, "--not-to", "web2");
  assert.match(stderr, /^cb: repeats "job" of (\S+ )?\d\d:\d\d:\d\d on 1 agent: web1$/m);
  assert.deepEqual(recorded(fleet), { web1: "ok", web2: "in doubt" });
  assert.equal(await cut(">/dev/full"), 1);
  assert.deepEqual(recorded(fleet), { web1: "in doubt", web2: "in doubt" });
  lift(fleet, "hold", "web2");
  assert.equal((await retry(fleet)).status, 0);
  assert.deepEqual(words(await retry(fleet)), [NOTHING(2)]);
});

test("cb station run --retry-failed repeats what Ctrl-C has ended, and nothing else", async () => {
  await using fleet = await fleetOf("web1", "web2", "web3");
  set(fleet, "hold", "web2");
  const station = fleet.start(["station", "--to", "web1,web2", "run", "job"]);
  await station.says(/web2 │ working/);
  await until("the first has ended", () => recorded(fleet)["web1"] === "ok");
  station.kill("SIGINT");
  assert.equal((await station.finished).status, 130);
  assert.deepEqual(recorded(fleet), { web1: "ok", web2: "failed" });
  lift(fleet, "hold", "web2");
  whoRan(fleet);
  assert.deepEqual(words(await retry(fleet)), ['cb: repeats "job" of # on 1 agent: web2']);
  assert.equal(whoRan(fleet), "web2");
});

test("cb station run --retry-failed forgets no failure for a run that left it out, or reached nobody", async () => {
  await using fleet = await fleetOf("web1", "web2", "web3");
  set(fleet, "fail", "web1", "web2");
  assert.equal((await fleet.station("run", "job")).status, 4);
  lift(fleet, "fail", "web1");
  assert.equal((await fleet.station("--to", "web1", "run", "job")).status, 0);
  assert.equal((await fleet.station("--tags", "nowhere", "run", "job")).status, 64);
  assert.equal(
    (await fleet.station("--channel", "elsewhere", "--hello-wait", "0.1", "run", "job")).status,
    64,
  );
  assert.deepEqual(recorded(fleet), { web1: "ok", web2: "failed", web3: "ok" });
  assert.equal((await fleet.station("--to", "web9", "--minimum-wait", "0.1", "run", "job")).status, 64);
  whoRan(fleet);
  // One failure more, and one that is repeated and fails again.
  const again = await retry(fleet, "--minimum-wait", "0.1");
  assert.deepEqual(
    [again.status, words(again)[0]],
    [64 + 4, 'cb: repeats "job" of # and before on 2 agents: web[2,9]'],
  );
  assert.equal(whoRan(fleet), "web2");
  assert.deepEqual(recorded(fleet), { web1: "ok", web2: "failed", web3: "ok", web9: "missing" });
  // A name that nobody has does not outlive a run for everybody.
  lift(fleet, "fail", "web2");
  assert.equal((await fleet.station("run", "job")).status, 0);
  assert.deepEqual(words(await retry(fleet)), [NOTHING(3)]);
  assert.equal((await fleet.station("agents", "forget", "web3")).status, 0);
  assert.deepEqual(recorded(fleet), { web1: "ok", web2: "ok" });
});

test("cb station run --retry-failed says who of the failed is asked, where tags leave some of them out", async () => {
  await using fleet = await fleetOf("web1", "web2");
  for (const name of ["db1", "db2"]) await fleet.agent(name, ["--tags", "db"]);
  await fleet.agent("eu1", ["--tags", "eu"]);
  assert.equal((await fleet.station("ping")).status, 0);
  set(fleet, "fail", "web1", "db1", "db2");
  assert.equal((await fleet.station("run", "job")).status, 4);
  whoRan(fleet);
  const planned = await retry(fleet, "--tags", "db", "--plan");
  assert.deepEqual(words(planned), ['cb: would repeat "job" of # on 2 agents: db[1-2]']);
  assert.equal(planned.status, 0);
  const tagged = await retry(fleet, "--tags", "db");
  assert.equal(whoRan(fleet), "db1 db2");
  assert.deepEqual([tagged.status, words(tagged)[0]], [4, 'cb: repeats "job" of # on 2 agents: db[1-2]']);
  const before = await retry(fleet, "--tags", "!db");
  assert.deepEqual([before.status, words(before)[0]], [4, 'cb: repeats "job" of before # on 1 agent: web1']);
  const none = await retry(fleet, "--tags", "eu");
  assert.deepEqual(
    [none.status, words(none).find((line) => line.includes("repeat"))],
    [
      64,
      'cb: "job" of # and before is to be repeated on 3 agents: db[1-2],web1; ' +
        "none has the tag eu, as far as is known",
    ],
  );
  assert.equal(whoRan(fleet), "web1");
});

test("cb station run --retry-failed takes nothing for begun that Redis refused to publish", async () => {
  await using fleet = await fleetOf("web1", "web2");
  await using admin = await RedisAdmin.connect(fleet);
  set(fleet, "fail", "web2");
  assert.equal((await fleet.station("run", "job")).status, 4);
  const before = readFileSync(pathOf(fleet), "utf8");
  await admin.ask("ACL", "SETUSER", "default", "-publish");
  for (const command of ["job", "other"]) {
    const refused = await fleet.station("run", command);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^cb: error: Cannot publish on /);
    assert.equal(readFileSync(pathOf(fleet), "utf8"), before);
    assert.deepEqual(recorded(fleet, "other"), {});
  }
});

test("cb station run loses nothing of two runs at a time, of one command or of two", async () => {
  await using fleet = await fleetOf("web1", "web2", "web3");
  set(fleet, "hold", "web1", "web2");
  set(fleet, "fail", "web1", "web2");
  const stations = ["web1", "web2"].map((name) => fleet.start(["station", "--to", name, "run", "job"]));
  await Promise.all(stations.map((station) => station.says(/working/)));
  lift(fleet, "hold", "web1", "web2");
  for (const station of stations) assert.equal((await station.finished).status, 4);
  assert.deepEqual(recorded(fleet), { web1: "failed", web2: "failed" });

  set(fleet, "hold", "web1");
  const first = fleet.start(["station", "--to", "web1", "run", "job"]);
  await first.says(/working/);
  assert.equal((await fleet.station("run", "other")).status, 0);
  lift(fleet, "hold", "web1");
  const { status, stderr } = await first.finished;
  assert.equal(status, 4);
  assert.doesNotMatch(stderr, /other|retry/);
  assert.deepEqual(recorded(fleet), { web1: "failed", web2: "failed" });
  assert.deepEqual(recorded(fleet, "other"), { web1: "ok", web2: "ok", web3: "ok" });
  lift(fleet, "fail", "web1");
  whoRan(fleet);
  const again = await retry(fleet);
  assert.deepEqual(
    [again.status, words(again)[0]],
    [4, 'cb: repeats "job" of # and before on 2 agents: web[1-2]'],
  );
  assert.equal(whoRan(fleet), "web1 web2");
  assert.deepEqual(recorded(fleet), { web1: "ok", web2: "failed" });
});

test("cb station run goes on where no record can be kept, and says so", async () => {
  await using fleet = await fleetOf("web1");
  mkdirSync(fleet.path("home/.local/state/cb"), { recursive: true });
  fleet.file("home/.local/state/cb/last-runs", "");
  const { status, stdout, stderr } = await fleet.station("run", "job");
  assert.deepEqual([status, stdout], [0, "web1 │ working\n"]);
  assert.match(stderr, /^cb: Cannot create "[^"]*last-runs\/default": not a directory$/m);
});

test("cb station run --retry-failed says how many names a request holds", async () => {
  await using fleet = await fleetOf("web1", "web2");
  assert.equal((await fleet.station("run", "job")).status, 0);
  const names = Array.from({ length: 9_000 }, (_, index) => `long-server-name-${index}`);
  const agents = Object.fromEntries([...names, "web1"].map((name) => [name, "failed"]));
  const begun = new Date().toISOString();
  writeFileSync(pathOf(fleet), JSON.stringify({ version: 1, command: "job", begun, agents }));
  const many = await retry(fleet);
  const [, fitting = ""] = /: a request holds (\d+) of these names$/m.exec(many.stderr) ?? [];
  const error = `cb: error: Cannot repeat a run on 9001 agents at once: a request holds ${fitting} of these names`;
  const hint = "cb: hint: Leave the others out with --not-to, then repeat it for them: they stay on record";
  assert.deepEqual([many.status, lines(many.stderr)], [1, [error, hint]]);
  assert.ok(Number(fitting) > 2_000 && Number(fitting) < 8_192, fitting);
  const some = await retry(fleet, "--not-to", "long-*");
  assert.deepEqual([some.status, words(some)], [0, ['cb: repeats "job" of # on 1 agent: web1']]);
  assert.equal(Object.keys(recorded(fleet)).length, 9_001);
});

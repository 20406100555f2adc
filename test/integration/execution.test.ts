/** What a command is given, how long it may run, and which may run beside which: through the whole product. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { until } from "../hub/hub-fixture.ts";
import { type Agent, Fleet } from "../support/fleet.ts";
import { RedisAdmin } from "../support/redis-admin.ts";
import { assertEnded, lines, processIsGone, type RunningProgram } from "../support/running-program.ts";
import { ShiftedClock } from "../support/shifted-clock.ts";

test("cb agent gives a command the documented environment and nothing of its own", async () => {
  await using fleet = await Fleet.start();
  const environment = { DATABASE_PASSWORD: "secret", CB_JOBS: "2", LANG: "de_DE.UTF-8" };
  const agent = await fleet.agent("web1", ["--tags", "web,eu"], { environment });
  const { status, stdout } = await fleet.station("run", "prints-environment");
  assert.equal(status, 0);
  const { session, station } = await agent.logged("command");
  assert.deepEqual(
    stdout
      .replace(/^web1 │ /, "")
      .trimEnd()
      .split("\0")
      .slice(0, -1)
      .toSorted(),
    [
      "CB_CHANNEL=default",
      "CB_COMMAND=prints-environment",
      "CB_IDENTITY=web1",
      `CB_SESSION=${session}`,
      `CB_STATION=${station}`,
      "CB_TAGS=eu,web",
      "LANG=C.UTF-8",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ],
  );
});

test("cb agent gives a command one argument and surroundings that never differ [S4] [S9]", async () => {
  await using fleet = await Fleet.start();
  const odd = 'umask 077; trap "" TERM; exec 7</etc/passwd; exec "$@"';
  await fleet.agent("web1", [], { wrapper: ["sh", "-c", odd, "sh"] });

  const { stdout } = await fleet.station("run", "prints-arguments");
  assert.match(stdout, /^web1 │ \/.+\/prints-arguments\nweb1 │ 1\nweb1 │ web1\n$/);

  const surroundings = await fleet.station("run", "prints-surroundings");
  const facts = Object.fromEntries(
    lines(surroundings.stdout).map((line) => {
      const [, name = "", value = ""] = /^web1 │ (\S+) (.*)$/.exec(line) ?? [];
      return [name, value];
    }),
  );
  const { pid, group, session, ...rest } = facts;
  assert.deepEqual(rest, {
    cwd: "/",
    umask: "0022",
    stdin: "/dev/null",
    descriptors: "0 1 2 3", // 3 is the directory that is being listed
    ignored: "0000000000000000",
    blocked: "0000000000000000",
  });
  assert.deepEqual([group, session], [pid, pid]);
});

test("cb agent --log-command-output logs what commands print", async () => {
  await using fleet = await Fleet.start();
  fleet.command("greet", "echo hello; echo oops >&2");
  const agent = await fleet.agent("web1", ["-l"]);
  await fleet.station("run", "greet");
  await agent.logged("command");
  const logged = agent.records("output").map(({ command, stream, text }) => [command, stream, text]);
  assert.deepEqual(logged.toSorted(), [
    ["greet", "stderr", "oops"],
    ["greet", "stdout", "hello"],
  ]);
});

test("cb agent logs one line for each command that was run", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1");
  await fleet.station("run", "exits-3");
  const { level, command, ending, status, seconds } = await agent.logged("command");
  assert.deepEqual([level, command, ending, status], ["info", "exits-3", "exited", 3]);
  assert.ok(Number(seconds) < 15, `${seconds} s`);
});

test("cb agent --jobs 1 lets the next command wait, and says so", async () => {
  await using fleet = await Fleet.start();
  fleet.command("first", "echo started", `until [ -e ${fleet.path("go")} ]; do sleep 0.02; done`);
  fleet.command("second", `[ -e ${fleet.path("go")} ] && echo "after the first"`);
  const agent = await fleet.agent("web1", ["--jobs", "1", "--verbose"]);
  const first = fleet.start(["station", "run", "first"]);
  await first.says(/started/);

  assertEnded(await fleet.station("--reply-wait", "0.3", "run", "second"), 8, {
    stderr: [
      "cb: web1 is queued and said nothing for 0.30 s, its command may still run",
      "1 agent · 1 unfinished · # s",
    ],
  });
  const second = fleet.start(["station", "run", "second"]);
  await agent.logged("request", 3);
  writeFileSync(fleet.path("go"), "");
  assertEnded(await second.finished, 0, {
    stdout: ["web1 │ after the first"],
    stderr: ["1 agent · 1 ok · # s"],
  });
  assert.equal((await first.finished).status, 0);
});

/** An agent whose one slot is taken until `go` is called. */
async function busyAgent(fleet: Fleet, clock: ShiftedClock) {
  const note = fleet.path("note");
  fleet.command("first", "echo started", `until [ -e ${fleet.path("go")} ]; do sleep 0.02; done`);
  fleet.command("second", `echo second | tee -a ${note}`);
  const agent = await fleet.agent("web1", ["--jobs", "1", "--verbose"], clock.surroundings);
  const first = fleet.start(["station", "run", "first"]);
  await first.says(/started/);
  const go = () => fleet.file("go", "");
  const runs = () => (existsSync(note) ? lines(readFileSync(note, "utf8")).length : 0);
  return { agent, first, go, runs };
}

async function queueUp(fleet: Fleet, agent: Agent): Promise<RunningProgram> {
  const requests = agent.records("request").length;
  const station = fleet.start(["station", "run", "second"]);
  await agent.logged("request", requests + 1);
  return station;
}

test("cb agent never starts what waited for a station that has gone, and lets nobody wait for that", async () => {
  await using fleet = await Fleet.start();
  const { agent, go, runs } = await busyAgent(fleet, new ShiftedClock(fleet, { rate: 10 }));
  assert.equal((await fleet.station("--reply-wait", "0.2", "run", "second")).status, 8);
  const killed = await queueUp(fleet, agent);
  killed.kill("SIGKILL");
  await killed.finished;
  await using admin = await RedisAdmin.connect(fleet);
  const presences = await admin.keys("cb:*:station:*");
  assert.equal(presences.length, 2, "of the first and the killed one");
  for (const presence of presences) await admin.ask("DEL", presence); // it would be there for 30 s
  const living = await queueUp(fleet, agent);
  go();
  assert.equal((await living.finished).status, 0);
  await agent.logged("command", 4);
  const [, ...rest] = agent.records("command").map(({ ending, detail }) => [ending, detail]);
  const gone = ["never-started", "its station has gone"];
  assert.deepEqual(rest, [["exited", undefined], gone, gone]);
  assert.equal(runs(), 1);
});

test("cb agent starts what waited once the sign of life of its station is back", async () => {
  await using fleet = await Fleet.start();
  const { agent, go } = await busyAgent(fleet, new ShiftedClock(fleet));
  const waiting = await queueUp(fleet, agent);
  await using admin = await RedisAdmin.connect(fleet);
  const presences = await admin.keys("cb:*:station:*");
  for (const presence of presences) await admin.ask("DEL", presence);
  go();
  await until("the agent has asked", async () =>
    String(await admin.ask("INFO", "commandstats")).includes("cmdstat_llen:"),
  );
  // Sooner than the station does by itself.
  for (const presence of presences) await admin.ask("SET", presence, "1");
  assertEnded(await waiting.finished, 0, { stdout: ["web1 │ second"], stderr: ["1 agent · 1 ok · # s"] });
});

test("cb agent whose clock is set back by an hour ends what runs, and at once gives up what waits", async () => {
  await using fleet = await Fleet.start();
  const clock = new ShiftedClock(fleet);
  const { agent, first, go, runs } = await busyAgent(fleet, clock);
  const waiting = await queueUp(fleet, agent);
  clock.set(-3_600_000);
  go();
  assert.equal((await first.finished).status, 0);
  assertEnded(await waiting.finished, 64, {
    stderr: [
      "cb: web1 never started the command: the agent's clock was changed",
      "1 agent · 1 not run · # s",
    ],
  });
  assertEnded(await fleet.station("run", "second"), 16, {
    stderr: ["cb: web1 refused: its clock is 3600 s behind", "1 agent · 1 refused · # s"],
  });
  clock.set(0);
  assert.equal((await fleet.station("run", "second")).status, 0);
  assert.equal(runs(), 1);
});

test("cb agent runs the same command once at a time", async () => {
  await using fleet = await Fleet.start();
  const note = fleet.path("note");
  fleet.command("deploy", `echo begin | tee -a ${note}`, "sleep 0.2", `echo end | tee -a ${note}`);
  await fleet.agent("web1");
  const stations = [1, 2, 3].map(() => fleet.station("run", "deploy"));
  for (const ended of await Promise.all(stations)) {
    assertEnded(ended, 0, { stdout: ["web1 │ begin", "web1 │ end"], stderr: ["1 agent · 1 ok · # s"] });
  }
  assert.deepEqual(lines(readFileSync(note, "utf8")), Array(3).fill(["begin", "end"]).flat());
});

const limits = [
  ["of the station", ["--timeout", "0.3"], ["--time-limit", "60"]],
  ["of the agent", ["--timeout", "60"], ["--time-limit", "0.3"]],
] as const;

for (const [whose, stationOptions, agentOptions] of limits) {
  test(`cb agent ends a command at the shorter time limit, that ${whose}`, async () => {
    await using fleet = await Fleet.start();
    fleet.command("stays", "sleep 60 &", 'echo "processes $$ $!"', "wait");
    await fleet.agent("web1", agentOptions);
    const station = fleet.start(["station", ...stationOptions, "run", "stays"]);
    const [, leader = "", member = ""] = await station.says(/processes (\d+) (\d+)\n/);
    const ended = await station.finished;
    assertEnded(ended, 4, {
      stdout: [`web1 │ processes ${leader} ${member}`],
      stderr: ["cb: web1: ended at its time limit after # s", "1 agent · 1 failed · # s"],
    });
    assert.ok(ended.seconds < 15, `${ended.seconds} s`);
    await processIsGone(leader);
    await processIsGone(member);
  });
}

test("cb agent kills a command that ignores SIGTERM after the stop grace", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1", ["--time-limit", "0.2", "--stop-grace", "0.3"]);
  const station = fleet.start(["station", "run", "ignores-sigterm"]);
  const [, pid = ""] = await station.says(/ready (\d+)\n/);
  const ended = await station.finished;
  assert.equal(ended.status, 4);
  assert.match(ended.stderr, /^cb: web1: ended at its time limit after \d\.\d\d s$/m);
  assert.ok(ended.seconds < 15, `${ended.seconds} s`);
  assert.equal((await agent.logged("command"))["signal"], "SIGKILL");
  await processIsGone(pid);
});

test("cb agent stops reading at the drain grace, and tells the station", async () => {
  await using fleet = await Fleet.start();
  fleet.command("starts-daemon", "sleep 60 &", 'echo "daemon $!"');
  await fleet.agent("web1", ["--drain-grace", "0.2"]);
  const ended = await fleet.station("run", "starts-daemon");
  const [, daemon = ""] = /daemon (\d+)/.exec(ended.stdout) ?? [];
  assertEnded(ended, 0, {
    stdout: [`web1 │ daemon ${daemon}`],
    stderr: [
      "cb: web1: a process that the command left behind still held its output",
      "1 agent · 1 ok · # s",
    ],
  });
  assert.ok(ended.seconds < 15, `${ended.seconds} s`);
  assert.ok(existsSync(`/proc/${daemon}`), "it is left alone");
  process.kill(Number(daemon));
});

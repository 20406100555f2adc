/** The main job on real parts: keys, agents and a station through a real Redis, as their user meets them. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { test } from "node:test";
import { Fleet, RUNTIMES } from "../support/fleet.ts";
import { assertEnded, lines } from "../support/running-program.ts";

for (const runtime of RUNTIMES) {
  test(`cb on ${runtime} shows what agents print, and what became of them [S2] [S3] [S5] [S7] [S8] [S26] [S31] [S32] [S33] [S47]`, async () => {
    await using fleet = await Fleet.start({ runtime });
    fleet.command("reload", 'echo "nginx reloaded"', 'echo "1 warning" >&2');
    await Promise.all([
      fleet.agent("web1", ["--tags", "web,eu"]),
      fleet.agent("web2", ["--tags", "web", "--tags", "us"]),
      fleet.agent("database1", ["--tags", "database", "eu"]),
    ]);

    const reload = await fleet.station("--tags", "web", "run", "reload");
    assert.equal(reload.status, 0, reload.stderr);
    assert.deepEqual(lines(reload.stdout).toSorted(), ["web1 │ nginx reloaded", "web2 │ nginx reloaded"]);
    assert.deepEqual(lines(reload.stderr).slice(0, -1).toSorted(), [
      "cb: 3 new agents: database1, web1, web2",
      "web1 ! 1 warning",
      "web2 ! 1 warning",
    ]);
    assert.match(lines(reload.stderr).at(-1) ?? "", /^2 agents · 2 ok · \d+\.\d\d s$/);

    const ping = await fleet.station("ping");
    assert.equal(ping.status, 0, ping.stderr);
    const rows = lines(ping.stdout).map((line) => line.replace(/ +\d+\.\d ms/, " # ms"));
    assert.deepEqual(
      rows.map((row) => row.replace(/[+-]\d\.\d s$/, "# s")),
      [
        "database1 # ms   cb 0.1.0   database,eu   clock # s",
        "web1 # ms   cb 0.1.0   eu,web        clock # s",
        "web2 # ms   cb 0.1.0   us,web        clock # s",
      ],
    );
    assert.match(ping.stderr, /^3 agents · 3 ok · \d+\.\d\d s\n$/);

    const onWeb1 = ["--tags", "web,eu", "run"];
    assertEnded(await fleet.station(...onWeb1, "exits-3"), 4, {
      stderr: ["cb: web1: exit status 3 after # s", "1 agent · 1 failed · # s"],
    });
    assertEnded(await fleet.station(...onWeb1, "kills-itself"), 4, {
      stderr: ["cb: web1: ended by SIGKILL after # s", "1 agent · 1 failed · # s"],
    });
    assertEnded(await fleet.station(...onWeb1, "missing"), 16, {
      stderr: [
        'cb: web1 refused: no such command "missing"',
        'cb: hint: "cb station commands" shows which there are',
        "1 agent · 1 refused · # s",
      ],
    });
    const { bytes } = await fleet.station(...onWeb1, "prints-binary");
    const shown = [Buffer.from("web1 │ \0\r\nweb1 │ \x1b[2J"), Uint8Array.of(0xc3, 0xff, 0x0a)];
    assert.deepEqual(Buffer.from(bytes), Buffer.concat(shown));
  });
}

test("cb-keygen says which key goes where [S25]", async () => {
  await using fleet = await Fleet.start();
  const directory = fleet.path("keys");
  const { status, stdout, stderr } = await fleet.cb(["keygen", "--directory", directory]);
  assert.equal(status, 0, stderr);
  const told = stdout.replaceAll(/[0-9a-f]{16}/g, "#").replaceAll(directory, "keys");
  assert.deepEqual(lines(told), [
    "Wrote keys/network.key: network secret key #, for every agent",
    "Wrote keys/network.pub: network public key #, for every base station",
    "Wrote keys/base-station.key: base station secret key #, for this base station alone",
    "Wrote keys/base-station.pub: base station public key #, for every agent",
  ]);
});

test("cb station run counts a command that cannot be started as an agent error [S51]", async () => {
  await using fleet = await Fleet.start();
  fleet.file("run.d/not-executable", "#!/bin/sh\n", 0o644);
  mkdirSync(fleet.path("run.d/directory"));
  await fleet.agent("web1");
  const summary = "1 agent · 1 refused · # s";
  const notRun = "1 agent · 1 not run · # s";
  const cases = [
    ["not-executable", 'cb: web1 refused: command "not-executable" is not executable', summary],
    ["directory", 'cb: web1 refused: command "directory" is not a regular file', summary],
    ["no-hashbang", 'cb: web1 could not start "no-hashbang": exec format error', notRun],
    [
      "bad-interpreter",
      'cb: web1 could not start "bad-interpreter": it or its interpreter does not exist',
      notRun,
    ],
  ] as const;
  for (const [command, ...stderr] of cases) {
    assertEnded(await fleet.station("run", command), 16, { stderr });
  }
});

test("cb agent that cannot write to its state directory runs nothing, and says why", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1");
  rmSync(agent.state, { recursive: true });
  for (const task of [["run", "prints-no-newline"], ["ping"]]) {
    assertEnded(await fleet.station(...task), 16, {
      stderr: ["cb: web1 refused: state directory not writable", "1 agent · 1 refused · # s"],
    });
  }
  assert.deepEqual(agent.records("command"), []);
});

test("cb station refuses a name that is none before anything reaches the hub [S46]", async () => {
  await using fleet = await Fleet.start({ tapped: true });
  const wrong = [
    ["run", "../x"],
    ["run", "sub/x"],
    ["run", ""],
    ["--tags=", "ping"],
    ["--tags", "web,,eu", "ping"],
    ["--identity", "", "ping"],
    ["--channel", "a b", "ping"],
  ];
  for (const args of wrong) {
    const { status, stdout, stderr } = await fleet.station(...args);
    assert.equal(status, 1, args.join(" "));
    assert.match(stderr, /^cb: error: Cannot use .+: expected 1 to 64 letters, .+\n$/);
    assert.equal(stdout, "");
  }
  assert.equal(fleet.tap.bytes.length, 0);
  await fleet.station("--hello-wait", "0.1", "ping");
  assert.equal(fleet.tap.requests.length, 1, "the tap has heard what was published");
});

test("cb station run adds up what became of different agents [S47] [S49]", async () => {
  await using fleet = await Fleet.start();
  fleet.command("check", '[ "$1" = web1 ] && exit 3', 'echo "all is well"');
  mkdirSync(fleet.path("without"));
  await Promise.all([
    fleet.agent("web1"),
    fleet.agent("web2"),
    fleet.agent("web3", ["--run-directory", fleet.path("without")]),
  ]);
  assertEnded(await fleet.station("run", "check"), 4 + 16, {
    stdout: ["web2 │ all is well"],
    stderr: [
      "cb: web1: exit status 3 after # s",
      'cb: web3 refused: no such command "check"',
      "3 agents · 1 ok · 1 failed · 1 refused · # s",
    ],
  });
});

test("cb station says that nobody answered [S42]", async () => {
  await using fleet = await Fleet.start();
  const nobody = { stderr: ['cb: nobody answered: nobody listens on channel "default"', "0 agents · # s"] };
  for (const task of [["ping"], ["run", "reload"]]) {
    const ended = await fleet.station("--hello-wait", "0.5", ...task);
    assertEnded(ended, 64, nobody);
    assert.ok(ended.seconds < 5, `${ended.seconds} s`);
  }
});

test("cb station on another channel than the agents says so", async () => {
  await using fleet = await Fleet.start();
  await fleet.agent("web1");
  assertEnded(await fleet.station("--hello-wait", "0.3", "--channel", "lab", "ping"), 64, {
    stderr: ['cb: nobody answered: nobody listens on channel "lab"', "0 agents · # s"],
  });
});

test("cb station waits for nothing more when all agents that listen have answered and finished", async () => {
  await using fleet = await Fleet.start();
  await Promise.all(["web1", "web2", "web3"].map((identity) => fleet.agent(identity)));
  for (const task of [["run", "prints-no-newline"], ["ping"]]) {
    // The best of three: on a busy machine the work itself may take its time.
    const seconds: number[] = [];
    for (let times = 0; times < 3; times++) {
      const { status, stderr } = await fleet.station(...task);
      const [, ok, took] = /^(3 agents · 3 ok) · (\d+\.\d+) s\b/m.exec(stderr) ?? [];
      assert.deepEqual([status, ok], [0, "3 agents · 3 ok"], stderr);
      seconds.push(Number(took));
    }
    assert.ok(Math.min(...seconds) < 1, `${seconds}`);
  }
});

test("two stations at once get all that is theirs, and nothing of the other's", async () => {
  await using fleet = await Fleet.start();
  const numbers = Array.from({ length: 1000 }, (_, number) => String(number + 1));
  fleet.command("lists", 'seq -f "$CB_TAGS %g" 1000');
  const agents = ["web", "eu"].flatMap((tag) =>
    [`${tag}1`, `${tag}2`].map((identity) => ({ identity, tag })),
  );
  await Promise.all(agents.map(({ identity, tag }) => fleet.agent(identity, ["--tags", tag])));

  const ask = async (tag: string | undefined) => {
    const target = tag === undefined ? [] : ["--tags", tag];
    const { status, stdout, stderr } = await fleet.station(...target, "run", "lists");
    const asked = agents.filter((agent) => tag === undefined || agent.tag === tag);
    assert.equal(status, 0, stderr);
    assert.match(stderr, new RegExp(`^${asked.length} agents · ${asked.length} ok · `, "m"));
    const shown = lines(stdout);
    assert.equal(shown.length, asked.length * numbers.length);
    for (const { identity, tag: own } of asked) {
      const its = shown.filter((line) => line.startsWith(identity)).map((line) => line.split(" │ ")[1]);
      assert.deepEqual(
        its,
        numbers.map((number) => `${own} ${number}`),
        identity,
      );
    }
  };
  for (let round = 0; round < 5; round++) await Promise.all([ask("web"), ask("eu")]);
  for (let round = 0; round < 2; round++) await Promise.all([ask(undefined), ask(undefined)]);
});

test("cb station says at once that no agent has the tags [S42]", async () => {
  await using fleet = await Fleet.start();
  await fleet.agent("web1", ["--tags", "web"]);
  const ended = await fleet.station("--hello-wait", "60", "--tags", "web,eu", "run", "reload");
  assertEnded(ended, 64, {
    stderr: ["cb: no agent has the tags eu,web (1 agent answered)", "0 agents · # s"],
  });
  assert.ok(ended.seconds < 15, `${ended.seconds} s`);
});

test("cb agent has no answer for another network or another station [S16] [S17]", async () => {
  await using fleet = await Fleet.start();
  await fleet.keygen(fleet.path("other"));
  const agent = await fleet.agent("web1");
  const cases = [
    [["--network-public-key", fleet.path("other/network.pub")], "unknown-network"],
    [["--base-station-secret-key", fleet.path("other/base-station.key")], "unknown-station"],
  ] as const;
  for (const [options, reason] of cases) {
    const ended = await fleet.station("--hello-wait", "0.5", ...options, "run", "prints-arguments");
    const unheard = "1 of 1 that listen did not answer: they may not know our keys, or run the command later";
    const said = ["cb: nobody answered", `cb: ${unheard}, their logs tell`, "0 agents · # s"];
    assertEnded(ended, 64, { stderr: said });
    assert.equal((await agent.logged("request-ignored"))["reason"], reason);
  }
  assert.deepEqual(agent.records("command"), []);
});

test("cb agent runs for each station what its line in base-station.pub allows", async () => {
  await using fleet = await Fleet.start();
  const [publicKey, secretKey] = [fleet.path("deploy.pub"), fleet.path("deploy.key")];
  const line = ["--name", "deploy", "--commands", "reload,prints-*"];
  await fleet.cb(["keygen", "base-station", "-k", publicKey, "-K", secretKey, ...line]);
  const both = fleet.file("both.pub", read(`${fleet.config}/base-station.pub`) + read(publicKey));
  const agent = await fleet.agent("web1", ["--base-station-public-key", both]);

  const asDeploy = ["--base-station-secret-key", secretKey, "run"];
  assertEnded(await fleet.station(...asDeploy, "exits-3"), 16, {
    stderr: ['cb: web1 refused: this base station key may not run "exits-3"', "1 agent · 1 refused · # s"],
  });
  assertEnded(await fleet.station(...asDeploy, "prints-no-newline"), 0, {
    stdout: ["web1 │ no newline"],
    stderr: ["1 agent · 1 ok · # s"],
  });
  assert.equal((await agent.logged("command"))["station"], "deploy");
  assert.equal((await fleet.station("run", "exits-3")).status, 4);
  assert.match(String((await agent.logged("command", 2))["station"]), /^[0-9a-f]{16}$/);
});

test("cb agent with two network keys serves stations of both", async () => {
  await using fleet = await Fleet.start();
  await fleet.keygen(fleet.path("new"));
  const [newKey, newPublic] = [fleet.path("new/network.key"), fleet.path("new/network.pub")];
  const both = fleet.file("both.key", read(newKey) + read(`${fleet.config}/network.key`), 0o600);
  await fleet.agent("web1", ["--network-secret-key", both]);
  for (const options of [[], ["--network-public-key", newPublic]]) {
    assert.equal((await fleet.station(...options, "run", "prints-arguments")).status, 0);
  }
});

function read(path: string): string {
  return readFileSync(path, "utf8");
}

/** Parameters from the station's command line to the command, as its manifest on the agent lets them, and no others. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { test } from "node:test";
import { type Agent, Fleet } from "../support/fleet.ts";
import { assertEnded } from "../support/running-program.ts";

const MANIFEST = [
  'description = "Looks for open ports"',
  "timeout = 0.5",
  "[parameters.TARGET]",
  'type = "list"',
  "mandatory = true",
  "[parameters.PORT]",
  'type = "integer"',
  "[parameters.FAST]",
  'type = "boolean"',
  "[parameters.TOKEN]",
  'type = "string"',
  "secret = true",
  "[parameters.LOGIN]",
  'type = "password"',
  "[environment]",
  'OPTIONS = "-T4"',
  "RATE = 1.50",
].join("\n");

/** A fleet of one agent with the command `scan`, which notes that it was started. */
async function start(manifest: string | undefined): Promise<{ fleet: Fleet; agent: Agent }> {
  const fleet = await Fleet.start();
  const agent = await fleet.agent("web1", ["--run-directory", fleet.path("run.d")]);
  fleet.command("scan", `echo >>${fleet.path("started")}`, "/usr/bin/env | sort | grep -v '^CB_[^P]'");
  if (manifest !== undefined) fleet.file("run.d/scan.toml", manifest);
  return { fleet, agent };
}

async function assertRefused(fleet: Fleet, parameters: readonly string[], why: string): Promise<void> {
  const options = parameters.flatMap((parameter) => ["--param", parameter]);
  assertEnded(await fleet.station("run", "scan", ...options), 16, {
    stderr: [`cb: web1 refused: ${why}`, "1 agent · 1 refused · # s"],
  });
  assert.ok(!existsSync(fleet.path("started")), "it was started");
}

test("cb station run --param gives a command what its manifest declares, under both names, and what it sets", async () => {
  const { fleet, agent } = await start(MANIFEST);
  await using _ = fleet;
  const options = ["--param", "target=10.0.0.1, ü", "--param", "Port=80", "--param=fast=no"];
  assertEnded(await fleet.station("run", "scan", ...options), 0, {
    stdout: [
      "CB_PARAM_FAST=False",
      "CB_PARAM_PORT=80",
      'CB_PARAM_TARGET=["10.0.0.1", "\\u00fc"]',
      "EXECUTOR_CONFIG_FAST=False",
      "EXECUTOR_CONFIG_PORT=80",
      'EXECUTOR_CONFIG_TARGET=["10.0.0.1", "\\u00fc"]',
      "LANG=C.UTF-8",
      "OPTIONS=-T4",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "PWD=/",
      "RATE=1.50",
    ].map((line) => `web1 │ ${line}`),
    stderr: ["1 agent · 1 ok · # s"],
  });
  const { parameters } = await agent.logged("command");
  assert.deepEqual(parameters, ["fast", "Port", "target"].toSorted());
});

test("cb agent refuses what the manifest does not declare, mistypes, calls secret or misses, and runs nothing", async () => {
  const { fleet, agent } = await start(MANIFEST);
  await using _ = fleet;
  const refused = 'command "scan" cannot be run with these parameters,';
  const rows: readonly (readonly [parameters: readonly string[], why: string])[] = [
    [[], "TARGET: Missing, expected list"],
    [["PORT=80"], "TARGET: Missing, expected list"],
    [["target=a", "targett=b"], 'targett: No such parameter, did you mean "TARGET"?'],
    [["target=a", "XTARGET=b"], 'XTARGET: No such parameter, did you mean "TARGET"?'],
    [["target=a", "port=1.5"], "PORT: Not a valid integer"],
    [["target=a", "fast=maybe"], "FAST: Not a valid boolean"],
    [["target=a", "token=s3cret"], "TOKEN: Secret, not taken from here"],
    [["target=a", "login=s3cret"], "LOGIN: Secret, not taken from here"],
  ];
  for (const [parameters, why] of rows) await assertRefused(fleet, parameters, `${refused} ${why}`);
  const reasons = agent.records("request").map(({ level, reason, detail }) => [level, reason, detail]);
  assert.deepEqual(
    reasons,
    rows.map(([, why]) => ["warn", "parameters", why]),
  );
  assert.doesNotMatch(agent.program.stderr, /s3cret/);
});

test("cb agent passes nothing to a command without a manifest, and runs it without", async () => {
  const { fleet } = await start(undefined);
  await using _ = fleet;
  const why = 'command "scan" cannot be run with these parameters, it has no manifest, so it takes none';
  await assertRefused(fleet, ["target=a"], why);
  const { status } = await fleet.station("run", "scan");
  assert.equal(status, 0);
});

test("cb agent runs no command whose manifest is broken or others may change, and logs file and line", async () => {
  const { fleet, agent } = await start('description = "x"\ntimeout = \n');
  await using _ = fleet;
  const path = fleet.path("run.d/scan.toml");
  const refused = 'the manifest of "scan" cannot be used,';
  for (const parameters of [[], ["target=a"]]) {
    const { status, stderr } = await fleet.station(
      "run",
      "scan",
      ...parameters.flatMap((one) => ["--param", one]),
    );
    assert.equal(status, 16);
    assert.ok(stderr.includes(`cb: web1 refused: ${refused} Cannot read "${path}": line 2, column`), stderr);
  }
  const { level, reason, detail } = await agent.logged("request", 2);
  assert.deepEqual([level, reason], ["warn", "manifest"]);
  assert.ok(String(detail).startsWith(`Cannot read "${path}": line 2, column `));

  fleet.file("run.d/scan.toml", "timeot = 5\n");
  await assertRefused(
    fleet,
    [],
    `${refused} Cannot use timeot from "${path}": no such key, did you mean "timeout"?`,
  );
  fleet.file("run.d/scan.toml", MANIFEST, 0o666);
  await assertRefused(
    fleet,
    ["target=a"],
    `${refused} Cannot use "${path}": writable by others, "${path}" has mode 0666`,
  );
  rmSync(path);
  assert.equal((await fleet.station("run", "scan")).status, 0);
});

test("cb station run ends a command at the timeout of its manifest, where the station allows longer", async () => {
  const { fleet } = await start(MANIFEST);
  await using _ = fleet;
  fleet.command("scan", "exec sleep 60");
  assertEnded(await fleet.station("run", "scan", "--param", "target=a", "--timeout", "50"), 4, {
    stderr: ["cb: web1: ended at its time limit after # s", "1 agent · 1 failed · # s"],
  });
});

test("cb agent gives a command its secrets from files and credentials, and starts none that others can read [F8]", async () => {
  await using fleet = await Fleet.start();
  fleet.file("key", "cr3dential\n", 0o600);
  const token = fleet.file("token", "t0ken\n", 0o600);
  const agent = await fleet.agent("web1", ["--run-directory", fleet.path("run.d")], {
    environment: { CREDENTIALS_DIRECTORY: fleet.directory },
  });
  fleet.command("scan", `echo "$KEY $TOKEN" >${fleet.path("seen")}`);
  fleet.file(
    "run.d/scan.toml",
    `[environment]\nKEY = { credential = "key" }\nTOKEN = { file = "${token}" }\n`,
  );
  assert.equal((await fleet.station("run", "scan")).status, 0);
  assert.equal(readFileSync(fleet.path("seen"), "utf8"), "cr3dential t0ken\n");

  rmSync(fleet.path("seen"));
  rmSync(token);
  assertEnded(await fleet.station("run", "scan"), 16, {
    stderr: [
      'cb: web1 could not start "scan": the environment of its manifest cannot be had',
      "1 agent · 1 not run · # s",
    ],
  });
  assert.ok(!existsSync(fleet.path("seen")));
  const { reason } = await agent.logged("not-started");
  assert.equal(reason, `Cannot read "${token}": no such file or directory`);
  assert.doesNotMatch(agent.program.stderr, /cr3dential|t0ken/);
});

test("cb agent runs a command as often at a time as its manifest says, and reads that again at its turn", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1", ["--run-directory", fleet.path("run.d"), "--verbose"]);
  const manifest = "concurrency = 2\n[parameters.N]\ntype = 'integer'\n";
  const path = fleet.file("run.d/scan.toml", manifest);
  const go = fleet.path("go");
  fleet.command("scan", 'echo "begun $CB_PARAM_N"', `until [ -e ${go} ]; do sleep 0.02; done`);
  const run = (number: number) => fleet.start(["station", "run", "scan", "--param", `n=${number}`]);
  const both = [run(1), run(2)];
  for (const [index, program] of both.entries()) await program.says(new RegExp(`begun ${index + 1}`));
  const third = run(3);
  await agent.logged("request", 3);
  assert.deepEqual(agent.records("command"), []);
  fleet.file("run.d/scan.toml", "concurrency = 2\n");
  fleet.file("go", "");
  for (const { finished } of both) assert.equal((await finished).status, 0);
  assertEnded(await third.finished, 16, {
    stderr: [
      'cb: web1 could not start "scan": its manifest did not take the parameters any more when its turn came',
      "1 agent · 1 not run · # s",
    ],
  });
  const { reason } = await agent.logged("not-started");
  assert.equal(reason, "n: No such parameter");
  assert.ok(existsSync(path));
});

test("cb station takes --param for run alone, and says what is wrong with one before anybody is asked", async () => {
  await using fleet = await Fleet.start();
  const belongs =
    'cb: error: Cannot use option "--param" with "cb station ping": it belongs to "cb station run"';
  const ping = await fleet.station("ping", "--param", "a=b");
  assert.deepEqual([ping.status, ping.stderr.split("\n")[0]], [1, belongs]);
  const agents = await fleet.station("agents", "--param", "a=b");
  assert.equal(agents.status, 1);
  assertEnded(await fleet.station("run", "scan", "--param", "a=1", "--param", "A=2"), 1, {
    stderr: ['cb: error: Cannot use --param "a=1" "A=2": A is given twice, expected once'],
  });
});

/** What goes wrong before anything runs: one clear line and status 1, and an agent that stays and retries. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Fleet } from "../support/fleet.ts";
import { assertEnded, lines } from "../support/running-program.ts";
import { askRedis } from "../support/wire-tap.ts";

const PASSWORD = "correct-horse";
const WRONG = "battery-staple";

test("cb refuses a key of another kind, and says which kind it is", async () => {
  await using fleet = await Fleet.start();
  const { config } = fleet;
  const kinds = {
    "network.key": "network secret key",
    "network.pub": "network public key",
    "base-station.key": "base station secret key",
    "base-station.pub": "base station public key",
  } as const;
  const options = [
    ["station", "--network-public-key", "network.pub"],
    ["station", "--base-station-secret-key", "base-station.key"],
    ["agent", "--network-secret-key", "network.key"],
    ["agent", "--base-station-public-key", "base-station.pub"],
  ] as const;
  for (const [program, option, right] of options) {
    for (const [name, kind] of Object.entries(kinds)) {
      if (name === right) continue;
      const task = program === "station" ? ["ping"] : [];
      const ended = await fleet.cb([program, option, `${config}/${name}`, ...task]);
      const line = `cb: error: Cannot use "${config}/${name}": it holds a ${kind}, expected a ${kinds[right]}`;
      assertEnded(ended, 1, { stderr: [line] });
    }
  }
});

test("cb refuses a damaged key without showing it", async () => {
  await using fleet = await Fleet.start();
  const path = `${fleet.config}/base-station.key`;
  const key = lines(readFileSync(path, "utf8")).at(-1) ?? "";
  const middle = key.length - 20;
  const damaged = key.slice(0, middle) + (key[middle] === "q" ? "p" : "q") + key.slice(middle + 1);
  for (const text of [damaged, key.slice(0, -10)]) {
    writeFileSync(path, `# mine\n${text}\n`);
    const ended = await fleet.station("ping");
    assertEnded(ended, 1, {
      stderr: [`cb: error: Cannot use "${path}": line 2 is damaged: the checksum of the key does not match`],
    });
  }
  writeFileSync(path, "");
  assertEnded(await fleet.station("ping"), 1, {
    stderr: [`cb: error: Cannot use "${path}": it holds no key`],
  });
});

test("cb refuses a secret key that others can read, and one that it cannot read", async () => {
  await using fleet = await Fleet.start();
  const path = `${fleet.config}/network.key`;
  for (const mode of [0o644, 0o640]) {
    chmodSync(path, mode);
    const why = `others can read it (mode 0${mode.toString(8)}), run: chmod 600 ${path}`;
    assertEnded(await fleet.cb(["agent"]), 1, { stderr: [`cb: error: Cannot use "${path}": ${why}`] });
  }
  chmodSync(path, 0);
  // Root reads everything unless it gives up the capabilities for it.
  const asRoot = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"];
  const wrapper = process.getuid?.() === 0 ? asRoot : [];
  assertEnded(await fleet.cb(["agent"], { wrapper }), 1, {
    stderr: [`cb: error: Cannot read "${path}": permission denied`],
  });
});

test("cb names every place where it looked for a key, and the command that makes it", async () => {
  await using fleet = await Fleet.start();
  const places = {
    CREDENTIALS_DIRECTORY: fleet.path("credentials"),
    XDG_CONFIG_HOME: fleet.path("xdg"),
  };
  const looked = (name: string) =>
    `"${places.CREDENTIALS_DIRECTORY}/${name}", "${places.XDG_CONFIG_HOME}/cb/${name}", "/etc/cb/${name}"`;
  assertEnded(await fleet.cb(["agent"], { environment: places }), 1, {
    stderr: [
      `cb: error: Cannot find the network secret key: looked for ${looked("network.key")}`,
      "cb: hint: Make all keys once with cb-keygen, and copy its network.key here, or name a file with --network-secret-key",
    ],
  });
  assertEnded(await fleet.cb(["station", "ping"], { environment: places }), 1, {
    stderr: [
      `cb: error: Cannot find the network public key: looked for ${looked("network.pub")}`,
      "cb: hint: Make all keys once with cb-keygen, and copy its network.pub here, or name a file with --network-public-key",
    ],
  });
});

test("cb station says in one line why it cannot reach Redis [S27] [S46]", async () => {
  await using fleet = await Fleet.start();
  await fleet.redis.stop();
  await fleet.startRedis(["--requirepass", PASSWORD]);
  const socket = fleet.redisSocket;
  const cases = [
    [`unix://${socket}.none`, `"unix://${socket}.none": no such socket file`],
    ["redis://127.0.0.1:1", '"redis://127.0.0.1:1": connection refused'],
    [`unix://${socket}`, `"unix://${socket}": a password is required`],
    [`unix://${socket}?pass=${WRONG}`, `"unix://${socket}": wrong user name or password`],
  ] as const;
  for (const [url, reason] of cases) {
    const ended = await fleet.cb(["station", "run", "reload"], {
      environment: { CB_CONNECTION_STRING: url },
    });
    assertEnded(ended, 1, { stderr: [`cb: error: Cannot connect to ${reason}`] });
    assert.ok(ended.seconds < 5, `${ended.seconds} s`);
  }
  const mistyped = await fleet.station("-r", `redis:/:${WRONG}@localhost`, "ping");
  assert.equal(mistyped.status, 1);
  assert.doesNotMatch(mistyped.stderr, new RegExp(WRONG));
});

test("cb station does not wait for a Redis that hangs", async () => {
  await using fleet = await Fleet.start();
  process.kill(fleet.redis.pid, "SIGSTOP");
  const ended = await fleet.station("ping");
  assertEnded(ended, 1, {
    stderr: [`cb: error: Cannot connect to "unix://${fleet.redisSocket}": no answer within 3 s`],
  });
  assert.ok(ended.seconds < 5, `${ended.seconds} s`);
});

test("cb agent without Redis says so once, tries again, and serves when it appears [S12]", async () => {
  await using fleet = await Fleet.start();
  await fleet.redis.stop();
  const agent = fleet.startAgent("web1");
  const { level, reason } = await agent.logged("hub-lost");
  assert.deepEqual([level, reason], ["warn", "no such socket file"]);
  await sleep(500); // several attempts
  assert.equal(agent.records("hub-lost").length, 1);

  await fleet.startRedis();
  await agent.logged("hub-connected");
  assert.equal((await fleet.station("ping")).status, 0);
  await agent.stop();
});

test("cb agent with a wrong password says so once, never which, and serves when it is right", async () => {
  await using fleet = await Fleet.start();
  await fleet.redis.stop();
  await fleet.startRedis(["--requirepass", PASSWORD]);
  const environment = { REDIS_CONNECTION_STRING: `unix://${fleet.redisSocket}?pass=${WRONG}` };
  const agent = fleet.startAgent("web1", [], { environment });
  assert.equal((await agent.logged("hub-lost"))["reason"], "wrong user name or password");
  await sleep(500);
  assert.equal(agent.records("hub-lost").length, 1);

  const change = await askRedis(
    fleet.redisSocket,
    ["AUTH", PASSWORD],
    ["CONFIG", "SET", "requirepass", WRONG],
  );
  assert.equal(change, "+OK");
  await agent.logged("hub-connected");
  assert.equal((await fleet.cb(["station", "ping"], { environment })).status, 0);
  assert.doesNotMatch(agent.program.stderr, new RegExp(WRONG));
});

test("cb agent leaves a state directory that another agent has, and names it", async () => {
  await using fleet = await Fleet.start();
  const first = await fleet.agent("web1");
  const second = fleet.startAgent("web1");
  assertEnded(await second.program.finished, 1, {
    stderr: [`cb: error: Cannot use "${first.state}/lock": the agent with pid ${first.program.pid} has it`],
  });
  await first.stop();
  await (await fleet.agent("web1")).stop();
});

test("cb refuses an option or a word that it does not know, with a suggestion", async () => {
  await using fleet = await Fleet.start();
  const cases = [
    [
      ["station", "--tgas", "web", "ping"],
      'option "--tgas": no such option, did you mean "--tags"?',
      "cb station",
    ],
    [["agent", "--job", "2"], 'option "--job": no such option, did you mean "--jobs"?', "cb agent"],
    [["agent", "-x"], 'option "-x": no such option', "cb agent"],
    [["station", "pin"], '"pin": no such command, did you mean "ping"?', "cb station"],
    [["stations", "ping"], '"stations": no such command, did you mean "station"?', "cb"],
    [["station", "ping", "b"], '"b": "cb station ping" takes no operand', "cb station ping"],
  ] as const;
  for (const [args, error, name] of cases) {
    assertEnded(await fleet.cb(args), 1, {
      stderr: [`cb: error: Cannot use ${error}`, `cb: hint: Try "${name} --help"`],
    });
  }
});

test("cb names the file, and the key or the line, of a setting that is wrong", async () => {
  await using fleet = await Fleet.start();
  const path = `${fleet.config}/station.toml`;
  const cases = [
    ['channel = "lab"\nreply-wait =\n', `Cannot read "${path}": line 2, column 13: invalid value`],
    [
      "relpy-wait = 3\n",
      `Cannot use key "relpy-wait" from "${path}": no such key, did you mean "reply-wait"?`,
    ],
    ['channel = "the lab"\n', `Cannot use channel "the lab" from "${path}": expected 1 to 64 letters,`],
  ] as const;
  for (const [text, error] of cases) {
    writeFileSync(path, text);
    const { status, stderr } = await fleet.station("ping");
    assert.equal(status, 1);
    assert.ok(stderr.startsWith(`cb: error: ${error}`), stderr);
  }
});

test("cb says that its output cannot be written", async () => {
  await using fleet = await Fleet.start();
  await fleet.agent("web1");
  const wrapper = ["sh", "-c", 'exec "$@" >/dev/full', "sh"];
  for (const args of [["--help"], ["--version"], ["station", "ping"], ["station", "run", "prints-4-mb"]]) {
    const hint = args[1] === "run" ? ["cb: hint: the command goes on on 1 agent"] : [];
    assertEnded(await fleet.cb(args, { wrapper }), 1, {
      stderr: ["cb: error: Cannot write output: no space left on device", ...hint],
    });
  }
});

test("cb station says no more than that commands go on when the reader of its output goes", async () => {
  await using fleet = await Fleet.start();
  fleet.command("counts", "seq 1 300000");
  await fleet.agent("web1");
  const wrapper = ["bash", "-c", '"$@" | head -n 1; exit $PIPESTATUS', "bash"];
  assertEnded(await fleet.cb(["station", "run", "counts"], { wrapper }), 141, {
    stdout: ["web1 │ 1"],
    stderr: ["cb: the reader of standard output has gone: the command goes on on 1 agent"],
  });
  const both = ["bash", "-c", '"$@" 2>&1 | head -n 1; exit $PIPESTATUS', "bash"];
  assertEnded(await fleet.cb(["station", "run", "counts"], { wrapper: both }), 141, { stdout: ["web1 │ 1"] });
});

/** How a password gets to Redis, and to nobody else. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Fleet } from "../support/fleet.ts";
import { assertEnded } from "../support/running-program.ts";

const PASSWORD = "correct horse/#%";
const VISIBLE =
  "everybody on this machine can see the password in the list of processes, expected --password-file or CB_PASSWORD";

/** A fleet whose Redis lets in the user `fleet` alone. */
async function guardedFleet(): Promise<Fleet> {
  const fleet = await Fleet.start();
  await fleet.redis.stop();
  const user = ["fleet", "on", `>${PASSWORD}`, "allkeys", "allchannels", "+@all"];
  await fleet.startRedis(["--user", ...user, "--user", "default", "off"]);
  return fleet;
}

test("cb takes the password from --password-file, the environment or a file of settings", async () => {
  await using fleet = await guardedFleet();
  const url = `unix://${fleet.redisSocket}?user=fleet`;
  const path = fleet.file("password", `${PASSWORD}\n`, 0o600);
  const bare = fleet.file("bare", PASSWORD, 0o600);
  fleet.command("shows", "env");
  const environment = { CB_CONNECTION_STRING: url, CB_PASSWORD: PASSWORD, DEBUG: "ioredis:*" };
  const agent = await fleet.agent("web1", ["--log-command-output", "-vv"], { environment });

  const ways: readonly { args: readonly string[]; more?: Record<string, string>; toml?: string }[] = [
    { args: ["--password-file", path] },
    { args: ["--password-file", bare] },
    { args: [], more: { CB_PASSWORD: PASSWORD } },
    { args: [], more: { CB_PASSWORD_FILE: path } },
    { args: [], toml: `password-file = "${path}"\n` },
  ];
  for (const { args, more, toml } of ways) {
    const config = fleet.file("station.toml", toml ?? "");
    const ended = await fleet.cb(["station", "run", "shows", "-vv", "--config", config, ...args], {
      environment: { CB_CONNECTION_STRING: url, DEBUG: "ioredis:*", ...more },
    });
    assert.equal(ended.status, 0, ended.stderr);
    // Neither side says it, nor does a command find it in its environment.
    for (const said of [ended.stdout, ended.stderr, agent.program.stderr]) {
      assert.ok(!said.includes(PASSWORD), said);
    }
    assert.doesNotMatch(ended.stdout, /CB_PASSWORD/);
  }
  assert.doesNotMatch(agent.program.stderr, /password-visible/);
  assert.ok(!readFileSync(`/proc/${agent.program.pid}/cmdline`, "utf8").includes(PASSWORD));
  await agent.stop();
});

test("cb says that a password in the URL of the command line can be seen, and uses it", async () => {
  await using fleet = await guardedFleet();
  const url = `unix://${fleet.redisSocket}?user=fleet&pass=${encodeURIComponent(PASSWORD)}`;
  const option = ["--connection-string", url];
  const agent = await fleet.agent("web1", option);
  assert.equal(agent.records("password-visible")[0]?.["reason"], VISIBLE);
  const ended = await fleet.station(...option, "ping");
  assert.equal(ended.status, 0);
  assert.ok(ended.stderr.startsWith(`cb: ${VISIBLE}\n`), ended.stderr);
  assert.ok(!(await fleet.station(...option, "--errors-only", "ping")).stderr.includes(VISIBLE));
  const quiet = await fleet.cb(["station", "ping"], { environment: { CB_CONNECTION_STRING: url } });
  assert.equal(quiet.status, 0);
  assert.ok(!quiet.stderr.includes(VISIBLE));
});

test("cb refuses a password that it cannot use, and two of them, and shows none", async () => {
  await using fleet = await Fleet.start();
  const path = (name: string, text: string, mode = 0o600) => fleet.file(name, text, mode);
  const good = path("good", PASSWORD);
  const open = path("open", PASSWORD, 0o644);
  const empty = path("empty", "\n");
  const lines = path("lines", `${PASSWORD}\n${PASSWORD}\n`);
  const cases: readonly (readonly [string | undefined, Record<string, string>, string])[] = [
    [open, {}, `Cannot use "${open}": others can read it (mode 0644), run: chmod 600 ${open}`],
    [empty, {}, `Cannot use "${empty}": it is empty, expected a password`],
    [lines, {}, `Cannot use "${lines}": it has more than one line, expected a password`],
    [`${good}.none`, {}, `Cannot read "${good}.none": no such file or directory`],
    [undefined, { CB_PASSWORD: "" }, "Cannot use CB_PASSWORD from the environment: it is empty"],
    [
      good,
      { CB_PASSWORD: PASSWORD },
      `Cannot use the passwords from "${good}" and the environment (CB_PASSWORD): expected one`,
    ],
    [
      good,
      { CB_CONNECTION_STRING: `redis://:${encodeURIComponent(PASSWORD)}@localhost` },
      `Cannot use the passwords from the connection string and "${good}": expected one`,
    ],
  ];
  for (const program of [["agent"], ["station", "ping"]]) {
    for (const [file, environment, error] of cases) {
      const option = file === undefined ? [] : ["--password-file", file];
      const ended = await fleet.cb([...program, ...option], { environment });
      assertEnded(ended, 1, { stderr: [`cb: error: ${error}`] });
    }
  }
});

/** The users of Redis that ship with the product: they suffice, and nothing of them can be left out. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../build/paths.ts";
import { until } from "../hub/hub-fixture.ts";
import { Fleet } from "../support/fleet.ts";
import { askRedis } from "../support/wire-tap.ts";

const PASSWORD = "correct-horse";
/** Sessions at a time: each has a channel, an agent and users of its own. */
const AT_ONCE = 4;

/** What an ACL file says of its one user. */
function readAcl(name: "agent" | "station"): readonly string[] {
  const text = readFileSync(path(name), "utf8");
  const [line = "", ...more] = text.split("\n").filter((one) => one !== "" && !one.startsWith("#"));
  const [keyword, user, ...rules] = line.split(" ");
  assert.deepEqual([more.length, keyword, user], [0, "user", `cb-${name}`]);
  return rules;
}

function path(name: string): string {
  return join(ROOT, "packaging/redis-acl", `${name}.acl`);
}

/** What is granted, one rule each: a command, keys or a channel. */
function grants(rules: readonly string[]): readonly string[] {
  return rules.filter((rule) => /^[+~&]/.test(rule));
}

/** A Redis with both files, as an operator includes them. */
async function aclFleet(): Promise<Fleet> {
  const fleet = await Fleet.start();
  await fleet.redis.stop();
  await fleet.startRedis(["--include", path("agent"), "--include", path("station")]);
  return fleet;
}

type Users = { readonly agent: string; readonly station: string };

/** Half as much again as fits into a full list. */
const OUTPUT_BYTES = 26_000_000;
/** Items in the list of replies at which an agent waits, and looks how many there are (reply-sender.ts). */
const FULL = 256;
const LENGTH = "local k = redis.call('keys', ARGV[1]) return #k == 1 and redis.call('llen', k[1]) or 0";

/** Runs a session of many batches as these users, and says what was wrong; undefined where all was well. */
async function session(fleet: Fleet, channel: string, users: Users): Promise<string | undefined> {
  fleet.command("prints-much", `yes ${"x".repeat(1_000)} | head -c ${OUTPUT_BYTES}`);
  const as = (user: string) => ({
    environment: {
      CB_CONNECTION_STRING: `unix://${fleet.redisSocket}?user=${user}`,
      CB_PASSWORD: PASSWORD,
      CB_CHANNEL: channel,
    },
  });
  const agent = fleet.startAgent("web1", [], as(users.agent));
  await agent.program.until(`a word on the hub from ${users.agent}`, () =>
    [...agent.records("hub-connected"), ...agent.records("hub-lost")].at(0),
  );
  // The reader stands still until the agent has had to wait, or all is over.
  const go = fleet.path(`go-${channel}`);
  const script = `"$@" | { until [ -e ${go} ]; do sleep 0.02; done; cat; }; exit $PIPESTATUS`;
  const args = ["station", "run", "prints-much", "--hello-wait", "1", "--reply-wait", "2"];
  const run = fleet.start(args, { ...as(users.station), wrapper: ["bash", "-c", script, "bash"] });
  await until("a full list, or an end", async () => {
    if (run.stderr !== "" || agent.records("replies-lost").length > 0) return true;
    const length = await askRedis(fleet.redisSocket, ["EVAL", LENGTH, "0", `cb:0:{${channel}}:reply:*`]);
    return Number(length.slice(1)) >= FULL;
  });
  fleet.file(`go-${channel}`, "");
  const { status, stderr, bytes } = await run.finished;
  const count = ["EVAL", "return #redis.call('keys', ARGV[1])", "0", `cb:0:{${channel}}:*`];
  const left = await askRedis(fleet.redisSocket, count);
  await agent.program.end();
  if (status !== 0) {
    assert.match(stderr, /^cb: /, "a status without a reason");
    return `${status}: ${stderr}`;
  }
  assert.ok(bytes.length > OUTPUT_BYTES, `status 0 with ${bytes.length} bytes of output`);
  return left === ":0" ? undefined : `${left.slice(1)} keys left behind`;
}

test("the ACL files of agents and stations are loaded as they are, and let a session through", async () => {
  await using fleet = await aclFleet();
  for (const user of ["cb-agent", "cb-station"]) {
    assert.equal(await askRedis(fleet.redisSocket, ["ACL", "SETUSER", user, `>${PASSWORD}`]), "+OK");
  }
  assert.equal(await session(fleet, "web", { agent: "cb-agent", station: "cb-station" }), undefined);
});

test("nobody can log in as a user of the ACL files before it has a password", async () => {
  await using fleet = await aclFleet();
  for (const user of ["cb-agent", "cb-station"]) {
    for (const password of ["", "x"]) {
      assert.match(await askRedis(fleet.redisSocket, ["AUTH", user, password]), /^-WRONGPASS/);
    }
  }
});

test("the ACL files grant nothing that can be left out: a session fails without any of it", async () => {
  await using fleet = await Fleet.start();
  const rules = { agent: readAcl("agent"), station: readAcl("station") };
  const setUser = async (user: string, granted: readonly string[]) =>
    assert.equal(
      await askRedis(fleet.redisSocket, ["ACL", "SETUSER", user, `>${PASSWORD}`, ...granted]),
      "+OK",
    );
  await setUser("agent", rules.agent);
  await setUser("station", rules.station);

  const cases = (["agent", "station"] as const).flatMap((side) =>
    grants(rules[side]).map((missing) => ({ side, missing })),
  );
  assert.ok(cases.length > 10, String(cases.length));
  const needless: string[] = [];
  for (let first = 0; first < cases.length; first += AT_ONCE) {
    const some = cases.slice(first, first + AT_ONCE).map(async ({ side, missing }, index) => {
      const name = `without-${first + index}`;
      await setUser(
        name,
        rules[side].filter((rule) => rule !== missing),
      );
      const wrong = await session(fleet, name, { agent: "agent", station: "station", [side]: name });
      if (wrong === undefined) needless.push(`${side} ${missing}`);
    });
    await Promise.all(some);
  }
  assert.deepEqual(needless, []);
});

test("cb station says what its user of Redis is denied, before anything is run", async () => {
  await using fleet = await Fleet.start();
  const agent = await fleet.agent("web1");
  const environment = { CB_CONNECTION_STRING: `unix://${fleet.redisSocket}?user=s`, CB_PASSWORD: PASSWORD };
  for (const command of ["blmove", "lrange", "ltrim", "publish", "set"]) {
    const granted = readAcl("station").filter((rule) => rule !== `+${command}`);
    await askRedis(fleet.redisSocket, ["ACL", "SETUSER", "s", "reset", `>${PASSWORD}`, ...granted]);
    const { status, stderr } = await fleet.cb(["station", "run", "prints-4-mb"], { environment });
    assert.equal(status, 1, stderr);
    assert.match(stderr, new RegExp(`^cb: error: Cannot .* "unix://.*": access denied: .*${command}.*\\n$`));
  }
  assert.deepEqual(agent.records("request"), []);
});

test("cb agent says what its user of Redis is denied, and comes back when it is granted", async () => {
  await using fleet = await Fleet.start();
  const ask = (...rules: readonly string[]) => askRedis(fleet.redisSocket, ["ACL", "SETUSER", "a", ...rules]);
  await ask(`>${PASSWORD}`, ...readAcl("agent"), "-subscribe");
  const environment = { CB_CONNECTION_STRING: `unix://${fleet.redisSocket}?user=a`, CB_PASSWORD: PASSWORD };
  const agent = fleet.startAgent("web1", [], { environment });
  assert.match(String((await agent.logged("hub-lost"))["reason"]), /^access denied: .*subscribe/);
  await ask("+subscribe");
  await agent.logged("hub-connected");
  assert.equal((await fleet.station("ping")).status, 0);
});

test("cb station names the agent that may not answer any more, and the agent runs its command to the end", async () => {
  await using fleet = await Fleet.start();
  const ask = (...rules: readonly string[]) => askRedis(fleet.redisSocket, ["ACL", "SETUSER", "a", ...rules]);
  await ask(`>${PASSWORD}`, ...readAcl("agent"));
  fleet.command("counts", "for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i; sleep 0.1; done");
  const environment = { CB_CONNECTION_STRING: `unix://${fleet.redisSocket}?user=a`, CB_PASSWORD: PASSWORD };
  const agent = await fleet.agent("web1", [], { environment });
  const run = fleet.start(["station", "run", "counts", "--reply-wait", "1"]);
  await run.says(/line 3/);
  await ask("-rpush");
  const { status, stderr } = await run.finished;
  assert.equal(status, 8, stderr);
  assert.match(stderr, /^cb: web1 is running and said nothing for 1\.00 s, its command may still run$/m);
  assert.match(String((await agent.logged("replies-lost"))["reason"]), /: access denied: .*rpush/);
  assert.equal((await agent.logged("command"))["ending"], "exited");
  await ask("+rpush");
  assert.equal((await fleet.station("ping")).status, 0);
});

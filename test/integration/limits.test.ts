/** At every bound and one beyond it: lines without end, names, tags, a queue that is full; and what does not belong. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { loadNetworkPublic, loadStationSecret } from "../../src/cli/key-files.ts";
import { systemClock } from "../../src/core/clock.ts";
import { type Channel, type CommandName, type Identity, parseName } from "../../src/core/names.ts";
import { presenceKey, requestChannel } from "../../src/hub/names.ts";
import { cryptoReady } from "../../src/protocol/crypto.ts";
import { newSessionKeyPair } from "../../src/protocol/keys.ts";
import { encodeRequest } from "../../src/protocol/request.ts";
import { sealRequest } from "../../src/protocol/request-envelope.ts";
import { newRequest } from "../../src/station/messages.ts";
import { until } from "../hub/hub-fixture.ts";
import { Fleet } from "../support/fleet.ts";
import { peakMemory, peakUntilEnd } from "../support/process-stat.ts";
import { RedisAdmin } from "../support/redis-admin.ts";
import { assertEnded, lines } from "../support/running-program.ts";

test("100 MB without a newline, of text and of NUL, arrive complete, and fill no memory", async () => {
  await using fleet = await Fleet.start();
  const counted = { web1: "x", web2: String.raw`\0` } as const;
  fleet.command("prints", `head -c 100000000 /dev/zero | if [ $1 = web1 ]; then tr '\\0' x; else cat; fi`);
  const flood = async (identity: keyof typeof counted) => {
    const agent = await fleet.agent(identity, ["--tags", identity]);
    // The count comes where the output would.
    const count = `exec "$@" > >(LC_ALL=C tr -dc '${counted[identity]}' | wc -c)`;
    const station = fleet.start(["station", "--tags", identity, "run", "prints"], {
      wrapper: ["bash", "-c", count, "bash"],
    });
    const peak = await peakUntilEnd(station);
    const { status, stdout, stderr } = await station.finished;
    assert.equal(status, 0, stderr);
    assert.equal(stdout, "100000000\n", identity);
    assert.ok(peak < 150, `the station took ${peak} MB`);
    const ofAgent = peakMemory(agent.program.pid);
    assert.ok(ofAgent > 0 && ofAgent < 150, `${identity} took ${ofAgent} MB`);
  };
  await Promise.all([flood("web1"), flood("web2")]);
});

/** The longest name there is, of one letter. */
const longest = (letter: string) => letter.repeat(64);
const tags = (number: number) =>
  Array.from({ length: number }, (_, index) => `${longest("t").slice(3)}${index + 100}`);

test("the longest names, and as many tags as there may be, go through a whole session", async () => {
  await using fleet = await Fleet.start();
  const [identity, command, mine] = [longest("a"), longest("c"), tags(64)];
  fleet.command(command, 'echo "$1 $CB_TAGS"');
  const channel = ["--channel", longest("d")];
  const state = fleet.path(`state/${longest("d")}/${identity}`);
  await fleet.agent(identity, [...channel, "--tags", mine.join(",")]);
  const station = (...args: readonly string[]) => {
    return fleet.station(...channel, "--identity", longest("s"), ...args);
  };
  assertEnded(await station(...mine.flatMap((tag) => ["--tags", tag]), "run", command), 0, {
    stdout: [`${identity} │ ${identity} ${mine.join(",")}`],
    stderr: ["1 agent · 1 ok · # s"],
  });
  assert.ok(existsSync(`${state}/journal`));
  assert.match((await station("ping")).stdout, new RegExp(`^${identity} .* ${mine.join(",")} `));
  const known = await station("agents");
  assert.match(known.stdout, new RegExp(`^${identity} `, "m"), known.stderr);
});

test("a name of 65 letters, and 65 or 300 tags, are refused in one line before anything reaches the hub", async () => {
  await using fleet = await Fleet.start({ tapped: true });
  const tooLong = "a".repeat(65);
  const letters = `"${tooLong}": (tag "${tooLong}": )?expected 1 to 64 letters, .*`;
  const many = (number: number) => `.{1,250}: ${number} tags given, at most 64 are allowed`;
  const names = [
    [["--identity", tooLong], `--identity ${letters}`],
    [["--channel", tooLong], `--channel ${letters}`],
    [["--tags", tooLong], `--tags ${letters}`],
    [["--tags", tags(65).join(",")], `--tags ${many(65)}`],
    [tags(300).flatMap((tag) => ["--tags", tag]), `--tags ${many(300)}`],
  ] as const;
  const cases = [
    [["station", "run", tooLong], `command ${letters}`],
    ...names.map(([options, said]) => [["agent", ...options], said] as const),
    ...names.map(([options, said]) => [["station", "ping", ...options], said] as const),
  ] as const;
  const refused = cases.map(async ([args, said]) => {
    const { status, stdout, stderr } = await fleet.cb(args);
    assert.deepEqual([status, stdout], [1, ""], args.join(" "));
    assert.match(stderr, new RegExp(`^cb: error: Cannot use ${said}\n$`));
  });
  await Promise.all(refused);
  assert.equal(fleet.tap.bytes.length, 0);
});

test("cb agent whose queue is full declines as busy, and runs what waits, each request once [S42]", async () => {
  await using fleet = await Fleet.start();
  const [go, runs] = [fleet.path("go"), fleet.file("runs", "")];
  fleet.command("waits", `until [ -e ${go} ]; do sleep 0.02; done`, `echo run >>${runs}`);
  const agent = await fleet.agent("web1", ["--stop-grace", "0", "--verbose"]);
  await cryptoReady();
  const network = loadNetworkPublic(`${fleet.config}/network.pub`, {});
  const station = loadStationSecret(`${fleet.config}/base-station.key`, {});
  const channel = parseName<Channel>("default");
  const sender = {
    identity: parseName<Identity>("station1"),
    channel,
    target: undefined,
    named: new Set<Identity>(),
    clock: systemClock,
  };
  const task = {
    type: "run",
    command: parseName<CommandName>("waits"),
    limit: undefined,
    parameters: new Map(),
  } as const;
  await using admin = await RedisAdmin.connect(fleet);
  const publish = async () => {
    const request = newRequest(task, sender, 0);
    // A command that had to wait starts only while its station is there.
    await admin.ask("SET", presenceKey(0, channel, request.replyAddress), "1");
    const envelope = sealRequest(encodeRequest(request), { network, station, session: newSessionKeyPair() });
    assert.equal(await admin.ask("PUBLISH", requestChannel(0, channel), envelope), 1);
  };
  // One that runs, and the 256 that may wait.
  for (let times = 0; times < 257; times += 1) await publish();
  await agent.logged("request", 257);
  assertEnded(await fleet.station("run", "waits"), 64, {
    stderr: ["cb: web1 declined: busy", "1 agent · 1 not run · # s"],
  });
  const other = await fleet.station("run", "prints-arguments");
  assert.equal(other.status, 0, "a command that nobody waits for has its own turn");

  fleet.file("go", "");
  await agent.logged("command", 2); // that one, and the first that has waited
  const next = await fleet.station("run", "waits");
  assert.equal(next.status, 0, next.stderr);
  assert.equal(lines(readFileSync(runs, "utf8")).length, 258);
});

test("an item in the reply list that no agent has sent is +32, and takes nothing from the run", async () => {
  await using fleet = await Fleet.start();
  const go = fleet.path("go");
  fleet.command("prints", "echo begun", `until [ -e ${go} ]; do sleep 0.02; done`, "echo done");
  await fleet.agent("web1");
  const station = fleet.start(["station", "run", "prints"]);
  await station.says(/begun/);
  await using admin = await RedisAdmin.connect(fleet);
  const [presence = ""] = await admin.keys("cb:*:station:*");
  const list = presence.replace(":station:", ":reply:");
  await admin.ask("RPUSH", list, "junk");
  await until("it is taken", async () => (await admin.number("LLEN", list)) === 0);
  fleet.file("go", "");
  assertEnded(await station.finished, 32, {
    stdout: ["web1 │ begun", "web1 │ done"],
    stderr: ["cb: 1 item in the reply list, not from any agent of this network", "1 agent · 1 ok · # s"],
  });
  assert.deepEqual(await admin.keys("*"), []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseConnectionString } from "../../src/hub/connection-string.ts";
import { presenceKey, replyList, requestChannel } from "../../src/hub/names.ts";
import { channel, Fixture, hubErrorOf, never, newAddress, numbered, numberOf, until } from "./hub-fixture.ts";

const requests = requestChannel(0, channel);

test("AgentHub.push() lets the list live for 600 s after each push", async () => {
  await using fixture = await Fixture.start();
  const agent = fixture.agent();
  const address = newAddress();
  const list = replyList(0, channel, address);
  await agent.push(address, [numbered(1)], never);
  assert.deepEqual(await fixture.redis(["TTL", list]), [600]);
  await fixture.redis(["EXPIRE", list, 10]);
  await agent.push(address, [numbered(2), numbered(3)], never);
  assert.deepEqual(await fixture.redis(["TTL", list], ["LLEN", list]), [600, 3]);
});

test("AgentHub.push() and backlog() tell how long the list is, and whether the station is there", async () => {
  await using fixture = await Fixture.start();
  const agent = fixture.agent();
  const address = newAddress();
  const presence = presenceKey(0, channel, address);
  assert.deepEqual(await agent.backlog(address, never), { length: 0, isStationThere: false });
  await fixture.redis(["SET", presence, 1]);
  assert.deepEqual(await agent.push(address, [numbered(1), numbered(2)], never), {
    length: 2,
    isStationThere: true,
  });
  await fixture.redis(["DEL", presence], ["LTRIM", replyList(0, channel, address), 1, -1]);
  assert.deepEqual(await agent.backlog(address, never), { length: 1, isStationThere: false });
  assert.deepEqual(await agent.push(address, [numbered(3)], never), { length: 2, isStationThere: false });
});

test("AgentHub comes back after Redis was killed, with its subscription and a push under way", async () => {
  await using fixture = await Fixture.start();
  const agent = fixture.agent();
  await agent.subscribed(never);
  await until("the agent is connected", () => fixture.states.length === 1);
  const arrived = agent.requests(never);
  const address = newAddress();

  await fixture.killRedis();
  const push = agent.push(address, [numbered(1), numbered(2)], never);
  await until("the agent notices", () => fixture.states.length > 1);
  await sleep(700);
  await fixture.startRedis();
  await push;
  assert.deepEqual(await fixture.redis(["LLEN", replyList(0, channel, address)]), [2]);
  await until(
    "it has subscribed",
    async () => (await fixture.redis(["PUBLISH", requests, numbered(9)]))[0] === 1,
  );
  assert.equal(numberOf((await arrived.next()).value), 9);

  await until("the agent says so", () => fixture.states.at(-1)?.kind === "connected");
  const said = fixture.states.map((state) => (state.kind === "lost" ? state.reason : state.kind));
  assert.equal(said[0], "connected");
  assert.ok(said.includes("no such socket file"), said.join());
  // One line for a change of state, however many attempts there were.
  for (const [index, state] of said.entries()) assert.notEqual(state, said[index + 1]);
  assert.ok(said.length <= 5, said.join());
});

test("AgentHub comes back after CLIENT KILL, in the middle of pushing, and loses nothing", async () => {
  await using fixture = await Fixture.start();
  const agent = fixture.agent();
  await agent.subscribed(never);
  const address = newAddress();
  const pushing = (async () => {
    for (let index = 0; index < 2_000; index += 1) await agent.push(address, [numbered(index)], never);
  })();
  for (const kind of ["normal", "pubsub", "normal"]) {
    await sleep(30);
    await fixture.redis(["CLIENT", "KILL", "TYPE", kind]);
  }
  await pushing;
  const [items] = await fixture.redis(["LRANGE", replyList(0, channel, address), 0, 99]);
  assert.ok(Array.isArray(items) && items.length === 100);
  const all: number[] = [];
  for (let at = 0; ; at += 100) {
    const [some] = await fixture.redis(["LRANGE", replyList(0, channel, address), at, at + 99]);
    assert.ok(Array.isArray(some));
    if (some.length === 0) break;
    all.push(...some.map(numberOf));
  }
  // A push whose confirmation was lost may be there twice in a row; none is missing or out of order.
  const once = all.filter((number, index) => number !== all[index - 1]);
  assert.deepEqual(
    once,
    Array.from({ length: 2_000 }, (_, index) => index),
  );
  await until("it has subscribed", async () => (await fixture.redis(["PUBLISH", requests, "x"]))[0] === 1);
});

test("AgentHub.push() waits while Redis is out of memory, says so, and goes on", async () => {
  await using fixture = await Fixture.start();
  const agent = fixture.agent();
  const address = newAddress();
  await agent.push(address, [numbered(1)], never);
  await fixture.redis(["CONFIG", "SET", "maxmemory", "1"]);
  const push = agent.push(address, [numbered(2)], never);
  await until("it is said", () => {
    const state = fixture.states.at(-1);
    return state?.kind === "lost" && /^Redis refuses for now: OOM/.test(state.reason);
  });
  await fixture.redis(["CONFIG", "SET", "maxmemory", "0"]);
  await push;
  assert.deepEqual(await fixture.redis(["LLEN", replyList(0, channel, address)]), [2]);
  assert.equal(fixture.states.at(-1)?.kind, "connected");
});

test("AgentHub.push() rejects what Redis refuses for good, and leaves no part of it", async () => {
  await using fixture = await Fixture.start();
  const agent = fixture.agent();
  const address = newAddress();
  await fixture.redis(["SET", replyList(0, channel, address), "x"]);
  const error = await hubErrorOf(agent.push(address, [numbered(1)], never));
  assert.match(error.message, /^Cannot push replies to "unix:.*": Redis refused: WRONGTYPE/);
});

test("AgentHub.push() gives up when aborted, while Redis is away and while it is silent", async () => {
  await using fixture = await Fixture.start();
  const agent = fixture.agent();
  await agent.push(newAddress(), [numbered(1)], never);
  const aborted = { name: "TimeoutError" };

  fixture.signalRedis("SIGSTOP");
  const began = performance.now();
  const silent = agent.push(newAddress(), [numbered(1)], AbortSignal.timeout(50));
  await assert.rejects(silent, aborted);
  fixture.signalRedis("SIGCONT");
  await fixture.killRedis();
  await until("the agent notices", () => fixture.states.at(-1)?.kind === "lost");
  await assert.rejects(agent.push(newAddress(), [numbered(1)], AbortSignal.timeout(50)), aborted);
  assert.ok(performance.now() - began < 3_000);
});

test("AgentHub stays up with a wrong password, says why once, and connects when it is right", async () => {
  await using fixture = await Fixture.start(["--requirepass", "first"]);
  const agent = fixture.agent(parseConnectionString(`${fixture.url}?pass=second`));
  await until("it is said", () => fixture.states.length > 0);
  await sleep(500);
  assert.deepEqual(fixture.states, [{ kind: "lost", reason: "wrong user name or password" }]);
  await fixture.killRedis();
  await fixture.startRedis(["--requirepass", "second"]);
  await agent.subscribed(never);
  await until("it is connected", () => fixture.states.at(-1)?.kind === "connected");
});

test("AgentHub says which command it is denied, and leaves no part of a push behind", async () => {
  await using fixture = await Fixture.start();
  await fixture.redis(["ACL", "SETUSER", "agent", "on", ">pw", "allkeys", "allchannels", "+@all"]);
  const agent = fixture.agent(parseConnectionString(`${fixture.url}?user=agent&pass=pw`));
  const address = newAddress();
  await agent.subscribed(never);
  await agent.push(address, [numbered(1)], never);

  await fixture.redis(["ACL", "SETUSER", "agent", "-expire"]);
  const error = await hubErrorOf(agent.push(address, [numbered(2)], never));
  assert.match(error.message, /: access denied: .*expire/);
  assert.deepEqual(await fixture.redis(["LLEN", replyList(0, channel, address)]), [1]);

  await fixture.redis(["ACL", "SETUSER", "agent", "-subscribe"], ["CLIENT", "KILL", "TYPE", "pubsub"]);
  await until("it is said", () => {
    const state = fixture.states.at(-1);
    return state?.kind === "lost" && /^access denied: .*subscribe/.test(state.reason);
  });
});

test("AgentHub closes the connection on a request over the limit, says so, and subscribes again", async () => {
  await using fixture = await Fixture.start();
  const agent = fixture.agent();
  await agent.subscribed(never);
  await fixture.redis(["PUBLISH", requests, new Uint8Array(66_000)]);
  await until("it is said", () =>
    fixture.states.some(
      (state) => state.kind === "lost" && state.reason === "bulk of 66000 bytes is over the limit",
    ),
  );
  await until(
    "it has subscribed",
    async () => (await fixture.redis(["PUBLISH", requests, numbered(5)]))[0] === 1,
  );
  assert.equal(numberOf((await agent.requests(never).next()).value), 5);
});

test("AgentHub.requests() keeps 1 024 requests in order, and reports what it had to drop", async () => {
  await using fixture = await Fixture.start();
  const agent = fixture.agent();
  await agent.subscribed(never);
  for (let first = 0; first < 1_100; first += 100) {
    await fixture.redis(
      ...Array.from({ length: 100 }, (_, index) => ["PUBLISH", requests, numbered(first + index)] as const),
    );
  }
  await until("they have arrived", () => fixture.dropped === 1_100 - 1_024);
  const stop = new AbortController();
  const taken: number[] = [];
  for await (const request of agent.requests(stop.signal)) {
    taken.push(numberOf(request));
    if (taken.length === 1_024) stop.abort();
  }
  assert.deepEqual(
    taken,
    Array.from({ length: 1_024 }, (_, index) => index),
  );
});

test("AgentHub.close() ends what waits", async () => {
  await using fixture = await Fixture.start();
  await fixture.killRedis();
  const agent = fixture.agent();
  const push = hubErrorOf(agent.push(newAddress(), [numbered(1)], never));
  await agent.close();
  assert.match((await push).message, /: closed$/);
});

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { messageOf } from "../../src/core/errors.ts";
import { parseConnectionString } from "../../src/hub/connection-string.ts";
import { presenceKey, replyList } from "../../src/hub/names.ts";
import { connectStationHub, type StationHub } from "../../src/hub/station-hub.ts";
import { channel, Fixture, hubErrorOf, never, newAddress, numbered, numberOf, until } from "./hub-fixture.ts";

const PASSWORD = 'p%@:/?#&[]" \\é';
const escaped = encodeURIComponent(PASSWORD);

/** The first `expected` replies, with a pause after each batch. */
async function collect(hub: StationHub, address: Uint8Array, expected: number, pause = 0) {
  const enough = new AbortController();
  const replies: Uint8Array[] = [];
  for await (const batch of hub.replies(address, enough.signal)) {
    replies.push(...batch);
    if (replies.length >= expected) enough.abort();
    if (pause > 0) await sleep(pause);
  }
  return replies;
}

test("StationHub and AgentHub carry any bytes there and back", async () => {
  await using fixture = await Fixture.start();
  const agent = fixture.agent();
  await agent.subscribed(never);
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  const every = Uint8Array.from({ length: 64 * 1024 }, (_, index) => index * 7 + (index >> 8));
  const odd = [
    new Uint8Array(0),
    Buffer.from("*3\r\n$7\r\nmessage\r\n"),
    new Uint8Array(80 * 1024).fill(255),
  ];

  assert.equal(await station.publish(every), 1);
  const request = await agent.requests(never).next();
  assert.deepEqual(Buffer.from(request.value), Buffer.from(every));

  await agent.push(address, odd, never);
  const replies = await collect(station, address, odd.length);
  assert.deepEqual(replies.map(Buffer.from), odd.map(Buffer.from));
  await station.close(address);
});

test("StationHub.publish() counts the agents of its channel and database alone", async () => {
  await using fixture = await Fixture.start();
  await Promise.all([1, 2, 3].map(() => fixture.agent().subscribed(never)));
  await fixture.agent(parseConnectionString(`${fixture.url}?db=1`)).subscribed(never);
  const station = await connectStationHub(fixture.connection, channel);
  assert.equal(await station.publish(numbered(1)), 3);
  await station.close();
});

test("StationHub.replies() brings 10 000 replies of a fast agent to a slow reader, each once, in order", async () => {
  await using fixture = await Fixture.start();
  const agent = fixture.agent();
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  const sent = Array.from({ length: 10_000 }, (_, index) => numbered(index, 100));
  const pushing = (async () => {
    for (let at = 0; at < sent.length; at += 37) await agent.push(address, sent.slice(at, at + 37), never);
  })();
  const replies = await collect(station, address, sent.length, 1);
  await pushing;
  assert.deepEqual(replies.map(numberOf), sent.map(numberOf));
  await station.close(address);
});

test("StationHub.replies() leaves in Redis what the reader has not come back from", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  const list = replyList(0, channel, address);
  await fixture.redis(["RPUSH", list, ...Array.from({ length: 250 }, (_, index) => numbered(index))]);
  const replies = station.replies(address, never);
  assert.equal((await replies.next()).value.length, 16);
  assert.deepEqual(await fixture.redis(["LLEN", list]), [250]);
  assert.equal((await replies.next()).value.length, 100);
  assert.deepEqual(await fixture.redis(["LLEN", list]), [234]);
  await replies.return(undefined);
  await station.close();
});

test("StationHub.replies() reads large replies a megabyte at a time", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  const large = Array.from({ length: 50 }, (_, index) => numbered(index, 64 * 1024));
  await fixture.redis(["RPUSH", replyList(0, channel, address), ...large]);
  const replies = station.replies(address, never);
  const sizes: number[] = [];
  for (let number = 0; number < large.length; number += sizes.at(-1) ?? 0) {
    const { value } = await replies.next();
    assert.equal(numberOf(value?.[0] ?? assert.fail()), number);
    sizes.push(value.length);
  }
  assert.deepEqual(sizes, [16, 16, 16, 2]);
  await replies.return(undefined);
  await station.close();
});

test("StationHub.replies() ends at once when aborted, waiting or not", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(fixture.connection, channel);
  const before = AbortSignal.abort();
  assert.equal((await station.replies(newAddress(), before).next()).done, true);

  const stop = new AbortController();
  const waiting = station.replies(newAddress(), stop.signal).next();
  await until("BLMOVE waits", async () =>
    /blocked_clients:1/.test(String(await fixture.redis(["INFO", "clients"]))),
  );
  const began = performance.now();
  stop.abort();
  assert.equal((await waiting).done, true);
  assert.ok(performance.now() - began < 1_000); // BLMOVE would wait for five seconds
  await station.close();
});

test("StationHub.replies() can be asked for again after an end", async () => {
  await using fixture = await Fixture.start();
  const agent = fixture.agent();
  const station = await connectStationHub(fixture.connection, channel);
  for (const address of [newAddress(), newAddress()]) {
    await agent.push(address, [numbered(1)], never);
    assert.equal((await collect(station, address, 1)).length, 1);
  }
  await station.close();
});

test("StationHub keeps the replies of two stations apart", async () => {
  await using fixture = await Fixture.start();
  const agent = fixture.agent();
  const run = async (first: number) => {
    const station = await connectStationHub(fixture.connection, channel);
    const address = newAddress();
    const sent = Array.from({ length: 500 }, (_, index) => first + index);
    const pushing = (async () => {
      for (const number of sent) await agent.push(address, [numbered(number)], never);
    })();
    const replies = await collect(station, address, sent.length);
    await pushing;
    assert.deepEqual(replies.map(numberOf), sent);
    await station.close(address);
  };
  await Promise.all([run(0), run(100_000)]);
});

test("StationHub.close() deletes the list of the session and never throws", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  await fixture.agent().push(address, [numbered(1)], never);
  await station.close(address);
  assert.deepEqual(await fixture.redis(["EXISTS", replyList(0, channel, address)]), [0]);
  await station.close(address);
});

test("StationHub renews its sign of life in a Redis that is full, and makes it anew in one that forgot it", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  const presence = presenceKey(0, channel, address);
  await station.begin(address);
  await fixture.redis(["CONFIG", "SET", "maxmemory", "1"]);
  await fixture.redis(["EXPIRE", presence, "9"]);
  const timeToLive = async () => Number((await fixture.redis(["TTL", presence]))[0]);
  await until("it is renewed", async () => (await timeToLive()) > 9);
  await fixture.redis(["CONFIG", "SET", "maxmemory", "0"]);
  await fixture.redis(["DEL", presence]);
  await until("it is there again", async () => (await timeToLive()) > 9);
  await station.close(address);
});

test("StationHub.begin() says that the station lives, for 30 s at a time, and close() that it does not", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  const presence = presenceKey(0, channel, address);
  await station.begin(address);
  assert.deepEqual(await fixture.redis(["TTL", presence]), [30]);
  await station.close(address);
  assert.deepEqual(await fixture.redis(["EXISTS", presence]), [0]);
});

test("StationHub.close() leaves no connection behind, not even one that is only being opened", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  await station.begin(address);
  await fixture.redis(["CLIENT", "KILL", "TYPE", "normal"]);
  const lost = await station.publish(numbered(1));
  assert.equal(lost, 0);
  const both = [station.publish(numbered(2)), station.publish(numbered(3))];
  const closing = station.close(address);
  await Promise.allSettled([...both, closing]);
  await until("nobody is connected but who asks", async () =>
    /connected_clients:1\b/.test(String(await fixture.redis(["INFO", "clients"]))),
  );
});

test("StationHub.replies() goes on after lost connections, and loses nothing", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  const list = replyList(0, channel, address);
  await fixture.redis(["RPUSH", list, ...Array.from({ length: 1_000 }, (_, index) => numbered(index))]);
  const stop = new AbortController();
  // What was read but not trimmed before a connection was lost comes again; the session drops it by its sequence.
  const received = new Set<number>();
  const cuts = [300, 600, 900];
  for await (const batch of station.replies(address, stop.signal)) {
    for (const reply of batch) received.add(numberOf(reply));
    if (received.size === 1_000) stop.abort();
    if (received.size < (cuts[0] ?? Infinity)) continue;
    cuts.shift();
    await fixture.redis(["CLIENT", "KILL", "TYPE", "normal"]);
  }
  assert.deepEqual(
    [...received],
    Array.from({ length: 1_000 }, (_, index) => index),
  );
  assert.deepEqual(cuts, []);
  await station.close(address);
});

test("StationHub.trouble says why nothing comes while Redis is away, and no more when it is back", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  const stop = new AbortController();
  const waiting = station.replies(address, stop.signal).next();
  assert.equal(station.trouble, undefined);
  await fixture.killRedis();
  await until("the trouble is known", () => station.trouble === "no such socket file");
  await fixture.startRedis();
  await fixture.redis(["RPUSH", replyList(0, channel, address), numbered(7)]);
  assert.deepEqual(((await waiting).value ?? []).map(numberOf), [7]);
  assert.equal(station.trouble, undefined);
  stop.abort();
  await station.close(address);
});

test("StationHub.trouble is over soon after Redis is back, though nobody says anything", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  const stop = new AbortController();
  const waiting = station.replies(address, stop.signal).next();
  await fixture.killRedis();
  await until("the trouble is known", () => station.trouble !== undefined);
  await fixture.startRedis();
  const since = performance.now();
  await until("it is over", () => station.trouble === undefined);
  assert.ok(performance.now() - since < 4_500, "not only when a wait of 5 s for replies is over");
  stop.abort();
  await waiting;
  await station.close(address);
});

test("StationHub.hasUnread() is true until a reply was brought and taken, and fails where Redis is away", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  const stop = new AbortController();
  const replies = station.replies(address, stop.signal);
  assert.equal(await station.hasUnread(address), false);
  await fixture.redis(["RPUSH", replyList(0, channel, address), numbered(1)]);
  assert.equal(await station.hasUnread(address), true);
  await replies.next();
  assert.equal(await station.hasUnread(address), true);
  const next = replies.next(); // whoever comes back has taken it
  await until("it is gone", async () => !(await station.hasUnread(address)));
  await fixture.killRedis();
  await assert.rejects(station.hasUnread(address));
  await fixture.startRedis();
  assert.equal(await station.hasUnread(address), false);
  stop.abort();
  await next;
  await station.close(address);
});

test("StationHub.replies() empties the list of a Redis that is full, and goes on when it has room", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  const list = replyList(0, channel, address);
  const stop = new AbortController();
  for (let number = 0; number < 40; number += 1) await fixture.redis(["RPUSH", list, numbered(number)]);
  await fixture.redis(["CONFIG", "SET", "maxmemory", "1"]);
  const received: number[] = [];
  for await (const batch of station.replies(address, stop.signal)) {
    received.push(...batch.map(numberOf));
    if (received.length === 40) break;
  }
  assert.deepEqual(
    received,
    Array.from({ length: 40 }, (_, index) => index),
  );
  const next = station.replies(newAddress(), stop.signal).next();
  await until("it is said", () => /^Redis refuses for now: OOM/.test(station.trouble ?? ""));
  stop.abort();
  await next;
  await station.close(address);
});

test("StationHub.publish() counts nobody where the connection was lost, and opens another for the next", async () => {
  await using fixture = await Fixture.start();
  await fixture.agent().subscribed(never);
  const station = await connectStationHub(fixture.connection, channel);
  await fixture.redis(["CLIENT", "KILL", "TYPE", "normal"]);
  assert.equal(await station.publish(numbered(1)), 0);
  assert.equal(await station.publish(numbered(2)), 1);
  await station.close();
});

test("StationHub.replies() closes the connection on a reply over the limit, and says so", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  await fixture.redis(["RPUSH", replyList(0, channel, address), new Uint8Array(81 * 1024)]);
  const stop = new AbortController();
  const waiting = station.replies(address, stop.signal).next();
  await until("it is said", () => station.trouble === "bulk of 82944 bytes is over the limit");
  stop.abort();
  assert.equal((await waiting).done, true);
  await station.close(address);
});

test("StationHub.replies() ends with a list that is none, and says so", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(fixture.connection, channel);
  const address = newAddress();
  await fixture.redis(["SET", replyList(0, channel, address), "x"]);
  assert.equal((await station.replies(address, never).next()).done, true);
  assert.match(station.trouble ?? "", /^Redis refused: WRONGTYPE/);
  await station.close(address);
});

/** A port on which nobody listens, or a server that never says a word. */
async function port(listening: boolean) {
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  if (!listening) await new Promise((resolve) => server.close(resolve));
  return { number: address.port, [Symbol.dispose]: () => server.close() };
}

test("connectStationHub() says that a connection was refused, for a port and for a dead socket", async () => {
  using closed = await port(false);
  const url = `redis://:${escaped}@localhost:${closed.number}`;
  const error = await hubErrorOf(connectStationHub(parseConnectionString(url), channel));
  assert.equal(error.message, `Cannot connect to "redis://localhost:${closed.number}": connection refused`);
  assert.equal(error.exitStatus, 1);

  await using fixture = await Fixture.start();
  fixture.signalRedis("SIGKILL"); // which leaves the socket's file behind
  await until("it is dead", async () => {
    const said = await connectStationHub(fixture.connection, channel).then((hub) => hub.close(), messageOf);
    return said === `Cannot connect to "${fixture.url}": connection refused`;
  });
  await fixture.killRedis();
  const gone = await hubErrorOf(connectStationHub(fixture.connection, channel));
  assert.equal(gone.message, `Cannot connect to "${fixture.url}": no such socket file`);
});

test("connectStationHub() says that there is no such host", async () => {
  const error = await hubErrorOf(
    connectStationHub(parseConnectionString("redis://no-such-host.invalid"), channel),
  );
  assert.match(
    error.message,
    /^Cannot connect to "redis:\/\/no-such-host.invalid:6379": (no such host|the name)/,
  );
});

test("connectStationHub() waits three seconds for a silent server, and less when aborted", async () => {
  using silent = await port(true);
  const connection = parseConnectionString(`redis://127.0.0.1:${silent.number}`);
  const began = performance.now();
  const stopped = hubErrorOf(connectStationHub(connection, channel, AbortSignal.timeout(100)));
  assert.match((await stopped).message, /: interrupted$/);
  assert.ok(performance.now() - began < 2_000);
  assert.match((await hubErrorOf(connectStationHub(connection, channel))).message, /: no answer within 3 s$/);
  assert.ok(performance.now() - began < 6_000);
});

test("connectStationHub() tells a wrong password, a missing one, and never says either", async () => {
  await using fixture = await Fixture.start(["--requirepass", PASSWORD]);
  const socket = fixture.url;
  const right = await connectStationHub(parseConnectionString(`${socket}?pass=${escaped}`), channel);
  assert.equal(await right.publish(numbered(1)), 0);
  await right.close();

  const reasons = { "": "a password is required", [`?pass=x${escaped}`]: "wrong user name or password" };
  for (const [query, reason] of Object.entries(reasons)) {
    const error = await hubErrorOf(connectStationHub(parseConnectionString(`${socket}${query}`), channel));
    assert.equal(error.message, `Cannot connect to "${socket}": ${reason}`);
    for (const secret of [PASSWORD, escaped, Buffer.from(PASSWORD).toString("hex")]) {
      assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(secret));
    }
  }
});

test("connectStationHub() goes on with a password that Redis does not ask for", async () => {
  await using fixture = await Fixture.start();
  const station = await connectStationHub(parseConnectionString(`${fixture.url}?pass=any`), channel);
  assert.equal(await station.publish(numbered(1)), 0);
  await station.close();
});

test("connectStationHub() tells a database that is not there", async () => {
  await using fixture = await Fixture.start();
  const error = await hubErrorOf(connectStationHub(parseConnectionString(`${fixture.url}?db=99`), channel));
  assert.match(error.message, /\?db=99": this Redis has no such database$/);
});

test("connectStationHub() fails where Redis takes no more clients", async () => {
  await using fixture = await Fixture.start(["--maxclients", "1"]);
  const error = await hubErrorOf(connectStationHub(fixture.connection, channel));
  // Redis says so and hangs up without listening: our PING may meet the closed door before its words are read.
  assert.match(
    error.message,
    /: (Redis serves as many clients as it may|connection (reset|closed by Redis))$/,
  );
});

test("StationHub.begin() names what is denied, before anything is published", async () => {
  await using fixture = await Fixture.start();
  const station = ["ACL", "SETUSER", "station"] as const;
  await fixture.redis([...station, "on", ">pw", "allkeys", "allchannels", "+@all"]);
  const connection = parseConnectionString(`${fixture.url}?user=station&pass=pw`);
  for (const command of ["set", "ltrim", "blmove", "lrange"]) {
    await fixture.redis([...station, `-${command}`]);
    const hub = await connectStationHub(connection, channel);
    const { message } = await hubErrorOf(hub.begin(newAddress()));
    assert.match(message, new RegExp(`^Cannot open a session at "unix:.*": access denied: .*'${command}'`));
    await hub.close();
    await fixture.redis([...station, `+${command}`]);
  }
});

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { HubFailure } from "../../src/hub/failure.ts";
import { RedisConnection } from "../../src/hub/redis-connection.ts";
import { Fixture, never } from "./hub-fixture.ts";

/** Answers PING rightly and whatever follows with `noise`, in two pieces; then hangs up. */
async function liar(noise: Buffer, cut: number) {
  const server = createServer((socket) => {
    let greeted = false;
    socket.on("error", () => {});
    socket.on("data", () => {
      if (!greeted) {
        greeted = true;
        socket.write("+PONG\r\n");
        return;
      }
      socket.write(noise.subarray(0, cut), () => {
        setImmediate(() => socket.end(noise.subarray(cut)));
      });
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const connection = {
    address: { kind: "tcp", host: "127.0.0.1", port: address.port },
    database: 0,
    user: undefined,
    password: undefined,
    tls: undefined,
  } as const;
  return { connection, close: () => server.close() };
}

// Frames that make ioredis throw in its parser, where nobody could catch it, if they got so far.
const frame = fc.constantFrom(
  ..."+OK -ERR\u00a0x :1 $-1 *-1 *0 _ #t ,1.5 (1 %1 ~1 >1 !3 =3".split(" ").map((line) => `${line}\r\n`),
  "*1\r\n$-1\r\n",
  "*1\r\n$9\r\nsubscribe\r\n",
  "*2\r\n$7\r\nmessage\r\n$1\r\nc\r\n",
  "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n",
  "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n:1\r\n",
  "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n",
  "*3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:0\r\n",
  "*3\r\n$8\r\npmessage\r\n$1\r\nc\r\n$1\r\nx\r\n",
  "*3\r\n$3\r\nfoo\r\n$1\r\nc\r\n$1\r\nx\r\n",
  "*3\r\n$-1\r\n$-1\r\n$-1\r\n",
);

test("RedisConnection turns anything that a server may answer into answers or a HubFailure", async () => {
  const noise = fc
    .array(fc.oneof(frame, fc.string({ maxLength: 4 })), { maxLength: 6 })
    .map((all) => all.join(""));
  await fc.assert(
    fc.asyncProperty(noise, fc.nat(), fc.boolean(), async (text, cut, subscribing) => {
      const bytes = Buffer.from(text, "latin1");
      const server = await liar(bytes, cut % (bytes.length + 1));
      try {
        const redis = await RedisConnection.open(server.connection, 1024, never);
        const asked = subscribing
          ? redis.subscribe("c", () => {})
          : redis.send(["GET", "a"], ["LRANGE", "b", 0, 1]);
        const outcome = await asked.catch((error: unknown) => error);
        if (outcome instanceof Error) assert.ok(outcome instanceof HubFailure, String(outcome));
        assert.ok((await redis.ended) instanceof HubFailure);
      } finally {
        server.close();
      }
    }),
    { numRuns: 300 },
  );
  await sleep(0); // an exception of the parser comes a tick later, and fails this file
});

test("RedisConnection.send() gives up a Redis that is silent, with the connection", async () => {
  await using fixture = await Fixture.start();
  const redis = await RedisConnection.open(fixture.connection, 1024, never);
  fixture.signalRedis("SIGSTOP");
  const lost = { name: "HubFailure", kind: "connection", message: "no answer within 0.2 s" };
  await assert.rejects(redis.sendAndWait(200, ["PING"]), lost);
  await assert.rejects(redis.send(["PING"]), lost);
  assert.equal((await redis.ended).message, lost.message);
  fixture.signalRedis("SIGCONT");
});

test("RedisConnection.send() gives the refusal of its command, not of the transaction around it", async () => {
  await using fixture = await Fixture.start();
  const redis = await RedisConnection.open(fixture.connection, 1024, never);
  const queued = redis.send(["MULTI"], ["RPUSH", "a"], ["EXEC"]);
  await assert.rejects(queued, { kind: "refused", message: /wrong number of arguments for 'rpush'/ });
  const executed = redis.send(["MULTI"], ["SET", "a", "x"], ["LPOP", "a"], ["EXEC"]);
  await assert.rejects(executed, { kind: "refused", message: /^Redis refused: WRONGTYPE/ });
  assert.deepEqual(await redis.send(["INCR", "b"]), [1]);
  redis.end();
  assert.equal((await redis.ended).message, "connection closed by Redis");
});

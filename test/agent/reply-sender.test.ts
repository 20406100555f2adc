import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as settle } from "node:timers/promises";
import { ReplySender } from "../../src/agent/reply-sender.ts";
import type { Backlog } from "../../src/hub/agent-hub.ts";
import { newReplyKeyPair, newSessionKeyPair } from "../../src/protocol/keys.ts";
import { decodeReply, type Exit, type Output, type Reply } from "../../src/protocol/reply.ts";
import {
  openReply,
  ReplySealer,
  readReplyFrame,
  replyOpeningKey,
} from "../../src/protocol/reply-envelope.ts";
import "./scene.ts";

type Call = {
  /** None for a look. */
  readonly envelopes: readonly Uint8Array[];
  /** Milliseconds to wait before a look. */
  readonly pause?: number;
  /** The hub's answer: how many items there are, and whether the station is. */
  readonly done: (length: number, isStationThere?: boolean) => Promise<void>;
  readonly fail: (reason: unknown) => Promise<void>;
};

/** A sender whose hub answers nothing until the test says so. */
function scene() {
  const session = newSessionKeyPair();
  const clock = { now: 0, monotonic: () => clock.now, wall: () => clock.now };
  const calls: Call[] = [];
  const call = (more: Pick<Call, "envelopes" | "pause">) =>
    new Promise<Backlog>((resolve, reject) => {
      calls.push({
        ...more,
        done: (length, isStationThere = true) => {
          resolve({ length, isStationThere });
          return settle();
        },
        fail: (reason) => {
          reject(reason);
          return settle();
        },
      });
    });
  const path = {
    push: (envelopes: readonly Uint8Array[]) => call({ envelopes }),
    look: (pause: number) => call({ envelopes: [], pause }),
  };
  const sender = new ReplySender(path, new ReplySealer(session.publicKey, newReplyKeyPair()), clock);
  let sequence = 0;
  /** What a call carries, as the station reads it; calls must be read in order. */
  const read = (index: number): readonly Reply[] =>
    (calls[index]?.envelopes ?? assert.fail(`there is no call ${index}`)).map((envelope) => {
      const frame = readReplyFrame(envelope);
      assert.ok(frame !== undefined);
      assert.equal(frame.sequence, sequence++);
      const key = replyOpeningKey(frame.replyKey, session);
      const body = key && openReply(frame, key);
      assert.ok(body !== undefined);
      return decodeReply(body);
    });
  /** The same in short: `[offset, length]` of output, the type of anything else. */
  const outline = (index: number) =>
    read(index).map((reply) => (reply.type === "output" ? [reply.offset, reply.data.length] : reply.type));
  return { sender, clock, calls, read, outline };
}

const STATE: Reply = { type: "state", state: "running" };
const CHUNK = 64 * 1024;

function output(offset: number, length = 1): Output {
  return { type: "output", stream: "stdout", offset, data: new Uint8Array(length) };
}

function exit(): Exit {
  const nothing = { signal: undefined, detail: undefined, leftOpen: false, stderr: 0, dropped: 0 };
  return { type: "exit", ending: "exited", status: 0, runTime: 1, stdout: 0, ...nothing };
}

test("ReplySender pushes the first reply at once, and what gathers meanwhile together, in order", async () => {
  const { sender, calls, outline } = scene();
  await sender.send(STATE);
  assert.deepEqual(outline(0), ["state"]);
  for (let offset = 0; offset < 5; offset++) await sender.send(output(offset));
  assert.equal(calls.length, 1);
  await calls[0]?.done(0);
  assert.deepEqual(
    outline(1),
    [0, 1, 2, 3, 4].map((offset) => [offset, 1]),
  );
  await calls[1]?.done(3);
  assert.equal(calls.length, 2);
  await sender.send(output(5));
  assert.deepEqual(outline(2), [[5, 1]]);
  await calls[2]?.done(1);
  await sender.close();
});

test("ReplySender pushes 4 KiB of output, and no more until the list has been seen to shrink", async () => {
  const { sender, calls, outline } = scene();
  await sender.send(STATE);
  await sender.send(output(0, CHUNK));
  await sender.send(output(CHUNK, CHUNK));
  assert.deepEqual(outline(0), ["state"]);
  await calls[0]?.done(1);
  assert.deepEqual(outline(1), [[0, 4096]]);
  await calls[1]?.done(2);
  assert.equal(calls[2]?.pause, 2);
  await calls[2]?.done(2);
  assert.equal(calls[3]?.pause, 4);
  await calls[3]?.done(5); // others add
  assert.equal(calls[4]?.pause, 8);
  await calls[4]?.done(4);
  assert.deepEqual(outline(5), [
    [4096, CHUNK - 4096],
    [CHUNK, CHUNK],
  ]);
  await calls[5]?.done(4);
  await sender.close();
  assert.equal(calls.length, 6);
});

test("ReplySender sees the list shrink where a push finds less than there was and it added", async () => {
  const { sender, calls, outline } = scene();
  await sender.send(STATE);
  await calls[0]?.done(1);
  await sender.send(output(0, 4096));
  await sender.send(output(4096, 4097));
  await calls[1]?.done(1); // the state has been read
  outline(0);
  outline(1);
  assert.deepEqual(outline(2), [[4096, 4097]]);
  await calls[2]?.done(2);
  await sender.close();
});

test("ReplySender adds output while there are fewer than 256 items, at ever longer intervals up to 250 ms", async () => {
  const { sender, calls, outline } = scene();
  await sender.send(STATE);
  await calls[0]?.done(0);
  await sender.send(output(0));
  await sender.send(output(1));
  assert.deepEqual(outline(0), ["state"]);
  assert.deepEqual(outline(1), [[0, 1]]);
  await calls[1]?.done(256);
  const pauses: unknown[] = [];
  for (let index = 2; index < 12; index++) {
    pauses.push(calls[index]?.pause);
    await calls[index]?.done(256);
  }
  assert.deepEqual(pauses, [2, 4, 8, 16, 32, 64, 128, 250, 250, 250]);
  await calls[12]?.done(255);
  assert.deepEqual(outline(13), [[1, 1]]);
  await calls[13]?.done(256);
  // The next one waits again, from the shortest interval.
  await sender.send(output(2));
  assert.equal(calls[14]?.pause, 2);
  await calls[14]?.done(0);
  await calls[15]?.done(1);
  await sender.close();
});

test("ReplySender pushes what is no output however long the list is, but not before the output in front", async () => {
  const { sender, calls, outline } = scene();
  await sender.send(STATE);
  await sender.send(STATE);
  await sender.send(output(0));
  await sender.send(exit());
  await calls[0]?.done(1_000);
  await calls[1]?.done(1_001);
  assert.deepEqual([outline(0), outline(1)], [["state"], ["state"]]);
  assert.equal(calls[2]?.pause, 2);
  await calls[2]?.done(0);
  assert.deepEqual(outline(3), [[0, 1], "exit"]);
  await calls[3]?.done(2);
  await sender.close();
});

test("ReplySender counts small pieces as 2 KiB each: 64 of them at a time, 128 before the caller waits", async () => {
  const { sender, calls, outline } = scene();
  await sender.send(STATE);
  let taken = 0;
  const sending = (async () => {
    for (; taken < 300; taken++) await sender.send(output(taken));
  })();
  await settle();
  assert.equal(taken, 128);
  await calls[0]?.done(0);
  outline(0);
  const sizes: number[] = [];
  for (let index = 1; calls[index] !== undefined; index++) {
    sizes.push(outline(index).length);
    await calls[index]?.done(0);
  }
  await sending;
  await sender.close();
  assert.equal(Math.max(...sizes), 64);
  assert.equal(
    sizes.reduce((sum, size) => sum + size),
    300,
  );
});

test("ReplySender.send() waits while more than 256 KiB are in the queue, and goes on when they are fewer", async () => {
  const { sender, calls, outline } = scene();
  await sender.send(STATE);
  let taken = 0;
  const sending = (async () => {
    for (; taken < 20; taken++) await sender.send(output(taken * CHUNK, CHUNK));
  })();
  await settle();
  await calls[0]?.done(0);
  // Two of them are on their way, and still in memory.
  assert.equal(taken, 4);
  let next = 0;
  outline(0);
  for (let index = 1; calls[index] !== undefined; index++) {
    const pieces = outline(index);
    assert.deepEqual(
      pieces,
      pieces.map((_, piece) => [(next + piece) * CHUNK, CHUNK]),
    );
    assert.ok(pieces.length <= 2);
    next += pieces.length;
    assert.ok(taken <= next + 4);
    await calls[index]?.done(0);
  }
  await sending;
  await sender.close();
  assert.equal(next, 20);
});

test("ReplySender drops output once the station has been away for 10 s, and says in the exit how much", async () => {
  const { sender, clock, calls, outline, read } = scene();
  await sender.send(STATE);
  await calls[0]?.done(0, false);
  clock.now = 9_999;
  await sender.send(output(0, 1_000));
  await calls[1]?.done(1, false);
  await sender.send(output(1_000, 1_000));
  clock.now = 10_000;
  await calls[2]?.done(2, false);
  assert.deepEqual([outline(0), outline(1), outline(2)], [["state"], [[0, 1_000]], [[1_000, 1_000]]]);
  assert.equal(sender.dropped, 0);
  for (let index = 2; index < 10; index++) await sender.send(output(index * 1_000, 1_000));
  await settle();
  assert.equal(calls.length, 3);
  assert.equal(sender.dropped, 8_000);
  await sender.send(exit());
  const [last] = read(3);
  assert.equal(last?.type === "exit" && last.dropped, 8_000);
  // It is gone, even if it should come back: what it has missed is missing.
  await calls[3]?.done(0, true);
  await sender.send(output(10_000, 1_000));
  assert.equal(calls.length, 4);
  await sender.close();
});

test("ReplySender drops what waits for room when the station goes, and lets the caller go on", async () => {
  const { sender, clock, calls, outline } = scene();
  await sender.send(STATE);
  await calls[0]?.done(0);
  let taken = 0;
  const sending = (async () => {
    for (; taken < 50; taken++) await sender.send(output(taken * CHUNK, CHUNK));
  })();
  await settle();
  await calls[1]?.done(256);
  await calls[2]?.done(256, false);
  clock.now = 10_000;
  await calls[3]?.done(256, false);
  await sending;
  assert.equal(calls.length, 4);
  assert.deepEqual([outline(0), outline(1)], [["state"], [[0, CHUNK]]]);
  await sender.close();
  assert.equal(sender.dropped, 49 * CHUNK);
});

test("ReplySender goes on for a station that is back within 10 s, however often it goes", async () => {
  const { sender, clock, calls, outline } = scene();
  await sender.send(STATE);
  await calls[0]?.done(0);
  outline(0);
  for (let index = 1; index < 10; index++) {
    await sender.send(output(index));
    assert.deepEqual(outline(index), [[index, 1]]);
    clock.now += 6_000;
    await calls[index]?.done(0, index % 3 === 0);
  }
  await sender.close();
  assert.equal(sender.dropped, 0);
});

test("ReplySender.close() waits for the last reply", async () => {
  const { sender, calls } = scene();
  await sender.send(output(0));
  await sender.send(output(1));
  let isClosed = false;
  const closing = sender.close().then(() => {
    isClosed = true;
  });
  await calls[0]?.done(0);
  assert.equal(isClosed, false);
  await calls[1]?.done(0);
  await closing;
});

test("ReplySender.close() forgets the key", async () => {
  const session = newSessionKeyPair();
  const sealer = new ReplySealer(session.publicKey, newReplyKeyPair());
  const opens = () => {
    const frame = readReplyFrame(sealer.seal(new Uint8Array(1)));
    const key = frame && replyOpeningKey(frame.replyKey, session);
    return frame !== undefined && key !== undefined && openReply(frame, key) !== undefined;
  };
  assert.equal(opens(), true);
  const nobody = () => assert.fail("nothing is to be sent");
  await new ReplySender({ push: nobody, look: nobody }, sealer, {
    monotonic: () => 0,
    wall: () => 0,
  }).close();
  assert.equal(opens(), false);
});

test("ReplySender.close() throws what the hub refused, and nothing is pushed after it", async () => {
  const { sender, calls } = scene();
  await sender.send(output(0));
  await sender.send(output(1));
  const refusal = new Error("no permission");
  await calls[0]?.fail(refusal);
  await sender.send(output(2));
  assert.equal(calls.length, 1);
  await assert.rejects(sender.close(), refusal);
  await assert.rejects(sender.close(), refusal);
});

test("ReplySender.send() lets whoever waits go on when the hub refuses, so that a command can end", async () => {
  for (const refused of ["push", "look"]) {
    const { sender, calls } = scene();
    const sending = (async () => {
      for (let offset = 0; offset < 40; offset++) await sender.send(output(offset, CHUNK));
    })();
    await settle();
    if (refused === "look") await calls[0]?.done(1);
    assert.equal(calls.at(-1)?.pause, refused === "look" ? 2 : undefined);
    await calls.at(-1)?.fail(new Error("no permission"));
    await sending;
    await assert.rejects(sender.close(), /no permission/);
  }
});

test("ReplySender hands over bytes that stay the same for as long as a push repeats them", async () => {
  const session = newSessionKeyPair();
  const tries: string[][] = [];
  const push = async (envelopes: readonly Uint8Array[]) => {
    for (let attempt = 0; attempt < 3; attempt++) {
      tries.push(envelopes.map((envelope) => Buffer.from(envelope).toString("hex")));
      await settle();
    }
    return { length: 0, isStationThere: true };
  };
  const look = () => assert.fail("there is room");
  const sealer = new ReplySealer(session.publicKey, newReplyKeyPair());
  const sender = new ReplySender({ push, look }, sealer, { monotonic: () => 0, wall: () => 0 });
  for (let offset = 0; offset < 4; offset++) await sender.send(output(offset));
  await sender.close();
  assert.equal(tries.length, 6);
  for (const [index, attempt] of tries.entries()) assert.deepEqual(attempt, tries[index - (index % 3)]);
  assert.equal(new Set(tries.flat()).size, 4);
});

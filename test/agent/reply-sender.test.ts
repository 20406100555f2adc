import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as settle } from "node:timers/promises";
import { type Push, ReplySender } from "../../src/agent/reply-sender.ts";
import { newReplyKeyPair, newSessionKeyPair } from "../../src/protocol/keys.ts";
import { decodeReply, type Output } from "../../src/protocol/reply.ts";
import {
  openReply,
  ReplySealer,
  readReplyFrame,
  replyOpeningKey,
} from "../../src/protocol/reply-envelope.ts";
import "./scene.ts";

type Call = {
  readonly envelopes: readonly Uint8Array[];
  readonly done: () => void;
  readonly fail: (reason: unknown) => void;
};

/** A sender whose hub acknowledges nothing until the test says so. */
function scene() {
  const session = newSessionKeyPair();
  const calls: Call[] = [];
  const push: Push = (envelopes) =>
    new Promise((done, fail) => {
      calls.push({ envelopes, done, fail });
    });
  const sender = new ReplySender(push, new ReplySealer(session.publicKey, newReplyKeyPair()));
  /** What a call carries, as the station reads it; the sequence is checked against `from`. */
  const read = (call: Call | undefined, from: number) =>
    (call?.envelopes ?? []).map((envelope, index) => {
      const frame = readReplyFrame(envelope);
      assert.ok(frame !== undefined);
      assert.equal(frame.sequence, from + index);
      const key = replyOpeningKey(frame.replyKey, session);
      const body = key && openReply(frame, key);
      assert.ok(body !== undefined);
      const reply = decodeReply(body);
      return reply.type === "output" ? reply.offset : reply.type;
    });
  return { sender, calls, read };
}

function output(offset: number, length = 1): Output {
  return { type: "output", stream: "stdout", offset, data: new Uint8Array(length) };
}

test("ReplySender pushes the first reply at once, and what gathers meanwhile together, in order", async () => {
  const { sender, calls, read } = scene();
  await sender.send({ type: "state", state: "running" });
  assert.deepEqual(read(calls[0], 0), ["state"]);
  for (let offset = 0; offset < 5; offset++) await sender.send(output(offset));
  assert.equal(calls.length, 1);
  calls[0]?.done();
  await settle();
  assert.deepEqual(read(calls[1], 1), [0, 1, 2, 3, 4]);
  calls[1]?.done();
  await settle();
  assert.equal(calls.length, 2);
  await sender.send(output(5));
  assert.deepEqual(read(calls[2], 6), [5]);
  calls[2]?.done();
  await sender.close();
});

test("ReplySender.send() waits while more than a megabyte is on its way, and goes on when it has arrived", async () => {
  const { sender, calls, read } = scene();
  const largest = 64 * 1024;
  let sent = 0;
  const sending = (async () => {
    while (sent < 100) {
      await sender.send(output(sent, largest));
      sent++;
    }
  })();
  await settle();
  const first = sent;
  // The one that is being pushed counts, too: it is still in memory.
  assert.ok(first * largest <= 1024 * 1024 && first * largest > 900_000, `${first} were taken`);
  calls[0]?.done();
  await settle();
  assert.equal(sent, first, "the second push is as large");
  calls[1]?.done();
  await settle();
  assert.ok(sent > first);
  for (let index = 2; sent < 100; index++) {
    calls[index]?.done();
    await settle();
  }
  await sending;
  calls.at(-1)?.done();
  await settle();
  calls.at(-1)?.done();
  await sender.close();
  let sequence = 0;
  for (const call of calls) {
    assert.deepEqual(
      read(call, sequence),
      call.envelopes.map((_, index) => sequence + index),
    );
    assert.ok(call.envelopes.reduce((sum, { length }) => sum + length, 0) < 1.2 * 1024 * 1024);
    sequence += call.envelopes.length;
  }
  assert.equal(sequence, 100);
});

test("ReplySender.close() waits for the last reply", async () => {
  const { sender, calls } = scene();
  await sender.send(output(0));
  await sender.send(output(1));
  let isClosed = false;
  const closing = sender.close().then(() => {
    isClosed = true;
  });
  calls[0]?.done();
  await settle();
  assert.equal(isClosed, false);
  calls[1]?.done();
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
  await new ReplySender(async () => {}, sealer).close();
  assert.equal(opens(), false);
});

test("ReplySender.close() throws what the hub refused, and nothing is pushed after it", async () => {
  const { sender, calls } = scene();
  await sender.send(output(0));
  await sender.send(output(1));
  const refusal = new Error("no permission");
  calls[0]?.fail(refusal);
  await settle();
  await sender.send(output(2));
  assert.equal(calls.length, 1);
  await assert.rejects(sender.close(), refusal);
  await assert.rejects(sender.close(), refusal);
});

test("ReplySender.send() lets whoever waits go on when the hub refuses, so that a command can end", async () => {
  const { sender, calls } = scene();
  const sending = (async () => {
    for (let offset = 0; offset < 40; offset++) await sender.send(output(offset, 64 * 1024));
  })();
  await settle();
  calls[0]?.fail(new Error("no permission"));
  await sending;
  assert.equal(calls.length, 1);
  await assert.rejects(sender.close(), /no permission/);
});

test("ReplySender hands over bytes that stay the same for as long as a push repeats them", async () => {
  const session = newSessionKeyPair();
  const tries: string[][] = [];
  const push: Push = async (envelopes) => {
    for (let attempt = 0; attempt < 3; attempt++) {
      tries.push(envelopes.map((envelope) => Buffer.from(envelope).toString("hex")));
      await settle();
    }
  };
  const sender = new ReplySender(push, new ReplySealer(session.publicKey, newReplyKeyPair()));
  for (let offset = 0; offset < 4; offset++) await sender.send(output(offset));
  await sender.close();
  assert.equal(tries.length, 6);
  for (const [index, attempt] of tries.entries()) assert.deepEqual(attempt, tries[index - (index % 3)]);
  assert.equal(new Set(tries.flat()).size, 4);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { answerList } from "../../src/agent/list-answer.ts";
import { CbError } from "../../src/core/errors.ts";
import { concatAll } from "../../src/protocol/bytes.ts";
import { decodeListing, type ListedCommand } from "../../src/protocol/listing.ts";
import type { Reply } from "../../src/protocol/reply.ts";
import { name } from "./scene.ts";

const SOME: readonly ListedCommand[] = [{ name: name("reload") }];
const MANY = Array.from({ length: 1000 }, (_, index) => ({
  name: name(`c${10_000 + index}`.padEnd(64, "x")),
  digest: new Uint8Array(32),
}));

/** What is said of a list, and how it ends; time passes while it is made. */
async function answered(
  list: () => Promise<readonly ListedCommand[]>,
  end = new AbortController(),
  abortAt = 9,
) {
  let time = 0;
  const clock = { wall: () => 0, monotonic: () => (time += 7.4) };
  const sent: Extract<Reply, { type: "output" }>[] = [];
  const send = async (reply: Reply) => {
    assert.equal(reply.type, "output");
    if (reply.type === "output") sent.push(reply);
    if (sent.length === abortAt) end.abort("cancelled");
  };
  return { sent, exit: await answerList({ list, send, clock }, end.signal) };
}

test("answerList() sends the listing in pieces of 64 KiB at most, and an exit with its length", async () => {
  for (const [commands, pieces] of [
    [SOME, 1],
    [MANY, 2],
  ] as const) {
    const { sent, exit } = await answered(async () => commands);
    const bytes = concatAll(sent.map(({ data }) => data));
    assert.equal(sent.length, pieces);
    assert.deepEqual(
      sent.map(({ stream, offset }) => [stream, offset]),
      sent.map((_, index) => ["stdout", index * 65_536]),
    );
    assert.deepEqual(
      decodeListing(bytes).commands.map(({ name: each }) => each),
      commands.map(({ name: each }) => each),
    );
    assert.deepEqual([exit.ending, exit.status, exit.stdout], ["exited", 0, bytes.length]);
    assert.equal(exit.runTime, 7);
  }
});

test("answerList() ends when it is cancelled or its agent stops, before and between pieces", async () => {
  for (const reason of ["cancelled", "stopped"] as const) {
    const end = new AbortController();
    const fails = async () => {
      end.abort(reason);
      return end.signal.throwIfAborted() as never;
    };
    const { sent, exit } = await answered(fails, end);
    assert.deepEqual([sent.length, exit.ending, exit.status], [0, reason, undefined]);
  }
  const { sent, exit } = await answered(async () => MANY, new AbortController(), 1);
  assert.deepEqual([sent.length, exit.ending, exit.stdout], [1, "cancelled", 65_536]);
});

test("answerList() says why there is no list, and does not hide a bug", async () => {
  const { sent, exit } = await answered(async () => {
    throw new CbError("file", 'Cannot read "/run.d": permission denied');
  });
  assert.deepEqual(
    [sent.length, exit.ending, exit.detail],
    [0, "not-started", 'Cannot read "/run.d": permission denied'],
  );
  const broken = async () => {
    throw new TypeError("a bug");
  };
  await assert.rejects(answered(broken), TypeError);
});

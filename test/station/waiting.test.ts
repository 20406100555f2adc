import assert from "node:assert/strict";
import { test } from "node:test";
import { Inbox } from "../../src/station/waiting.ts";

const NEVER = Infinity;

test("Inbox.next() gives what has come in the order in which it came, before it looks at the time", async () => {
  const inbox = new Inbox<string>();
  let settle: (text: string) => void = () => {};
  inbox.expect(
    new Promise((resolve) => {
      settle = resolve;
    }),
  );
  inbox.expect(Promise.resolve("second"));
  assert.equal(await inbox.next(NEVER, []), "second");
  assert.equal(await inbox.next(0, []), undefined);
  settle("first");
  assert.equal(await inbox.next(NEVER, []), "first");
  inbox.expect(Promise.resolve("a"));
  inbox.expect(Promise.resolve("b"));
  await Promise.resolve();
  assert.deepEqual([await inbox.next(0, []), await inbox.next(0, [])], ["a", "b"]);
});

test("Inbox.next() ends with a signal, and with the failure of what was expected", async () => {
  const inbox = new Inbox<string>();
  const stop = new AbortController();
  const waiting = inbox.next(NEVER, [stop.signal]);
  stop.abort();
  assert.equal(await waiting, undefined);
  inbox.expect(Promise.reject(new Error("broken")));
  await assert.rejects(inbox.next(NEVER, [stop.signal]), /^Error: broken$/);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { PendingAnswers } from "../../src/faraday/pending-answers.ts";
import { NEVER } from "./wire-fixture.ts";

/** Expects so many answers, with the numbers 1, 2, … */
function expecting(count: number): { readonly pending: PendingAnswers; readonly answers: Promise<string>[] } {
  const pending = new PendingAnswers();
  const sent: number[] = [];
  const answers = Array.from({ length: count }, () => pending.expect((id) => sent.push(id), NEVER));
  assert.deepEqual(
    sent,
    Array.from({ length: count }, (_, index) => index + 1),
  );
  return { pending, answers };
}

test("PendingAnswers.acknowledge() answers one, once", async () => {
  const { pending, answers } = expecting(3);
  pending.acknowledge(2);
  pending.acknowledge(2);
  pending.acknowledge(99);
  pending.lose();
  assert.deepEqual(await Promise.all(answers), ["lost", "acknowledged", "lost"]);
});

test("PendingAnswers.acknowledgeUpTo() answers that one and those before", async () => {
  const { pending, answers } = expecting(4);
  pending.acknowledgeUpTo(3);
  pending.lose();
  assert.deepEqual(await Promise.all(answers), ["acknowledged", "acknowledged", "acknowledged", "lost"]);
});

test("PendingAnswers.expect() sends nothing where nobody would answer, or nobody waits", async () => {
  const pending = new PendingAnswers();
  const send = () => assert.fail("it was sent");
  assert.equal(await pending.expect(send, AbortSignal.abort()), "unanswered");
  pending.lose();
  assert.equal(await pending.expect(send, NEVER), "lost");
});

test("PendingAnswers.expect() waits no longer than its patience, and takes no answer after it", async () => {
  const pending = new PendingAnswers();
  const patience = new AbortController();
  const answer = pending.expect(() => {}, patience.signal);
  patience.abort();
  pending.acknowledge(1);
  assert.equal(await answer, "unanswered");
});

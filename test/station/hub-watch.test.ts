import assert from "node:assert/strict";
import { test } from "node:test";
import {
  answered,
  askAt,
  asked,
  type Heard,
  type HubWatch,
  inattentive,
  isLate,
  newHubWatch,
  replied,
  said,
  sayAt,
} from "../../src/station/hub-watch.ts";

const NEVER = Infinity;

/** A question and its answer, so many milliseconds later. */
function askedAndAnswered(watch: HubWatch, at: number, took: number, hasUnread: boolean | undefined): Heard {
  return answered(asked(watch, at), hasUnread, at + took);
}

test("askAt() has the hub asked every second, at once when a wait is over, and not while it is", () => {
  const watch = newHubWatch(0);
  assert.equal(askAt(watch, NEVER), 1_000);
  assert.equal(askAt(watch, 300), 300);
  assert.equal(askAt(watch, 0), 1_000);
  assert.equal(askAt(asked(watch, 300), 300), NEVER);
  const { watch: proven } = askedAndAnswered(watch, 300, 5, false);
  assert.equal(askAt(proven, 300), 1_300);
  assert.equal(askAt(proven, 301), 301);
});

test("askAt() has the hub asked again soon where something is unread, and not so soon where it failed", () => {
  const { watch: unread } = askedAndAnswered(newHubWatch(0), 300, 5, true);
  assert.equal(askAt(unread, 300), 350);
  assert.equal(askAt(unread, NEVER), 1_300);
  const { watch: failed } = askedAndAnswered(newHubWatch(0), 300, 5, undefined);
  assert.equal(askAt(failed, 300), 1_300);
});

test("answered() proves who was silent until the question, where nothing is unread, and not until the answer", () => {
  const { watch, deaf } = askedAndAnswered(newHubWatch(0), 1_000, 900, false);
  assert.deepEqual([watch.provenAt, watch.aliveAt, deaf], [1_000, 1_900, undefined]);
  for (const hasUnread of [true, undefined]) {
    const { watch: other } = askedAndAnswered(watch, 2_000, 10, hasUnread);
    assert.deepEqual([other.provenAt, other.aliveAt], [1_000, 1_900]);
  }
});

test("replied() shows that the hub lives, and proves nobody silent", () => {
  const { watch, deaf } = replied(newHubWatch(0), 1_500);
  assert.deepEqual([watch.aliveAt, watch.provenAt, deaf], [1_500, 0, undefined]);
});

test("answered() and replied() find that nothing could be heard for more than two seconds, or since a failure", () => {
  const slow = { kind: "deaf", since: 0, returnBy: 2_001 + 18_000 } as const;
  assert.deepEqual(replied(newHubWatch(0), 2_001).deaf, slow);
  assert.equal(replied(newHubWatch(0), 2_000).deaf, undefined);
  assert.deepEqual(askedAndAnswered(newHubWatch(0), 1_000, 1_001, false).deaf, slow);
  const { watch: failed } = askedAndAnswered(newHubWatch(0), 100, 5, undefined);
  const quick = { kind: "deaf", since: 0, returnBy: 200 + 18_000 } as const;
  assert.deepEqual(replied(failed, 200).deaf, quick);
  const { watch, deaf } = askedAndAnswered(failed, 195, 5, false);
  assert.deepEqual(deaf, quick);
  assert.equal(replied(watch, 300).deaf, undefined);
});

test("a hub that says for ever that more is unread, and brings nothing, counts as silent", () => {
  let watch = newHubWatch(0);
  for (let at = 1_000; at <= 10_000; at += 1_000) ({ watch } = askedAndAnswered(watch, at, 5, true));
  assert.equal(watch.aliveAt, 0);
  assert.equal(sayAt(watch), 3_000);
});

test("sayAt() is once for each silence, whose length is told when it ends", () => {
  const watch = said(newHubWatch(0));
  assert.equal(sayAt(watch), NEVER);
  const back = replied(watch, 14_000);
  assert.equal(back.saidFor, 14_000);
  assert.equal(sayAt(back.watch), 17_000);
  assert.equal(replied(newHubWatch(0), 2_500).saidFor, undefined);
});

test("inattentive() takes our own standstill for no silence of the hub", () => {
  const watch = inattentive(newHubWatch(0), 60_000);
  assert.equal(sayAt(watch), 63_000);
  assert.equal(replied(watch, 60_001).deaf, undefined);
  assert.equal(watch.provenAt, 0);
});

test("isLate() is whoever looks two seconds after he meant to", () => {
  assert.deepEqual([isLate(100, 2_100), isLate(100, 2_101)], [false, true]);
});

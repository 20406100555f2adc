import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer } from "../../src/agent/admit.ts";
import { MAX_HELD } from "../../src/agent/hold.ts";
import { LiveSessions } from "../../src/agent/live-sessions.ts";
import { newSessionKeyPair } from "../../src/protocol/keys.ts";
import {
  EXPIRES,
  envelope,
  expectDecision,
  fields,
  ISSUED,
  NOW,
  network,
  receive,
  reload,
  station,
} from "./scene.ts";

const HOUR = 3_600_000;

function sessions() {
  const clock = { now: NOW, wall: () => clock.now, monotonic: () => 0 };
  return { clock, live: new LiveSessions(clock) };
}

function held(until = ISSUED + HOUR): Answer {
  const body = fields({ "hold-until": until });
  return expectDecision(receive(envelope(body, { session: newSessionKeyPair() })), "run");
}

test("LiveSessions knows of a session what a later message must repeat, and whether it is held", () => {
  const { live } = sessions();
  const answer = held();
  const { isHeld, command, networkKey, stationKey, challenge } = live.open(answer);
  assert.deepEqual([isHeld, command], [true, reload]);
  assert.deepEqual(networkKey, network.publicKey);
  assert.deepEqual(stationKey, station.publicKey);
  assert.deepEqual(challenge, answer.session.head.challenge);
  const plain = expectDecision(receive(envelope(fields())), "run");
  assert.deepEqual([live.open(plain).isHeld, live.open(plain).hold], [false, undefined]);
});

test("LiveSessions remembers what was held until nobody asks for it any more", () => {
  const { live, clock } = sessions();
  const answer = held();
  const { id } = answer.session;
  const hold = live.open(answer).hold;
  assert.deepEqual([live.get(id)?.isHeld, live.isOver(id)], [true, false]);
  hold?.end(undefined);
  assert.equal(live.get(id)?.isHeld, false);
  live.close(answer);
  assert.deepEqual([live.get(id), live.isOver(id)], [undefined, true]);

  const plain = expectDecision(receive(envelope(fields())), "run");
  live.open(plain);
  live.close(plain);
  assert.equal(live.isOver(plain.session.id), false);

  clock.now = ISSUED + HOUR;
  const next = held(EXPIRES);
  live.open(next);
  live.close(next);
  assert.deepEqual([live.isOver(id), live.isOver(next.session.id)], [false, true]);
});

test("LiveSessions remembers whom it has told that a run is gone", () => {
  const { live } = sessions();
  const answer: Answer = { session: held().session, decision: "refused", reason: "gone" };
  live.open(answer);
  live.close(answer);
  assert.equal(live.isOver(answer.session.id), true);
});

test("LiveSessions holds 256 runs at most", () => {
  const { live } = sessions();
  const answers = Array.from({ length: MAX_HELD }, () => held());
  for (const answer of answers) {
    assert.equal(live.canHold, true);
    live.open(answer);
  }
  assert.equal(live.canHold, false);
  live.get(answers[0]?.session.id ?? new Uint8Array())?.hold?.end(undefined);
  assert.equal(live.canHold, true);
});

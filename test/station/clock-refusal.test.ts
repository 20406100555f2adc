import assert from "node:assert/strict";
import { test } from "node:test";
import { clockRefusal } from "../../src/station/clock-refusal.ts";

const ISSUED = 1_800_000_000_000;
const REQUEST = { issued: ISSUED, expires: ISSUED + 60_000 };

/** Seconds after the request: what the agent's clock showed, what ours showed when we heard it, the bound it names. */
type Case = {
  readonly detail?: string | undefined;
  readonly time: number;
  readonly heard?: number;
  readonly bound?: number;
};

function told({ detail, time, heard = 0.1, bound }: Case): string {
  const at = (second: number) => ISSUED + second * 1000;
  const refused = { detail, bound: bound === undefined ? undefined : at(bound) };
  return clockRefusal(refused, REQUEST, { time: at(time), heardAt: at(heard) });
}

test("clockRefusal() says how far a clock is off that would have made the request fresh", () => {
  assert.equal(told({ detail: "future", time: -600, bound: -570 }), "its clock is 600 s behind");
  assert.equal(told({ detail: "future", time: -30.4, bound: -0.4 }), "its clock is 30 s behind");
  assert.equal(told({ detail: "expired", time: 600, bound: 600 }), "its clock is 600 s ahead");
  assert.equal(told({ detail: "expired", time: 3600, heard: 0, bound: 3600 }), "its clock is 3600 s ahead");
  for (const detail of [undefined, "something new"]) {
    assert.equal(told({ detail, time: -42.4 }), "its clock is 42 s behind");
  }
});

test("clockRefusal() claims no difference that the way of the messages explains, and none below a second", () => {
  const unexplained = "it found the request not fresh (odd)";
  for (const [time, heard] of [
    [0, 70],
    [70, 70],
    [35, 70],
    [-0.999, 70],
    [70.999, 70],
  ] as const) {
    assert.equal(told({ detail: "odd", time, heard }), unexplained, `${time}`);
  }
  assert.equal(told({ detail: "odd", time: -1, heard: 70 }), "its clock is 1 s behind");
  assert.equal(told({ detail: "odd", time: 71, heard: 70 }), "its clock is 1 s ahead");
});

test("clockRefusal() says of a request that came too late how long it was held up", () => {
  const late = (delay: number) => `the request was held up for ${delay} s and came too late`;
  assert.equal(told({ detail: "expired", time: 75, heard: 75.1, bound: 75 }), late(75));
  assert.equal(
    told({ detail: "expired", time: 75, heard: 300, bound: 75 }),
    late(75),
    "the reply took long too",
  );
  assert.equal(
    told({ detail: "expired", time: 67, heard: 65, bound: 67 }),
    late(65),
    "two seconds are not the cause",
  );
  assert.equal(told({ detail: "expired", time: 63, heard: 65, bound: 63 }), late(63));
  // The hello was read late, since the reader of our output stood still.
  assert.equal(told({ detail: "expired", time: 600, heard: 65, bound: 600 }), "its clock is 535 s ahead");
});

test("clockRefusal() says of an agent without memory when to try again", () => {
  const lost = "its state directory is new or was lost";
  assert.equal(told({ detail: "born", time: 0, bound: 28 }), `${lost}, try again in 29 s`);
  assert.equal(told({ detail: "born", time: 0, bound: 0 }), `${lost}, try again in 1 s`);
  assert.equal(
    told({ detail: "born", time: 5, bound: 28 }),
    `${lost}, try again in 29 s`,
    "5 s explain no 28 s",
  );
  assert.equal(told({ detail: "born", time: 0 }), lost);
});

test("clockRefusal() says of an agent that was started after the request when to try again", () => {
  const started = "it was started after the request was made";
  assert.equal(told({ detail: "uptime", time: 0.9, bound: 0.4 }), `${started}, try again in 1 s`);
  assert.equal(told({ detail: "uptime", time: 31, heard: 31, bound: 30 }), `${started}, try again in 31 s`);
  const ahead = "its clock is 5 s ahead and it has only just started, try again in 3 s";
  for (const detail of ["born", "uptime"]) assert.equal(told({ detail, time: 5.1, bound: 2.5 }), ahead);
});

test("clockRefusal() says of a clock that was set back when to try again", () => {
  assert.equal(
    told({ detail: "floor", time: 0, bound: 100 }),
    "its clock was ahead earlier, try again in 41 s",
  );
  assert.equal(told({ detail: "floor", time: 0 }), "its clock was ahead earlier");
});

test("clockRefusal() has words for what can only be if agent or station err", () => {
  assert.equal(told({ detail: "future", time: 0 }), "the request was dated ahead of its clock");
  assert.equal(told({ detail: "validity", time: 0 }), "it takes no request that is valid for 60 s");
});

test("clockRefusal() uses an agent's own words for nothing that it knows, and makes the others harmless", () => {
  assert.equal(told({ time: 0 }), "it found the request not fresh");
  assert.equal(told({ detail: "x\u001b]0;y\u0007", time: 0 }), "it found the request not fresh (x^[]0;y^G)");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  deadline,
  heardAt,
  hubPatience,
  newSession,
  overAt,
  rollCallAt,
  type Session,
  type SessionEvent,
  step,
  unheardOf,
  type WaitPolicy,
} from "../../src/station/session.ts";
import { meaningOf } from "../../src/station/session-meaning.ts";
import { exit, hello, id } from "./scene.ts";

/** The defaults; with `Infinity` for a wait of 0. */
const DEFAULTS: WaitPolicy = {
  helloWait: 2000,
  replyWait: 120_000,
  minimumWait: 4000,
  isMinimumExplicit: false,
};

const RUNS: SessionEvent = { kind: "hello", isAddressed: true, isActive: true, isAwaited: false };
const DECLINES: SessionEvent = { kind: "hello", isAddressed: true, isActive: false, isAwaited: false };
const NOT_MEANT: SessionEvent = { kind: "hello", isAddressed: false, isActive: false, isAwaited: false };
const WORTHLESS: SessionEvent = { kind: "worthless-hello" };
const SIGN: SessionEvent = { kind: "sign-of-life" };
const FINISHED: SessionEvent = { kind: "finished" };
const INTERRUPTED: SessionEvent = { kind: "interrupted" };
const TICK: SessionEvent = { kind: "tick" };

/** What happened so many milliseconds after the request. */
type Happening = readonly [at: number, event: SessionEvent];

/** Monotonic clocks begin anywhere. */
const START = 12_345.6;

function after(happenings: readonly Happening[], waits = DEFAULTS, counted = 0, awaited = 0): Session {
  let session = newSession(START, counted, awaited);
  for (const [at, event] of happenings) session = step(session, event, START + at, waits);
  return session;
}

/** Asserts that a session goes on until the last millisecond before `at`, and then ends so. */
function endsAt(
  at: number,
  end: Session["end"],
  happenings: readonly Happening[],
  waits: Partial<WaitPolicy> = {},
  counted = 0,
  awaited = 0,
): void {
  const all = { ...DEFAULTS, ...waits };
  const session = after(happenings, all, counted, awaited);
  assert.equal(session.end, undefined);
  assert.equal(deadline(session, all), START + at);
  assert.equal(step(session, TICK, START + at - 0.1, all).end, undefined);
  assert.equal(step(session, TICK, START + at, all).end, end);
}

function neverEnds(happenings: readonly Happening[], waits: Partial<WaitPolicy>): void {
  const all = { ...DEFAULTS, ...waits };
  const session = after(happenings, all);
  assert.equal(deadline(session, all), Infinity);
  assert.equal(step(session, TICK, 1e12, all).end, undefined);
}

test("the hello wait is the time to wait for the first reply [S39]", () => {
  endsAt(2000, "waited", []);
  endsAt(500, "waited", [], { helloWait: 500 });
  neverEnds([], { helloWait: Infinity });
});

test("the hello wait expires if no agents reply, or none that is meant [S42]", () => {
  endsAt(2000, "waited", [[100, NOT_MEANT]]);
  endsAt(2000, "waited", [[100, WORTHLESS]]);
  endsAt(2000, "waited", [
    [1900, NOT_MEANT],
    [1950, SIGN],
  ]);
});

test("the reply wait extends the waiting while agents run a command [S40] [S43]", () => {
  endsAt(120_010, "reply-wait-expired", [[10, RUNS]]);
  endsAt(700, "reply-wait-expired", [[200, RUNS]], { replyWait: 500 });
  neverEnds([[10, RUNS]], { replyWait: Infinity });
});

test("the reply wait begins anew with every output or final status [S43] [S44]", () => {
  endsAt(200_000, "reply-wait-expired", [
    [10, RUNS],
    [80_000, SIGN],
  ]);
  endsAt(205_000, "reply-wait-expired", [
    [10, RUNS],
    [20, RUNS],
    [85_000, FINISHED],
  ]);
  endsAt(205_000, "reply-wait-expired", [
    [10, RUNS],
    [85_000, NOT_MEANT],
  ]);
});

test("the reply wait does not begin anew because time passes", () => {
  endsAt(120_010, "reply-wait-expired", [
    [10, RUNS],
    [100_000, TICK],
  ]);
});

test("the minimum wait leaves agents time for their first reply after all active ones have finished [S41] [S45]", () => {
  endsAt(4000, "waited", [
    [10, RUNS],
    [50, FINISHED],
  ]);
  endsAt(4000, "waited", [[10, DECLINES]]);
  endsAt(1000, "waited", [[10, DECLINES]], { minimumWait: 1000 });
  neverEnds([[10, DECLINES]], { minimumWait: Infinity });
});

test("the session is over with the last exit once the minimum wait has passed", () => {
  const late: readonly Happening[] = [
    [10, RUNS],
    [20, RUNS],
    [5000, FINISHED],
  ];
  assert.equal(after(late).end, undefined);
  assert.equal(after([...late, [6000, FINISHED]]).end, "waited");
});

test("an agent that begins to run after the others have finished is waited for", () => {
  endsAt(123_500, "reply-wait-expired", [
    [10, RUNS],
    [50, FINISHED],
    [3500, RUNS],
  ]);
});

test("the session ends early when as many have answered as were counted, and those that run have finished", () => {
  const two: readonly Happening[] = [
    [10, RUNS],
    [20, RUNS],
    [30, FINISHED],
  ];
  assert.equal(after(two, DEFAULTS, 2).end, undefined);
  assert.equal(after([...two, [40, FINISHED]], DEFAULTS, 2).end, "all-heard");
  assert.equal(after([...two, [40, FINISHED]], DEFAULTS, 3).end, undefined);
  assert.equal(after([[10, DECLINES]], DEFAULTS, 1).end, "all-heard");
  // A census: those that are not meant are accounted for, too; so is one whose answer is of no use.
  assert.equal(after([[10, NOT_MEANT]], DEFAULTS, 1).end, "all-heard");
  assert.equal(
    after(
      [
        [10, NOT_MEANT],
        [20, WORTHLESS],
      ],
      DEFAULTS,
      2,
    ).end,
    "all-heard",
  );
});

test("the session does not end early for a count of nobody, or for more answers than were counted", () => {
  endsAt(4000, "waited", [[10, DECLINES]]);
  const more: readonly Happening[] = [
    [10, RUNS],
    [11, RUNS],
  ];
  endsAt(120_011, "reply-wait-expired", more, {}, 1);
});

test("known agents that the hub has not counted get half a second, or thrice the slowest hello, from the request", () => {
  const soon: readonly Happening[] = [
    [10, RUNS],
    [50, FINISHED],
  ];
  endsAt(500, "all-heard", soon, {}, 1, 1);
  endsAt(500, "all-heard", [[10, NOT_MEANT]], {}, 1, 1);
  const slow: readonly Happening[] = [
    [10, DECLINES],
    [400, DECLINES],
    [450, SIGN],
  ];
  endsAt(1200, "all-heard", slow, {}, 2, 1);
  // Who takes longer than that to run his command has given them their time.
  assert.equal(after([...soon.slice(0, 1), [2000, FINISHED]], DEFAULTS, 1, 1).end, "all-heard");
});

test("a known agent that has answered is waited for no more", () => {
  const awaited: SessionEvent = { ...DECLINES, isAwaited: true };
  assert.equal(after([[10, awaited]], DEFAULTS, 1, 1).end, "all-heard");
  assert.equal(after([[10, awaited]], DEFAULTS, 1, 2).end, undefined);
});

test("where names alone were meant, the session is over when all of them have answered and finished", () => {
  const named: SessionEvent = { ...RUNS, isNamed: true };
  const story = (happenings: readonly Happening[], names: number | undefined) => {
    let session = newSession(START, 40, 0, names);
    for (const [at, event] of happenings) session = step(session, event, START + at, DEFAULTS);
    return session;
  };
  const two: readonly Happening[] = [
    [10, named],
    [20, FINISHED],
    [30, named],
  ];
  assert.equal(story(two, 2).end, undefined);
  assert.equal(story([...two, [40, FINISHED]], 2).end, "all-heard");
  assert.equal(story([...two, [40, FINISHED]], 3).end, undefined);
  assert.equal(story([...two, [40, FINISHED]], undefined).end, undefined);
  assert.equal(story([[10, { ...DECLINES, isNamed: true }]], 1).end, "all-heard");
  // One that was not named accounts for nobody.
  assert.equal(story([[10, DECLINES]], 1).end, undefined);
  assert.equal(story([[10, WORTHLESS]], 1).end, undefined);
  const settled = newSession(START, 40, 1, 0);
  assert.equal(deadline(step(settled, DECLINES, START + 10, DEFAULTS), DEFAULTS), START + 500);
});

test("unheardOf() counts those alone that the session waited for", () => {
  const begin = (names?: number) => newSession(START, 49, names ?? 0, names);
  const named: SessionEvent = { ...DECLINES, isAwaited: true, isNamed: true };
  const at = (session: Session, event: SessionEvent, ms: number) =>
    step(session, event, START + ms, DEFAULTS);
  const unheard = (session: Session) => [session.end, unheardOf(session, DEFAULTS)];
  // All that were named have answered, and 47 that were not have had no time to.
  const first = at(begin(2), named, 180);
  assert.deepEqual(unheard(first), [undefined, 0]);
  assert.deepEqual(unheard(at(first, named, 181)), ["all-heard", 0]);
  // Who was named is waited for, and those that were not with it.
  assert.deepEqual(unheard(at(first, TICK, 4000)), ["waited", 48]);
  // Where anybody may answer, everybody is waited for.
  const anybody = at(begin(), RUNS, 180);
  assert.deepEqual(unheard(at(at(anybody, FINISHED, 200), TICK, 4000)), ["waited", 48]);
  assert.deepEqual(unheard(at(anybody, TICK, 121_000)), ["reply-wait-expired", 48]);
  assert.deepEqual(unheard(at(at(anybody, INTERRUPTED, 200), TICK, 16_000)), ["interrupted", 0]);
  // A hub that fell silent before their time was over may have kept their answers.
  const silent: SessionEvent = { kind: "hub-silent" };
  assert.deepEqual(unheard(at(anybody, silent, 121_000)), ["hub-silent", 0]);
  assert.deepEqual(unheard(at(at(anybody, SIGN, 5000), silent, 121_000)), ["hub-silent", 48]);
});

test("known agents prolong no wait, and account for nobody that was counted", () => {
  endsAt(400, "waited", [[300, DECLINES]], { minimumWait: 400 }, 1, 1);
  endsAt(300, "waited", [[10, NOT_MEANT]], { helloWait: 300 }, 1, 1);
  endsAt(2000, "waited", [], {}, 0, 3);
  endsAt(4000, "waited", [[10, DECLINES]], {}, 2, 1);
  endsAt(9000, "waited", [[10, DECLINES]], { minimumWait: 9000, isMinimumExplicit: true }, 1, 1);
});

test("a minimum wait that was asked for is never cut short", () => {
  const heard: readonly Happening[] = [
    [10, RUNS],
    [50, FINISHED],
  ];
  endsAt(9000, "waited", heard, { minimumWait: 9000, isMinimumExplicit: true }, 1);
  assert.equal(after(heard, { ...DEFAULTS, minimumWait: 9000 }, 1).end, "all-heard");
});

test("waits of no end still let the session end when everybody is heard", () => {
  const forEver = {
    helloWait: Infinity,
    replyWait: Infinity,
    minimumWait: Infinity,
    isMinimumExplicit: false,
  };
  const heard: readonly Happening[] = [
    [10, RUNS],
    [1e9, FINISHED],
  ];
  assert.equal(after(heard, forEver, 1).end, "all-heard");
});

test("an interrupt gives those that run 15 s to confirm, and hellos on their way half a second, for all waits", () => {
  const policies: readonly Partial<WaitPolicy>[] = [
    {},
    { helloWait: Infinity, replyWait: Infinity, minimumWait: Infinity },
    { minimumWait: 60_000, isMinimumExplicit: true },
  ];
  for (const waits of policies) {
    endsAt(1500, "interrupted", [[1000, INTERRUPTED]], waits, 3, 1);
    const runs: readonly Happening[] = [
      [10, RUNS],
      [1000, INTERRUPTED],
    ];
    endsAt(16_000, "interrupted", runs, waits, 3);
    endsAt(16_000, "interrupted", [...runs, [9000, SIGN]], waits, 3);
    endsAt(1500, "interrupted", [...runs, [1100, FINISHED]], waits, 3);
    assert.equal(after([...runs, [5000, FINISHED]], { ...DEFAULTS, ...waits }, 3).end, "interrupted");
    // Whoever says hello late has not been reached by the cancel yet.
    endsAt(16_000, "interrupted", [...runs, [1100, FINISHED], [1400, RUNS]], waits, 3);
  }
});

test("an interrupt ends neither with the reply wait nor later for a second one", () => {
  const runs: readonly Happening[] = [
    [10, RUNS],
    [100, INTERRUPTED],
  ];
  endsAt(15_100, "interrupted", runs, { replyWait: 500 });
  endsAt(15_100, "interrupted", [...runs, [5000, INTERRUPTED]]);
});

test("an interrupted session is over at once when everybody counted has been heard", () => {
  const heard: readonly Happening[] = [
    [10, RUNS],
    [100, INTERRUPTED],
    [110, FINISHED],
  ];
  for (const isMinimumExplicit of [false, true]) {
    assert.equal(after(heard, { ...DEFAULTS, isMinimumExplicit }, 1, 2).end, "all-heard");
    assert.equal(after(heard, { ...DEFAULTS, isMinimumExplicit }, 2, 2).end, undefined);
  }
  assert.equal(
    after(
      [
        [10, NOT_MEANT],
        [20, INTERRUPTED],
      ],
      { ...DEFAULTS, isMinimumExplicit: true },
      1,
    ).end,
    "all-heard",
  );
});

test("rollCallAt() is when the session would be over, were nobody active", () => {
  const at = (happenings: readonly Happening[], changes: Partial<WaitPolicy> = {}, counted = 0) => {
    const waits = { ...DEFAULTS, ...changes };
    return Math.round(rollCallAt(after(happenings, waits, counted, 1), waits) - START);
  };
  const runs: readonly Happening[] = [[10, RUNS]];
  assert.equal(at(runs), 4000);
  assert.equal(at(runs, { minimumWait: 900 }), 900);
  assert.equal(at(runs, {}, 2), 4000, "one that was counted may still answer");
  assert.equal(at(runs, {}, 1), 500);
  assert.equal(at([[300, RUNS]], {}, 1), 900);
  assert.equal(at([...runs, [9000, SIGN]], {}, 1), 500, "signs of life put off nothing");
  assert.equal(at(runs, { minimumWait: 9000, isMinimumExplicit: true }, 1), 9000);
  assert.equal(at(runs, { replyWait: Infinity }, 1), 500);
});

test("rollCallAt() is never where the session itself is about to end", () => {
  const never = (happenings: readonly Happening[]) =>
    assert.equal(rollCallAt(after(happenings, DEFAULTS, 1, 1), DEFAULTS), Infinity);
  never([]);
  never([[10, NOT_MEANT]]);
  never([
    [10, RUNS],
    [20, FINISHED],
  ]);
  never([
    [10, RUNS],
    [20, INTERRUPTED],
  ]);
});

const durations = fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.constant(Infinity));
const waitPolicies: fc.Arbitrary<WaitPolicy> = fc.record({
  helloWait: durations,
  replyWait: durations,
  minimumWait: durations,
  isMinimumExplicit: fc.boolean(),
});
const stories = fc.array(
  fc.tuple(
    fc.integer({ min: 0, max: 1500 }),
    fc.constantFrom(RUNS, DECLINES, NOT_MEANT, WORTHLESS, SIGN, FINISHED, TICK),
  ),
  { maxLength: 20 },
);

/** A story with times instead of pauses, in which nobody finishes that did not run. */
function sensible(story: readonly (readonly [pause: number, event: SessionEvent])[]): readonly Happening[] {
  let at = 0;
  let active = 0;
  return story.map(([pause, event]) => {
    at += pause;
    if (event === RUNS) active++;
    if (event !== FINISHED) return [at, event];
    if (active === 0) return [at, TICK];
    active--;
    return [at, FINISHED];
  });
}

test("step() goes on where an agent says hello in the very batch that ended the session", () => {
  const ended = after(
    [
      [10, RUNS],
      [4_100, FINISHED],
    ],
    DEFAULTS,
    2,
  );
  assert.equal(ended.end, "waited");
  const session = step(ended, RUNS, START + 4_100, DEFAULTS);
  assert.deepEqual([session.end, session.addressed, session.active], [undefined, 2, 1]);
});

test("step() lets a worthless hello renew no wait: a hub can make as many as it likes", () => {
  endsAt(120_010, "reply-wait-expired", [
    [10, RUNS],
    [90_000, WORTHLESS],
    [119_000, WORTHLESS],
  ]);
});

test("step() ends a session at its deadline and not before, says why, and begins it again for a reply alone", () => {
  fc.assert(
    fc.property(stories, waitPolicies, fc.nat(5), fc.nat(1), (story, waits, counted, awaited) => {
      let session = newSession(0, counted, awaited);
      for (const [at, event] of sensible(story)) {
        const before = session;
        session = step(before, event, at, waits);
        if (before.end !== undefined && event.kind === "tick") {
          assert.equal(session, before);
          continue;
        }
        assert.ok(session.answered >= before.answered && session.addressed >= before.addressed);
        assert.ok(session.active >= 0 && session.lastSign >= before.lastSign);
        const isSettled = awaited === 0 || at >= Math.max(500, 3 * session.slowestHello);
        const isHeard = counted > 0 && session.answered >= counted && !waits.isMinimumExplicit && isSettled;
        const expected =
          session.active === 0 && isHeard
            ? "all-heard"
            : at < deadline(session, waits)
              ? undefined
              : session.active > 0
                ? "reply-wait-expired"
                : "waited";
        assert.equal(session.end, expected);
      }
    }),
  );
});

test("step() never ends a session sooner for longer waits", () => {
  const longer = fc.record({ helloWait: fc.nat(3000), replyWait: fc.nat(3000), minimumWait: fc.nat(3000) });
  fc.assert(
    fc.property(stories, waitPolicies, longer, fc.nat(5), (story, waits, more, counted) => {
      const patient: WaitPolicy = {
        helloWait: waits.helloWait + more.helloWait,
        replyWait: waits.replyWait + more.replyWait,
        minimumWait: waits.minimumWait + more.minimumWait,
        isMinimumExplicit: waits.isMinimumExplicit,
      };
      let [short, long] = [newSession(0, counted, 0), newSession(0, counted, 0)];
      for (const [at, event] of sensible(story)) {
        short = step(short, event, at, waits);
        long = step(long, event, at, patient);
        if (short.end === undefined) assert.equal(long.end, undefined);
      }
    }),
  );
});

test("step() keeps a session up for as long as its rollout is not over, and believes it who is active", () => {
  const rollout = (inFlight: number, isOver: boolean): SessionEvent => ({
    kind: "rollout",
    inFlight,
    isOver,
  });
  const held: SessionEvent = { kind: "hello", isAddressed: true, isActive: false, isAwaited: false };
  let session = step(newSession(0, 1, 0, undefined, true), held, 10, DEFAULTS);
  assert.deepEqual([session.end, deadline(session, DEFAULTS)], [undefined, Infinity]);
  assert.equal(heardAt(session, DEFAULTS), 0);
  session = step(session, TICK, 10_000_000, DEFAULTS);
  assert.equal(session.end, undefined);
  session = step(session, rollout(1, false), 10_000_001, DEFAULTS);
  assert.deepEqual([session.active, session.end, session.lastSign], [1, undefined, 10]);
  const over = step(session, rollout(0, true), 10_000_002, DEFAULTS);
  assert.deepEqual([over.active, over.end], [0, "all-heard"]);

  // After an interrupt there is an end to it.
  const interrupted = step(session, { kind: "interrupted" }, 20_000_000, DEFAULTS);
  assert.equal(deadline(interrupted, DEFAULTS), 20_015_000);
  const idle = step(interrupted, rollout(0, false), 20_000_001, DEFAULTS);
  assert.deepEqual([idle.end, deadline(idle, DEFAULTS)], [undefined, 20_000_500]);
  assert.equal(step(idle, TICK, 20_000_500, DEFAULTS).end, "interrupted");
  assert.equal(step(idle, rollout(0, true), 20_000_100, DEFAULTS).end, "all-heard");
});

test("meaningOf() leaves who is active to the rollout, where there is one", () => {
  const held = { kind: "hello", hello: hello("web1", { disposition: { is: "held" } }) } as const;
  const isAddressed = { kind: "hello", isAddressed: true, isActive: false, isAwaited: true, isNamed: false };
  assert.deepEqual(meaningOf(held, { isAwaited: true, isNew: false, isNamed: false }, true), isAddressed);
  const ended = { kind: "exit", identity: id("web1"), exit: exit() } as const;
  assert.deepEqual(meaningOf(ended, undefined, true), { kind: "sign-of-life" });
  assert.deepEqual(meaningOf(ended, undefined, false), { kind: "finished" });
  assert.deepEqual(meaningOf({ kind: "gone", identity: id("web1") }, undefined, true), {
    kind: "sign-of-life",
  });
  const altered = { kind: "fault", fault: "malformed", identity: id("web1"), silences: "run" } as const;
  assert.equal(meaningOf(altered, undefined, true), undefined);
  assert.deepEqual(meaningOf(altered, undefined, false), { kind: "finished" });
});

/** That for so many milliseconds until now nothing could be heard. */
function deafFrom(at: number, returnBy = 0): SessionEvent {
  return { kind: "deaf", since: START + at, returnBy: START + returnBy };
}

test("step() makes the waits of a request longer by the time in which nothing could be heard", () => {
  endsAt(2000 + 14_000, "waited", [[14_500, deafFrom(500)]]);
  endsAt(4000 + 3000, "waited", [
    [10, DECLINES],
    [3_100, deafFrom(100)],
  ]);
  // Known agents get thrice the slowest hello, in which that time is not counted either.
  const slow = after([
    [5_000, deafFrom(100)],
    [5_200, RUNS],
  ]);
  assert.equal(slow.slowestHello, 300);
});

test("step() counts nobody as silent while agents may be on their way back to a hub that was silent", () => {
  endsAt(133_000, "reply-wait-expired", [
    [10, RUNS],
    [8_000, deafFrom(1_000, 13_000)],
  ]);
  // One that is back early leaves the others their time.
  endsAt(
    13_500,
    "reply-wait-expired",
    [
      [10, RUNS],
      [8_000, deafFrom(1_000, 13_000)],
      [8_100, SIGN],
    ],
    {
      replyWait: 500,
    },
  );
});

test("step() ends where the hub stays silent, and hubPatience() is how long that takes", () => {
  const silent: SessionEvent = { kind: "hub-silent" };
  assert.equal(
    after([
      [10, RUNS],
      [50_000, silent],
    ]).end,
    "hub-silent",
  );
  assert.equal(
    after([
      [10, RUNS],
      [11, FINISHED],
      [5_000, TICK],
      [50_000, silent],
    ]).end,
    "waited",
  );
  const patience = (happenings: readonly Happening[], replyWait: number) =>
    hubPatience(after(happenings), { ...DEFAULTS, replyWait });
  assert.equal(patience([], 120_000), 30_000);
  assert.equal(patience([[10, RUNS]], 120_000), 120_000);
  assert.equal(patience([[10, RUNS]], 2_000), 30_000);
  assert.equal(patience([[10, RUNS]], Infinity), 600_000);
  const rolling = newSession(START, 1, 0, undefined, true);
  assert.equal(hubPatience(rolling, DEFAULTS), 120_000);
  assert.equal(hubPatience(rolling, { ...DEFAULTS, replyWait: 10_000, hubWait: 20_000 }), 20_000);
});

test("overAt() is when a silent hub is given up, or the time for a confirmation is over", () => {
  assert.equal(overAt(after([]), START + 500, DEFAULTS), START + 30_500);
  const interrupted = after([
    [10, RUNS],
    [2_000, INTERRUPTED],
  ]);
  assert.equal(overAt(interrupted, START + 500, DEFAULTS), START + 17_000);
});

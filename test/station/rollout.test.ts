import assert from "node:assert/strict";
import { test } from "node:test";
import { LONGEST_RETURN } from "../../src/hub/reconnecting-link.ts";
import { sentenceOf, together } from "../../src/station/finding.ts";
import { overlapsOf } from "../../src/station/overlap.ts";
import {
  type RolloutEffects,
  type RolloutEvent,
  rolloutDeadline,
  stepRollout,
} from "../../src/station/rollout.ts";
import { countOf, parseShare, type RolloutPlan } from "../../src/station/rollout-plan.ts";
import { fateOf, progressOf, stageOf } from "../../src/station/rollout-report.ts";
import { newRollout, type Rollout } from "../../src/station/rollout-state.ts";
import { id } from "./scene.ts";

const HOUR = 3_600_000;
const REPLY_WAIT = 30_000;
const PLAN: RolloutPlan = {
  parallel: undefined,
  canary: 0,
  maxFailures: undefined,
  pause: 0,
  replyWait: REPLY_WAIT,
};

/** A rollout that has begun with these agents, of which all keys are pinned but those of names in capitals. */
class Scene {
  now = 0;
  rollout: Rollout;
  /** What was sent, in order: `+web1` for a release, `again web1`, `withdraw`. */
  readonly sent: string[] = [];

  constructor(plan: Partial<RolloutPlan>, ...agents: readonly string[]) {
    this.rollout = newRollout({ ...PLAN, ...plan }, HOUR);
    this.hold(...agents);
    this.tell({ kind: "gathered" });
  }

  hold(...agents: readonly string[]): void {
    for (const agent of agents)
      this.tell({ kind: "held", identity: id(agent), isPinned: agent === agent.toLowerCase() });
  }

  tell(event: RolloutEvent): RolloutEffects {
    const { rollout, effects } = stepRollout(this.rollout, event, this.now);
    this.rollout = rollout;
    this.sent.push(...effects.release.map((identity) => `+${identity}`));
    this.sent.push(...effects.again.map((identity) => `again ${identity}`));
    if (effects.withdraw) this.sent.push("withdraw");
    return effects;
  }

  exits(agent: string, isWell = true): void {
    this.tell({ kind: "exit", identity: id(agent), isWell });
  }

  signs(agent: string): void {
    this.tell({ kind: "sign", identity: id(agent) });
  }

  /** Lets time pass until what is due has been done, but no longer than so many milliseconds. */
  pass(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (let due = rolloutDeadline(this.rollout); due <= end; due = rolloutDeadline(this.rollout)) {
      this.now = Math.max(this.now, due);
      this.tell({ kind: "tick", heard: this.now });
    }
    this.now = end;
  }

  /** What is remarked of it, by agent. */
  get remarks(): readonly string[] {
    return overlapsOf(this.rollout).map(({ sentence }) => sentence);
  }

  /** What was sent since the last time. */
  get news(): string {
    return this.sent.splice(0).join(" ");
  }
}

test("stepRollout() releases nobody before all who answer in time have answered, and then all, by name", () => {
  const { rollout, effects } = stepRollout(
    newRollout(PLAN, HOUR),
    { kind: "held", identity: id("web1"), isPinned: true },
    0,
  );
  assert.deepEqual([effects.release, rollout.isOver, rolloutDeadline(rollout)], [[], false, Infinity]);
  const scene = new Scene({}, "web10", "web9", "web1");
  assert.equal(scene.news, "+web1 +web9 +web10");
});

test("stepRollout() keeps the bound, and releases who comes late within it", () => {
  const scene = new Scene({ parallel: { count: 2 } }, "web1", "web2", "web3");
  assert.equal(scene.news, "+web1 +web2");
  scene.hold("web0");
  scene.signs("web2");
  assert.equal(scene.news, "");
  scene.exits("web2");
  assert.equal(scene.news, "+web0");
  scene.exits("web1");
  scene.exits("web0");
  assert.equal(scene.news, "+web3");
  assert.equal(scene.rollout.isOver, false);
  scene.exits("web3");
  assert.equal(scene.rollout.isOver, true);
  scene.hold("web4");
  assert.deepEqual([scene.news, scene.rollout.isOver], ["+web4", false]);
});

test("stepRollout() takes a share in a hundred of those that hold the command when it begins", () => {
  const agents = Array.from({ length: 10 }, (_, index) => `web${index}`);
  assert.equal(new Scene({ parallel: { percent: 25 } }, ...agents).news, "+web0 +web1");
  assert.equal(new Scene({ parallel: { percent: 1 } }, ...agents).news, "+web0");
  const scene = new Scene({ parallel: { count: 1 }, maxFailures: { percent: 11 } }, ...agents);
  scene.exits("web0", false);
  assert.equal(scene.rollout.stopped, undefined);
  scene.exits("web1", false);
  assert.equal(scene.rollout.stopped, "failures");
});

test("stepRollout() is over at once where nobody holds anything", () => {
  assert.equal(new Scene({}).rollout.isOver, true);
  const scene = new Scene({ parallel: { percent: 10 } });
  scene.hold("web1");
  assert.equal(scene.news, "+web1");
});

test("stepRollout() runs on canaries first, whose keys are pinned, within the bound", () => {
  const scene = new Scene({ canary: 2, parallel: { count: 1 } }, "WEB0", "web3", "web2", "web1");
  assert.equal(scene.news, "+web1");
  scene.exits("web1");
  assert.equal(scene.news, "+web2");
  scene.exits("web2");
  assert.equal(scene.news, "+WEB0");
});

test("stepRollout() releases nobody where too few canaries hold the command", () => {
  const scene = new Scene({ canary: 2 }, "WEB1", "web2");
  assert.deepEqual([scene.news, scene.rollout.stopped], ["withdraw", "canaries-absent"]);
  assert.deepEqual(fateOf(scene.rollout, id("WEB1")), {
    is: "not-released",
    why: "only 1 agent of the 2 that should go first can",
  });
});

test("stepRollout() stops at the first canary that fails, lets the others end, and then withdraws", () => {
  const scene = new Scene({ canary: 2 }, "web1", "web2", "web3");
  scene.exits("web1", false);
  assert.deepEqual([scene.rollout.stopped, scene.rollout.isOver], ["canary-failed", false]);
  assert.equal(scene.news, "+web1 +web2");
  scene.exits("web2");
  assert.deepEqual([scene.news, scene.rollout.isOver], ["withdraw", false]);
  scene.exits("web3", false); // its confirmation
  assert.equal(scene.rollout.isOver, true);
  const why = "of those that went first web1 failed";
  assert.deepEqual(fateOf(scene.rollout, id("web3")), { is: "not-released", why });
  assert.equal(fateOf(scene.rollout, id("web1")), undefined);
});

test("stepRollout() waits for the confirmation of a withdrawal for two seconds", () => {
  const scene = new Scene({ canary: 1 }, "web1", "web2");
  scene.exits("web1", false);
  scene.pass(1_999);
  assert.equal(scene.rollout.isOver, false);
  scene.pass(1);
  assert.equal(scene.rollout.isOver, true);
});

test("stepRollout() with a budget goes on after a canary that failed", () => {
  const scene = new Scene({ canary: 1, maxFailures: { count: 2 } }, "web1", "web2");
  scene.exits("web1", false);
  assert.equal(scene.news, "+web1 +web2");
});

test("stepRollout() takes a canary that leaves before its turn for one that failed", () => {
  const scene = new Scene({ canary: 2, parallel: { count: 1 } }, "web1", "web2", "web3");
  scene.exits("web2", false);
  assert.equal(scene.rollout.stopped, "canary-failed");
  const other = new Scene({ canary: 1, parallel: { count: 1 } }, "web1", "web2", "web3");
  other.exits("web2", false);
  assert.equal(other.rollout.stopped, undefined);
});

test("stepRollout() pauses between batches, from the end of one to the next", () => {
  const scene = new Scene({ parallel: { count: 2 }, pause: 5_000 }, "web1", "web2", "web3", "web4");
  assert.equal(scene.news, "+web1 +web2");
  scene.signs("web1");
  scene.exits("web2");
  scene.pass(10_000);
  assert.equal(scene.news, "");
  scene.exits("web1");
  scene.pass(4_999);
  assert.equal(scene.news, "");
  scene.pass(1);
  assert.equal(scene.news, "+web3 +web4");
});

test("stepRollout() sends a release that is not answered again, until an agent that was away is back", () => {
  const scene = new Scene({}, "web1");
  scene.pass(1_000);
  assert.equal(scene.news, "+web1 again web1");
  scene.pass(LONGEST_RETURN - 1_000);
  assert.equal(scene.news, "again web1 again web1 again web1");
  scene.pass(2_000);
  assert.equal(scene.news, "again web1");
  scene.pass(60_000);
  assert.equal(scene.news, "");
  assert.equal(scene.rollout.isOver, true);
  const answered = new Scene({}, "web1");
  answered.signs("web1");
  answered.pass(10_000);
  assert.equal(answered.news, "+web1");
});

test("stepRollout() sends a release again once, however many times it should have been meanwhile", () => {
  const scene = new Scene({}, "web1");
  scene.now = 7_000;
  scene.tell({ kind: "tick", heard: 0 });
  scene.pass(LONGEST_RETURN);
  assert.equal(scene.news, `+web1${" again web1".repeat(3)}`);
});

test("stepRollout() gives the place of who never answers to others once no release for him is good any more", () => {
  const scene = new Scene({ parallel: { count: 1 } }, "web1", "web2");
  scene.pass(20_000 + 10_000 + REPLY_WAIT - 1);
  assert.equal(scene.news.includes("+web2"), false);
  scene.pass(1);
  assert.equal(scene.news, "+web2");
  assert.deepEqual(fateOf(scene.rollout, id("web1")), { is: "lost" });
  assert.equal(scene.rollout.failed.has(id("web1")), true);
});

test("stepRollout() gives the place of who falls silent to others after the reply wait", () => {
  const scene = new Scene({ parallel: { count: 1 } }, "web1", "web2");
  scene.pass(500);
  scene.signs("web1");
  scene.pass(20_000);
  scene.signs("web1");
  scene.pass(REPLY_WAIT - 1);
  assert.equal(scene.news, "+web1");
  scene.pass(1);
  assert.equal(scene.news, "+web2");
});

test("stepRollout() loses nobody while something is read, nor for the time in which nothing was", () => {
  const scene = new Scene({ parallel: { count: 1 } }, "web1", "web2");
  scene.signs("web1");
  scene.now += 10 * REPLY_WAIT;
  scene.hold("web3");
  assert.equal(scene.news, "+web1");
  scene.tell({ kind: "deaf", since: 0, returnBy: scene.now });
  scene.pass(REPLY_WAIT - 1);
  assert.equal(scene.news, "");
  scene.pass(1);
  assert.equal(scene.news, "+web2");
});

test("stepRollout() counts who is heard after all, and judges him by his exit", () => {
  const scene = new Scene({ parallel: { count: 1 }, maxFailures: { count: 2 } }, "web1", "web2", "web3");
  scene.signs("web1");
  scene.pass(REPLY_WAIT);
  assert.equal(scene.news, "+web1 +web2");
  scene.signs("web1");
  assert.deepEqual([...scene.rollout.inFlight.keys()], ["web2", "web1"]);
  scene.exits("web2");
  assert.equal(scene.news, "");
  scene.exits("web1");
  assert.equal(scene.news, "+web3");
  assert.equal(scene.rollout.failed.size, 0);
  const late = new Scene({}, "web1");
  late.signs("web1");
  late.pass(REPLY_WAIT);
  late.exits("web1");
  assert.deepEqual([late.rollout.failed.size, late.rollout.lost.size, late.rollout.isOver], [0, 0, true]);
});

const TOO_LATE = "came back after it had said nothing for";

test("stepRollout() keeps of one that comes back, when others have its place, that it was at it", () => {
  const so = "others had its place, so more than 1 agent may have been at it at once";
  for (const word of ["sign", "exit"] as const) {
    const scene = new Scene({ parallel: { count: 1 } }, "web1", "web2", "web3");
    scene.pass(500);
    scene.signs("web1");
    scene.pass(REPLY_WAIT);
    assert.deepEqual([scene.news, scene.remarks], ["+web1 +web2", []]);
    scene.pass(7_000);
    if (word === "sign") scene.signs("web1");
    else scene.exits("web1");
    assert.deepEqual(scene.remarks, [`web1 ${TOO_LATE} 37.0 s: ${so}`]);
    assert.deepEqual([scene.rollout.lost.size, fateOf(scene.rollout, id("web1"))], [0, undefined]);
    scene.exits("web2");
    scene.exits("web1");
    assert.equal(scene.remarks.length, 1);
  }
});

test("stepRollout() keeps nothing of one that comes back when none has its place, or that never began", () => {
  const alone = new Scene({ parallel: { count: 2 } }, "web1", "web2");
  alone.signs("web2");
  alone.pass(REPLY_WAIT);
  alone.signs("web1");
  alone.signs("web2");
  assert.deepEqual([alone.remarks, alone.rollout.inFlight.size], [[], 2]);
  const unbound = new Scene({}, "web1");
  unbound.signs("web1");
  unbound.pass(REPLY_WAIT);
  unbound.hold("web2");
  unbound.signs("web1");
  assert.deepEqual([unbound.news, unbound.remarks], ["+web1 +web2", []]);
  const unbegun = new Scene({ parallel: { count: 1 } }, "web1", "web2");
  unbegun.pass(30_000 + REPLY_WAIT);
  assert.ok(unbegun.news.endsWith("+web2"));
  unbegun.tell({ kind: "exit", identity: id("web1"), isWell: false, isUnbegun: true });
  assert.deepEqual([unbegun.remarks, unbegun.rollout.lost.size], [[], 0]);
});

test("stepRollout() takes it that all that are lost may be at it, and counts the time from the release on", () => {
  const scene = new Scene({ parallel: { count: 2 } }, "web1", "web2", "web3", "web4");
  scene.pass(30_000 + REPLY_WAIT);
  assert.ok(scene.news.endsWith("+web3 +web4"));
  scene.exits("web3");
  scene.exits("web4");
  scene.signs("web2");
  scene.signs("web1");
  const said = together(overlapsOf(scene.rollout)).map((finding) => sentenceOf(finding));
  assert.deepEqual(said, [
    "web[1-2] (2 agents) came back after they had said nothing for too long: others had their places, " +
      "so more than 2 agents may have been at it at once",
  ]);
  assert.ok(scene.remarks[0]?.startsWith(`web2 ${TOO_LATE} 60.0 s: `), scene.remarks[0]);
});

test("stepRollout() counts who runs without a release", () => {
  const scene = new Scene({ parallel: { count: 1 } }, "web1", "web2", "web3");
  scene.signs("web3");
  scene.exits("web1");
  assert.equal(scene.news, "+web1");
  scene.exits("web3");
  assert.equal(scene.news, "+web2");
  scene.signs("web9");
  scene.signs("web1");
  assert.deepEqual([...scene.rollout.inFlight.keys()], ["web2"]);
  scene.exits("web9", false);
  scene.exits("web1", false);
  assert.deepEqual([scene.rollout.failed.size, scene.rollout.settled.size], [0, 2]);
});

test("stepRollout() gives the place of who was restarted to others at once, if only one release was sent", () => {
  const scene = new Scene({ parallel: { count: 1 } }, "web1", "web2");
  scene.tell({ kind: "gone", identity: id("web1") });
  assert.equal(scene.news, "+web1 +web2");
  assert.deepEqual([...scene.rollout.failed], ["web1"]);
  const twice = new Scene({ parallel: { count: 1 } }, "web1", "web2");
  twice.pass(1_000);
  twice.tell({ kind: "gone", identity: id("web1") });
  assert.equal(twice.news, "+web1 again web1");
  assert.deepEqual([...twice.rollout.failed], ["web1"]);
  twice.pass(REPLY_WAIT - 1);
  assert.equal(twice.news, "");
  twice.pass(1);
  assert.equal(twice.news, "+web2");
});

test("stepRollout() keeps the place of who is believed no more, and counts him as failed", () => {
  const scene = new Scene({ parallel: { count: 1 }, maxFailures: { count: 1 } }, "web1", "web2");
  scene.signs("web1");
  scene.tell({ kind: "silenced", identity: id("web1") });
  assert.deepEqual([scene.rollout.stopped, scene.rollout.inFlight.size], ["failures", 1]);
  const held = new Scene({ parallel: { count: 1 } }, "web1", "web2");
  held.tell({ kind: "silenced", identity: id("web2") });
  held.exits("web1");
  assert.deepEqual([held.news, held.rollout.isOver], ["+web1", true]);
  held.tell({ kind: "silenced", identity: id("web1") });
  assert.equal(held.rollout.failed.size, 0);
});

test("stepRollout() releases nobody when the hour is nearly over", () => {
  const scene = new Scene({ parallel: { count: 1 } }, "web1", "web2");
  scene.signs("web1");
  for (let minute = 0; minute < 60; minute += 0.25) {
    scene.signs("web1");
    scene.pass(15_000);
  }
  scene.exits("web1");
  assert.deepEqual([scene.news, scene.rollout.stopped], ["+web1 withdraw", "hold-over"]);
  assert.deepEqual(fateOf(scene.rollout, id("web2")), {
    is: "not-released",
    why: "its turn did not come within the hour",
  });
});

test("stepRollout() withdraws nothing while somebody is lost, who would be told to end as well", () => {
  const scene = new Scene({ parallel: { count: 1 }, maxFailures: { count: 1 } }, "web1", "web2");
  scene.signs("web1");
  scene.pass(REPLY_WAIT);
  assert.deepEqual([scene.news, scene.rollout.stopped, scene.rollout.isOver], ["+web1", "failures", true]);
  scene.signs("web1");
  assert.equal(scene.rollout.isOver, false);
});

test("stepRollout() releases nobody after an interrupt, nor again, and sends no cancel of its own", () => {
  const scene = new Scene({ parallel: { count: 1 } }, "web1", "web2");
  scene.tell({ kind: "interrupted" });
  scene.pass(5_000);
  scene.exits("web1", false);
  assert.equal(scene.news, "+web1");
  assert.equal(scene.rollout.isOver, true);
  assert.deepEqual(fateOf(scene.rollout, id("web2")), {
    is: "not-released",
    why: "interrupted before its turn",
  });
  const early = stepRollout(newRollout(PLAN, HOUR), { kind: "interrupted" }, 0).rollout;
  assert.equal(early.isOver, true);
});

test("stepRollout() has nothing due in the past for longer than one tick", () => {
  const scene = new Scene({ parallel: { count: 1 } }, "web1", "web2");
  scene.tell({ kind: "interrupted" });
  scene.pass(3_000);
  assert.ok(rolloutDeadline(scene.rollout) > scene.now);
});

test("progressOf() counts batches, of canaries apart", () => {
  const scene = new Scene({ canary: 1, parallel: { count: 2 } }, "web1", "web2", "web3", "web4");
  assert.deepEqual(progressOf(scene.rollout), { released: 1, batch: 1, batches: 3 });
  scene.exits("web1");
  assert.deepEqual(progressOf(scene.rollout), { released: 3, batch: 2, batches: 3 });
  scene.exits("web2");
  assert.deepEqual(progressOf(scene.rollout), { released: 4, batch: 3, batches: 3 });
  const all = new Scene({}, "web1", "web2");
  assert.deepEqual(progressOf(all.rollout), { released: 2, batch: 1, batches: 1 });
  assert.deepEqual(progressOf(newRollout(PLAN, HOUR)), { released: 0, batch: 0, batches: 0 });
});

test("stageOf() has those that go first, and how long a pause still is", () => {
  const scene = new Scene(
    { canary: 1, parallel: { count: 2 }, pause: 5_000 },
    "web1",
    "web2",
    "web3",
    "web4",
  );
  const stage = () => stageOf(scene.rollout, scene.now);
  assert.deepEqual(stageOf(newRollout(PLAN, HOUR), 0), { isCanary: false, nextBatchIn: undefined });
  assert.deepEqual(stage(), { isCanary: true, nextBatchIn: undefined });
  scene.exits("web1");
  assert.deepEqual(stage(), { isCanary: true, nextBatchIn: 5_000 });
  scene.pass(2_000);
  assert.deepEqual(stage(), { isCanary: true, nextBatchIn: 3_000 });
  scene.pass(3_000);
  assert.deepEqual(stage(), { isCanary: false, nextBatchIn: undefined });
  scene.exits("web2");
  assert.equal(stage().nextBatchIn, undefined, "the batch has not ended");
  scene.exits("web3");
  assert.deepEqual(stage(), { isCanary: false, nextBatchIn: 5_000 });
  scene.tell({ kind: "interrupted" });
  assert.equal(stage().nextBatchIn, undefined, "there is no next one");
  const last = new Scene({ parallel: { count: 1 }, pause: 5_000 }, "web1");
  last.exits("web1");
  assert.equal(stageOf(last.rollout, last.now).nextBatchIn, undefined, "nobody is left");
});

test("fateOf() names those who failed, or how many", () => {
  const scene = new Scene({ maxFailures: { count: 4 } }, "web1", "web2", "db1", "mail", "ns");
  for (const agent of ["web1", "web2", "db1", "mail"]) scene.exits(agent, false);
  scene.hold("late");
  assert.deepEqual(fateOf(scene.rollout, id("late")), {
    is: "not-released",
    why: "db1, mail, web[1-2] failed",
  });
  scene.exits("ns", false);
  assert.deepEqual(fateOf(scene.rollout, id("late")), { is: "not-released", why: "5 agents failed" });
  const over = new Scene({}, "web1");
  assert.deepEqual(fateOf(over.rollout, id("web2")), {
    is: "not-released",
    why: "it answered when all was over",
  });
});

test("parseShare() takes a number or a share in a hundred, and nothing else", () => {
  assert.deepEqual(parseShare("5"), { count: 5 });
  assert.deepEqual(parseShare("999999"), { count: 999_999 });
  assert.deepEqual(parseShare("25%"), { percent: 25 });
  assert.deepEqual(parseShare("100%"), { percent: 100 });
  for (const text of ["", "0", "0%", "101%", "-1", "1.5", "5 %", "%", "all", "1000000", "٣"])
    assert.throws(() => parseShare(text), /^SyntaxError: expected a number of agents above 0/, text);
});

test("countOf() rounds so that a bound is kept and a budget is used up, and gives one at least", () => {
  assert.equal(countOf({ count: 7 }, 3, "at most"), 7);
  assert.deepEqual(
    [1, 3, 4, 10, 11].map((agents) => countOf({ percent: 25 }, agents, "at most")),
    [1, 1, 1, 2, 2],
  );
  assert.deepEqual(
    [0, 3, 4, 10, 12].map((agents) => countOf({ percent: 25 }, agents, "at least")),
    [1, 1, 1, 3, 3],
  );
});

test("stepRollout() loses nobody beyond what has been read, though time has passed", () => {
  const scene = new Scene({ parallel: { count: 1 } }, "web1", "web2");
  scene.signs("web1");
  scene.now = 10 * REPLY_WAIT;
  scene.tell({ kind: "tick", heard: REPLY_WAIT - 1 });
  assert.equal(scene.news, "+web1");
  scene.tell({ kind: "tick", heard: REPLY_WAIT });
  assert.equal(scene.news, "+web2");
});

test("stepRollout() loses nobody while agents may be on their way back to a hub that was silent", () => {
  const scene = new Scene({ parallel: { count: 1 } }, "web1", "web2");
  scene.signs("web1");
  scene.now = 14_000;
  scene.tell({ kind: "deaf", since: 100, returnBy: 32_000 });
  scene.pass(18_000 + REPLY_WAIT - 1);
  assert.equal(scene.news, "+web1");
  scene.pass(1);
  assert.equal(scene.news, "+web2");
});

test("stepRollout() sends a release into the silence of the hub again when that is over", () => {
  const scene = new Scene({}, "web1");
  scene.now = 500;
  scene.tell({ kind: "deaf", since: 200, returnBy: 0 });
  scene.pass(799);
  assert.equal(scene.news, "+web1");
  scene.pass(1);
  assert.equal(scene.news, "again web1");
  const late = new Scene({}, "web1");
  late.now = 60_000;
  late.tell({ kind: "deaf", since: -5_000, returnBy: 78_000 });
  late.pass(60_000);
  assert.equal(late.news, `+web1${" again web1".repeat(5)}`);
});

test("stepRollout() releases nobody once the hub has been silent for good", () => {
  const scene = new Scene({ parallel: { count: 1 } }, "web1", "web2");
  scene.signs("web1");
  scene.tell({ kind: "hub-silent" });
  scene.exits("web1");
  assert.deepEqual([scene.news, scene.rollout.stopped, scene.rollout.isOver], ["+web1", "hub-silent", false]);
  const why = "the hub fell silent before its turn";
  assert.deepEqual(fateOf(scene.rollout, id("web2")), { is: "not-released", why });
});

/**
 * A rollout through a hub that lies about releases: it can keep an agent from running, no more. The product's own
 * agents and stations; `station1` pings, so that keys are known, `station2` rolls out.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { foldNames } from "../../src/core/name-set.ts";
import type { RolloutPlan } from "../../src/station/rollout-plan.ts";
import { COMMANDS, IDENTITIES, Laboratory } from "./laboratory.ts";
import type { Lie, Passage } from "./lies.ts";
import { Scene } from "./scene.ts";
import type { Question, Told } from "./station.ts";

const WAITS = { helloWait: 5_000, replyWait: 10_000, minimumWait: 5_000, isMinimumExplicit: false };
const PING: Question = { task: { type: "ping" }, isTargeted: false, isInterrupted: false, waits: WAITS };
const ONE_BY_ONE: RolloutPlan = {
  parallel: { count: 1 },
  canary: 0,
  maxFailures: undefined,
  pause: 0,
  replyWait: WAITS.replyWait,
};
const [FIRST, SECOND] = IDENTITIES;
/** As a sentence about all of them begins. */
const ALL = `${foldNames(IDENTITIES).join(", ")} (2 agents)`;

let laboratory: Laboratory;
before(async () => {
  laboratory = await Laboratory.open();
});
after(async () => {
  await laboratory[Symbol.asyncDispose]();
});

function rollingOut(plan: Partial<RolloutPlan> = {}, command: keyof typeof COMMANDS = "fails"): Question {
  const rollout = { ...ONE_BY_ONE, ...plan };
  return {
    ...PING,
    task: { type: "run", command: COMMANDS[command], limit: undefined, parameters: new Map(), rollout },
  };
}

/** What the hub does with what the station publishes; the request is number 0, then come releases, and a cancel maybe. */
function published(
  what: string,
  lie: (envelope: Uint8Array, number: number, passage: Passage) => readonly Uint8Array[],
): Lie {
  let number = -1;
  return {
    what,
    hasFired: true,
    envelope(envelope, passage) {
      if (passage.point !== "publish" || passage.door !== "station2") return [envelope];
      number += 1;
      return lie(envelope, number, passage);
    },
  };
}

async function play(
  name: string,
  question: Question,
  lieOf: (scene: Scene) => Lie,
  judge: (told: Told, scene: Scene) => Promise<void> | void,
) {
  await using scene = await Scene.open(laboratory, name);
  assert.equal((await scene.ask(PING)).status, 0);
  scene.hub.lies = [lieOf(scene)];
  await judge(await scene.ask(question), scene);
}

function ran(scene: Scene): readonly string[] {
  return laboratory.runs(scene.channel).map(({ identity }) => identity);
}

function said({ stderr }: Told): string {
  return Buffer.from(stderr).toString();
}

test("a hub that sends every release three times has nobody run twice, and harms nothing", async () => {
  const lie = () =>
    published("repeat", (envelope, number) => (number === 0 ? [envelope] : [envelope, envelope, envelope]));
  await play("repeated", rollingOut(), lie, (told, scene) => {
    assert.equal(told.status, 4, said(told));
    assert.deepEqual(ran(scene), [FIRST, SECOND]);
  });
});

test("a hub that sends what it has kept once more, later or after a restart, has nobody run again", async () => {
  const lie = () => published("nothing", (envelope) => [envelope]);
  await play("replayed", rollingOut(), lie, async (told, scene) => {
    assert.equal(told.status, 4, said(told));
    const kept = scene.hub.kept.published.map(({ envelope }) => envelope);
    await scene.replayAll(kept);
    await scene.stopAgents();
    await scene.startAgents();
    await scene.replayAll(kept);
    assert.deepEqual(ran(scene), [FIRST, SECOND]);
  });
});

test("a hub that keeps releases back until they have expired keeps agents from running, and they say so", async () => {
  const lie = (scene: Scene) =>
    published("hold back", (envelope, number) => {
      if (number > 0) scene.agentClock.forward(10_001);
      return [envelope];
    });
  await play("late", rollingOut(), lie, (told, scene) => {
    assert.equal(told.status, 64, said(told));
    const why = "gave up waiting to be released: the release was not fresh: expired";
    assert.ok(said(told).includes(`${ALL} ${why}\n`), said(told));
    assert.deepEqual(ran(scene), []);
  });
});

const WITHHELD =
  "a hub that withholds releases keeps agents from running, and the station says of whom it heard nothing";

// Thirty seconds for six releases, and the reply wait.
test(WITHHELD, { timeout: 120_000 }, async () => {
  const lie = () => published("withhold", (envelope, number) => (number === 0 ? [envelope] : []));
  await play("withheld", rollingOut({ parallel: { count: 2 } }), lie, (told, scene) => {
    assert.equal(told.status, 8, said(told));
    assert.ok(said(told).includes(`${ALL} were released and said nothing for 10.0 s, `), said(told));
    assert.deepEqual(ran(scene), []);
    assert.equal(scene.hub.kept.published.filter(({ door }) => door === "station2").length, 7);
  });
});

test("a hub that brings a release after the rollout has stopped has nobody run", async () => {
  // The first fails; the release of the second, which was never decided, cannot be made up from that of the first.
  const kept: Uint8Array[] = [];
  const lie = () =>
    published("bring late", (envelope) => {
      kept.push(envelope);
      return [envelope];
    });
  await play("stopped", rollingOut({ canary: 1 }), lie, async (told, scene) => {
    assert.equal(told.status, 4 + 64, said(told));
    await scene.replayAll(kept.toReversed());
    await scene.stopAgents();
    assert.deepEqual(ran(scene), [FIRST]);
  });
});

test("a hub that turns the order of release and cancel round has nobody run what was cancelled", async () => {
  let held: Uint8Array | undefined;
  const lie = () =>
    published("reorder", (envelope, number) => {
      if (number === 0) return [envelope];
      if (held !== undefined) return [envelope, held];
      held = envelope;
      return [];
    });
  const question = { ...rollingOut({}, "lingers"), isInterrupted: true };
  await play("reordered", question, lie, async (told, scene) => {
    assert.doesNotMatch(said(told), /not be trusted/);
    await scene.stopAgents();
    assert.deepEqual(ran(scene), []);
  });
});

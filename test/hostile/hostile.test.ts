/**
 * What holds with a hub that lies: P1 to P10 of PROTOCOL.md §2, on the product's own agents and stations.
 *
 * `HOSTILE_SEED=17 npm test -- test/hostile` repeats one schedule; `HOSTILE_ROUNDS=20` plays twenty times as many.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import { forgedRequest, renamedEnvelope } from "./changes.ts";
import { COMMANDS, Laboratory, WORD } from "./laboratory.ts";
import { Scene } from "./scene.ts";
import { KINDS, kindOf, newSchedule, type Schedule, seedOf, WAITS } from "./schedule.ts";
import type { Question, Told } from "./station.ts";
import { judgeRuns, judgeStation } from "./verdict.ts";

/** Schedules at a time: most of one is waiting. */
const AT_ONCE = 16;
const ROUNDS = Number(process.env["HOSTILE_ROUNDS"] ?? 1);
/** Milliseconds for all schedules of a kind: some hold a station up for 15 s before it has asked anything. */
const LIMIT = 90_000;
/** Of each kind, and of all kinds mixed; 200 in all. */
const QUOTA = 9;
const MIXED_QUOTA = 200 - QUOTA * (KINDS.length - 1);

const FIRST: Question = {
  task: { type: "run", command: COMMANDS.bursts, limit: undefined, parameters: new Map() },
  isTargeted: false,
  isInterrupted: false,
  waits: { ...WAITS, helloWait: 5_000, replyWait: 10_000, minimumWait: 5_000 },
};
const LAST: Question = { ...FIRST, task: { type: "ping" } };

let laboratory: Laboratory;
before(async () => {
  laboratory = await Laboratory.open();
});
after(async () => {
  await laboratory[Symbol.asyncDispose]();
});

/** @returns whether every lie of the schedule was told */
async function play(seed: number): Promise<boolean> {
  const scene = await Scene.open(laboratory, String(seed));
  let schedule: Schedule | undefined;
  let second: Told | undefined;
  const problems: string[] = [];
  try {
    const first = await scene.ask(FIRST);
    schedule = newSchedule(seed, scene);
    scene.hub.lies = schedule.lies;
    second = await scene.ask(schedule.question);
    scene.hub.repent();
    const acceptable = await afterwards(schedule, scene);
    const third = await scene.ask(LAST);
    await scene.stopAgents();
    if (scene.accepted > acceptable) problems.push(`a request was accepted ${schedule.afterwards}`);
    const told = { first, second, third };
    for (const [which, one] of Object.entries(told)) {
      problems.push(
        ...judgeStation(one, scene, laboratory).map((problem) => `the ${which} station ${problem}`),
      );
    }
    for (const honest of [first, third]) {
      if (honest.status !== 0)
        problems.push(`an honest hub ends in ${honest.status}\n${inspect(honest.failure)}`);
    }
    problems.push(...judgeRuns([first, second, third], scene, laboratory));
    if (Buffer.from(scene.hub.seen).includes(WORD)) problems.push("the hub has seen a word of plaintext");
  } catch (error) {
    problems.push(inspect(error));
  } finally {
    await scene[Symbol.asyncDispose]();
  }
  if (problems.length > 0) assert.fail(explain(seed, schedule, second, problems));
  return schedule?.lies.every(({ hasFired }) => hasFired) ?? false;
}

/**
 * The hub lets go out once more what it has kept, and some of its own making.
 *
 * @returns how many requests may have been accepted by the end
 */
async function afterwards({ afterwards: when }: Schedule, scene: Scene): Promise<number> {
  if (when === "after a restart") {
    await scene.stopAgents();
    await scene.startAgents();
  }
  if (when === "once expired") scene.agentClock.forward(61_000);
  scene.stationClock.follow(scene.agentClock);
  const { accepted } = scene;
  await scene.agentsListen();
  const kept = scene.hub.kept.published.map(({ envelope }) => envelope);
  const replies = scene.hub.kept.pushed.slice(-5).map(({ envelope }) => envelope);
  const renamed = kept.map((envelope) => renamedEnvelope(envelope, "request"));
  await scene.replayAll([...kept, ...renamed, ...replies, forgedRequest(scene.publicKnowledge)]);
  return when === "at once" ? Number.POSITIVE_INFINITY : accepted;
}

function explain(
  seed: number,
  schedule: Schedule | undefined,
  told: Told | undefined,
  problems: readonly string[],
): string {
  const { stdout = new Uint8Array(), stderr = new Uint8Array() } = told ?? {};
  return [
    `HOSTILE_SEED=${seed} (${kindOf(seed)})`,
    ...(schedule?.lies ?? []).map(
      ({ what, hasFired }) => `  the hub: ${what}${hasFired ? "" : " (not done)"}`,
    ),
    `  asked: ${inspect(schedule?.question, { breakLength: Infinity })}`,
    `  then, ${schedule?.afterwards}, all requests again`,
    ...problems.map((problem) => `  ${problem}`),
    `status ${told?.status}, ${stdout.length} bytes of standard output, ${told?.taken.length} replies taken`,
    ...Buffer.from(stderr)
      .toString()
      .split("\n")
      .filter((line) => !line.includes(" ! ")),
  ].join("\n");
}

/** Plays schedules of one kind until enough of them have done what they were to do. */
async function playAll(kind: string, quota: number): Promise<void> {
  let played = 0;
  let counted = 0;
  const failures: unknown[] = [];
  const lane = async () => {
    while (counted < quota && failures.length === 0) {
      const seed = seedOf(kind, played);
      played += 1;
      assert.ok(played <= 20 * quota, `a hub that ${kind} hardly ever does`);
      if (await play(seed)) counted += 1;
    }
  };
  const lanes = Array.from({ length: Math.min(AT_ONCE, quota) }, () => {
    return lane().catch((failure: unknown) => failures.push(failure));
  });
  await Promise.all(lanes);
  if (failures.length > 0) throw failures[0];
}

const only = process.env["HOSTILE_SEED"];
if (only !== undefined) {
  test(`a hub of seed ${only}`, async () => {
    assert.ok(await play(Number(only)), "what this hub was to do did not come to pass");
  });
} else {
  for (const [index, kind] of KINDS.entries()) {
    const quota = index === KINDS.length - 1 ? MIXED_QUOTA : QUOTA;
    const title = `a hub that ${kind} deceives nobody (${quota * ROUNDS} schedules)`;
    test(title, { timeout: LIMIT * ROUNDS }, async () => {
      await playAll(kind, quota * ROUNDS);
    });
  }
}

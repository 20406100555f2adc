/** From a seed to what a hub does, what it is asked meanwhile, and how it goes on afterwards. */
import * as changes from "./changes.ts";
import { Dice } from "./dice.ts";
import { COMMANDS, IDENTITIES } from "./laboratory.ts";
import {
  type BytePlace,
  changeAnswer,
  changeBytes,
  changeEnvelope,
  holdEnvelope,
  type Lie,
  type Place,
  type Point,
} from "./lies.ts";
import { integer, type Value } from "./resp.ts";
import { GONE, type Scene } from "./scene.ts";
import type { Question } from "./station.ts";

/** The station that a schedule is about; the one before it is told no lies. */
const STATION = "station2";

export type Schedule = {
  readonly seed: number;
  readonly kind: string;
  readonly question: Question;
  readonly lies: readonly Lie[];
  /** What happens before the hub lets everything that it has kept go out once more. */
  readonly afterwards: "at once" | "once expired" | "after a restart";
};

export const WAITS = {
  helloWait: 300,
  replyWait: 600,
  minimumWait: 300,
  isMinimumExplicit: false,
  hubWait: 2_000,
};

/** @param replies how many of them an agent has to the question */
type LieMaker = (dice: Dice, replies: number, scene: Scene) => Lie | readonly Lie[];

/** Every kind of lie by itself, and all of them together. A seed means the kind at its place in this list. */
const LIES: Readonly<Record<string, LieMaker>> = {
  drops: (dice, replies) => changeEnvelope(anywhere(dice, replies), changes.drop),
  delays: (dice, replies) =>
    dice.chance(0.5)
      ? changeEnvelope(anywhere(dice, replies), changes.delay(dice.scale(5, 400)))
      : stall(dice),
  "brings an end and a beginning at once": (dice, replies) => {
    const [one, other] = IDENTITIES;
    // When all who have answered have finished, and have been waited for long enough.
    const late = changeEnvelope({ point: "deliver", door: other, ahead: 0 }, changes.delay(400));
    const end: Place = { point: "push", door: one, ahead: replies - 1 };
    const both = [late, holdEnvelope(end, { door: other, heldFirst: true })];
    // Or when that is all who were counted.
    return dice.chance(0.5) ? both : [...both, changeAnswer("PUBLISH", STATION, integer(1), false)];
  },
  "falls silent": silence,
  repeats: (dice, replies) => changeEnvelope(anywhere(dice, replies), changes.repeat(dice)),
  "keeps talking": (dice, replies, scene) => {
    const place = placeAt("push", dice, 1);
    // Somebody is still waited for.
    const exit = { ...place, ahead: replies - 1 };
    return [
      changeEnvelope(place, changes.keepTalking(dice, scene.publicKnowledge)),
      changeEnvelope(exit, changes.drop),
    ];
  },
  reorders: (dice, replies) => {
    const place = amongReplies(dice, replies);
    return holdEnvelope(place, { door: place.door, heldFirst: false });
  },
  truncates: (dice, replies) => changeEnvelope(anywhere(dice, replies), changes.truncate(dice)),
  "flips a bit": (dice, replies) => changeEnvelope(anywhere(dice, replies), changes.flipBit(dice)),
  "renames keys": (dice, replies) => changeEnvelope(early(dice, replies), changes.rename(dice)),
  "replays a recording": (dice, replies) => changeEnvelope(anywhere(dice, replies), changes.replay(dice)),
  reflects: (dice, replies) => changeEnvelope(anywhere(dice, replies), changes.reflect(dice)),
  "pushes foreign items": (dice, replies) => changeEnvelope(anywhere(dice, replies), changes.foreign(dice)),
  forges: (dice, replies, scene) =>
    changeEnvelope(anywhere(dice, replies), changes.forge(dice, scene.publicKnowledge)),
  "crosses channels": (_dice, _replies, scene) =>
    changeEnvelope({ point: "publish", door: STATION, ahead: 0 }, changes.crossOver(scene.otherChannel)),
  "counts wrong": (dice, _replies, scene) => wrongCount(dice, scene),
  "answers out of shape": (dice) => wrongShape(dice),
  "garbles the bytes": (dice) => garble(dice),
  "cuts a connection": (dice) =>
    changeBytes("cut", anyByte(dice), (chunk, at) => [chunk.subarray(0, at), "cut"]),
};

const MIXED = "does several of these";
export const KINDS: readonly string[] = [...Object.keys(LIES), MIXED];

export function kindOf(seed: number): string {
  return KINDS[seed % KINDS.length] ?? MIXED;
}

/** The n-th seed of a kind. */
export function seedOf(kind: string, nth: number): number {
  return nth * KINDS.length + KINDS.indexOf(kind);
}

export function newSchedule(seed: number, scene: Scene): Schedule {
  const dice = new Dice(seed);
  const kind = kindOf(seed);
  const question = newQuestion(dice);
  const makers = Object.values(LIES);
  const only = LIES[kind];
  const chosen =
    only === undefined ? Array.from({ length: dice.between(2, 4) }, () => dice.pick(makers)) : [only];
  return {
    seed,
    kind,
    question,
    lies: chosen.flatMap((make) => make(dice, repliesTo(question), scene)),
    afterwards: dice.pick(["at once", "at once", "once expired", "after a restart"]),
  };
}

function newQuestion(dice: Dice): Question {
  const plain = { isTargeted: dice.chance(0.2), isInterrupted: false, waits: WAITS };
  const run = (command: keyof typeof COMMANDS): Question => {
    return {
      ...plain,
      task: { type: "run", command: COMMANDS[command], limit: undefined, parameters: new Map() },
    };
  };
  const chance = dice.fraction();
  if (chance < 0.7) return run("bursts");
  if (chance < 0.8) return run("fails");
  if (chance < 0.9) return { ...plain, task: { type: "ping" } };
  return { ...run("lingers"), isInterrupted: true };
}

/** Of each agent, where nothing goes wrong. */
function repliesTo({ task }: Question): number {
  if (task.type === "ping") return 1;
  return task.type === "run" && task.command === COMMANDS.bursts ? 5 : 3;
}

/** Replies are more than requests, and each is another matter. */
function anywhere(dice: Dice, replies: number): Place {
  return placeAt(dice.pick(["publish", "deliver", "push", "push", "read", "read"]), dice, replies);
}

function amongReplies(dice: Dice, replies: number): Place {
  return placeAt(dice.pick(["push", "read"]), dice, replies);
}

/** Among the first, where sessions begin. */
function early(dice: Dice, replies: number): Place {
  return anywhere(dice, Math.min(replies, 2));
}

function placeAt(point: Point, dice: Dice, replies: number): Place {
  switch (point) {
    case "publish":
      return { point, door: STATION, ahead: 0 };
    case "deliver":
      return { point, door: dice.pick(IDENTITIES), ahead: 0 };
    case "push":
      return { point, door: dice.pick(IDENTITIES), ahead: dice.between(0, replies - 1) };
    case "read":
      return { point, door: STATION, ahead: dice.between(0, 2 * replies - 1) };
  }
}

function anyByte(dice: Dice): BytePlace {
  const direction = dice.pick(["in", "out"] as const);
  if (dice.chance(0.5))
    return { direction, door: STATION, ahead: dice.scale(1, direction === "in" ? 1_500 : 60_000) };
  return {
    direction,
    door: dice.pick(IDENTITIES),
    ahead: dice.scale(1, direction === "in" ? 30_000 : 1_500),
  };
}

function stall(dice: Dice): Lie {
  return pause(anyByte(dice), dice.scale(20, 500));
}

function pause(place: BytePlace, milliseconds: number): Lie {
  return changeBytes(`nothing passes for ${milliseconds} ms`, place, (chunk, at) => {
    return [chunk.subarray(0, at), milliseconds, chunk.subarray(at)];
  });
}

/** Bytes of all that Redis answers to a station before its first reply: PING twice, SET, the rehearsal, PUBLISH. */
const ANSWERS_BEFORE_REPLIES = 90;

/** For longer than anybody waits. A station that asks and has no answer yet waits for Redis, which is not the matter here. */
function silence(dice: Dice): Lie {
  const place = anyByte(dice);
  const isAsking =
    place.door === STATION && (place.direction === "in" || place.ahead < ANSWERS_BEFORE_REPLIES);
  const later: BytePlace = isAsking
    ? { ...place, direction: "out", ahead: place.ahead + ANSWERS_BEFORE_REPLIES }
    : place;
  return changeBytes("fall silent", later, (chunk, at) => [chunk.subarray(0, at), 60_000]);
}

function wrongCount(dice: Dice, scene: Scene): Lie {
  const agent = dice.pick(IDENTITIES);
  const lasts = dice.chance(0.7);
  const number = integer(dice.pick([-1, 0, 1, 2, 3, 255, 256, 1_000_000, 2 ** 53]));
  const name = dice.pick(["PUBLISH", "PUBLISH", "RPUSH", "LLEN", "EXISTS", "LTRIM", "EXPIRE"]);
  if (name === "PUBLISH" || name === "LTRIM") return changeAnswer(name, STATION, number, lasts);
  // Who is told for long that the station has gone drops output.
  const isAway = name === "EXISTS" && dice.chance(0.7);
  if (!isAway) return changeAnswer(name, agent, number, lasts);
  return changeAnswer(name, agent, integer(0), true, () => scene.agentClock.forward(GONE));
}

const SHAPES: readonly Value[] = [
  { line: "+OK" },
  { line: "+QUEUED" },
  { line: ":7" },
  { line: "$-1" },
  { line: "*-1" },
  { line: "$536870912" },
  { line: "*1000000000" },
  { line: "%1\r\n+key\r\n+value" },
  { line: "" },
  { line: "-ERR no" },
  { line: "-OOM command not allowed" },
  { line: "-NOPERM this user has no permissions" },
  { line: "-LOADING Redis is loading the dataset in memory" },
  { line: "-MOVED 1 127.0.0.1:1" },
  { line: "-EXECABORT Transaction discarded because of previous errors." },
  new Uint8Array(5),
  [],
  [null],
  [integer(1), integer(2), integer(3)],
  [[[new Uint8Array(1)]]],
  Array.from({ length: 200 }, () => new Uint8Array(3)),
];

function wrongShape(dice: Dice): Lie {
  const value = dice.pick(SHAPES);
  const lasts = dice.chance(0.2);
  if (dice.chance(0.5)) {
    return changeAnswer(
      dice.pick(["PING", "SET", "LTRIM", "BLMOVE", "LRANGE", "PUBLISH"]),
      STATION,
      value,
      lasts,
    );
  }
  return changeAnswer(
    dice.pick(["EXEC", "RPUSH", "EXPIRE", "EXISTS", "LLEN"]),
    dice.pick(IDENTITIES),
    value,
    lasts,
  );
}

function garble(dice: Dice): Lie {
  const mask = 1 << dice.between(0, 7);
  const junk = dice.bytes(dice.between(1, 20));
  const place = anyByte(dice);
  switch (dice.pick(["flip", "insert", "leave out"] as const)) {
    case "flip":
      return changeBytes("flip a bit", place, (chunk, at) => {
        return [chunk.map((byte, index) => (index === at ? byte ^ mask : byte))];
      });
    case "insert":
      return changeBytes(`insert ${junk.length} bytes`, place, (chunk, at) => {
        return [chunk.subarray(0, at), junk, chunk.subarray(at)];
      });
    case "leave out":
      return changeBytes("leave out", place, (chunk, at) => [chunk.subarray(0, at), chunk.subarray(at + 1)]);
  }
}

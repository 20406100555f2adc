/**
 * A fleet, a station and an honest hub between them, in a time of their own: what the product decides is decided by
 * its own step functions, `stepRollout` of the station, `judgeGo` and `stalenessAtTurn` of the agent.
 *
 *   a go:      late by more than it is valid, lost, or twice; agents come back from a restart, or do not
 *   a reply:   in the order of its agent, and never later than `REPLY_DELAY`; the station may stop reading meanwhile
 *   the hub:   may stand still: what it was told meanwhile it does afterwards, or it is lost with its connections, and
 *              then agents find their way back by and by
 *   an agent:  may lose the hub, and miss what is published until it is back; in most worlds only while it is held
 *   clocks:    no further from the station's than `SKEW`
 *
 * The delays and a heartbeat add up to less than the least reply wait: that is what the promise rests on. Where agents
 * that run are away as well, nobody can tell them from dead ones: then the promise is that the station says so.
 */
import { stalenessAtTurn } from "../../src/agent/freshness.ts";
import { judgeGo } from "../../src/agent/live-session.ts";
import type { Identity } from "../../src/core/names.ts";
import { LONGEST_RETURN } from "../../src/hub/reconnecting-link.ts";
import { GO_VALIDITY, MAX_HOLD } from "../../src/protocol/limits.ts";
import {
  answered,
  askAt,
  asked,
  type Heard,
  type HubWatch,
  inattentive,
  newHubWatch,
  replied,
} from "../../src/station/hub-watch.ts";
import {
  type RolloutEffects,
  type RolloutEvent,
  rolloutDeadline,
  stepRollout,
} from "../../src/station/rollout.ts";
import { MIN_ROLLOUT_REPLY_WAIT, type RolloutPlan, type Share } from "../../src/station/rollout-plan.ts";
import { newRollout, type Rollout } from "../../src/station/rollout-state.ts";

/** Milliseconds, as all times here. */
const REPLY_DELAY = 2_500;
const SKEW = 1_000;
const HEARTBEAT = 5_000;
/** When the station takes it that all have answered. */
const GATHERED = 4_000;
const NOW = 1_800_000_000_000;
const KEYS = {
  networkKey: new Uint8Array(32),
  stationKey: new Uint8Array(32),
  challenge: new Uint8Array(32),
};
const NOBODY = { born: 0, floor: 0, has: () => false };

/** Numbers that look random and come again with their seed (mulberry32). */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }
}

type Agent = {
  readonly identity: Identity;
  readonly isPinned: boolean;
  readonly skew: number;
  readonly runTime: number;
  readonly isWell: boolean;
  /** How long its own queue keeps a released run from starting. */
  readonly queue: number;
  phase: "elsewhere" | "held" | "queued" | "running" | "over" | "dead";
  /** Changes with every start of its process. */
  life: number;
  startedAt: number;
  lastReplyAt: number;
  /** Before that it hears nothing, and nobody hears it. */
  awayUntil: number;
  starts: number;
};

type Go = { readonly identities: readonly Identity[]; readonly issued: number; readonly expires: number };

/** What went wrong, if anything did; for the report with the seed. */
export type Verdict = {
  readonly problems: readonly string[];
  readonly mostAtOnce: number;
  /** How many came back when others had their place, as the station knows. */
  readonly overlaps: number;
  readonly plan: RolloutPlan;
};

export function playRollout(seed: number): Verdict {
  return new World(seed).play();
}

class World {
  readonly #dice: Dice;
  readonly #agents: readonly Agent[];
  readonly #plan: RolloutPlan;
  /** Of what is published: how much is lost, how much is late, and by how much at most. */
  readonly #weather: { readonly lost: number; readonly late: number; readonly by: number };
  /** Whether agents may be away while they run. */
  readonly #isRough: boolean;
  readonly #problems: string[] = [];
  /** Who was at it beyond the bound, in which life, when the station had given him up. */
  readonly #unseen = new Map<Agent, number>();
  readonly #queue: { readonly at: number; readonly order: number; readonly act: () => void }[] = [];
  #rollout: Rollout;
  #now = 0;
  #order = 0;
  #watch: HubWatch = newHubWatch(0);
  /** The hub does nothing before that. */
  #stillUntil = 0;
  /** What was lost with the connections that broke meanwhile is lost. */
  #hasBroken = false;
  /** The station reads nothing before that. */
  #deafUntil = 0;
  #unread: RolloutEvent[] = [];
  #mostAtOnce = 0;
  #hasStopped = false;

  constructor(seed: number) {
    const dice = new Dice(seed);
    this.#dice = dice;
    this.#weather = dice.chance(0.6)
      ? { lost: 0.05, late: 0.1, by: 2 * GO_VALIDITY }
      : { lost: 0.4, late: 0.9, by: dice.chance(0.5) ? GO_VALIDITY : 6 * GO_VALIDITY };
    this.#isRough = dice.chance(0.2);
    this.#plan = {
      parallel: dice.chance(0.8) ? share(dice, 4) : undefined,
      canary: dice.chance(0.3) ? dice.between(1, 3) : 0,
      maxFailures: dice.chance(0.4) ? share(dice, 3) : undefined,
      pause: dice.chance(0.25) ? dice.between(1, 20_000) : 0,
      replyWait: MIN_ROLLOUT_REPLY_WAIT + (dice.chance(0.5) ? 0 : dice.between(0, 60_000)),
    };
    this.#rollout = newRollout(this.#plan, dice.chance(0.05) ? dice.between(1, 60_000) : MAX_HOLD - 60_000);
    this.#agents = Array.from({ length: dice.between(1, 10) }, (_, index) => ({
      identity: `web${index}` as Identity,
      isPinned: dice.chance(0.9),
      skew: dice.between(-SKEW, SKEW),
      runTime: dice.chance(this.#isRough ? 0.3 : 0.8) ? dice.between(0, 3_000) : dice.between(0, 90_000),
      isWell: dice.chance(0.8),
      queue: dice.chance(0.8) ? 0 : dice.between(1, 30_000),
      phase: "elsewhere",
      life: 0,
      startedAt: -3_600_000,
      lastReplyAt: 0,
      awayUntil: 0,
      starts: 0,
    }));
  }

  play(): Verdict {
    const dice = this.#dice;
    for (const agent of this.#agents) this.#prepare(agent);
    this.#after(GATHERED, () => this.#tell({ kind: "gathered" }));
    if (dice.chance(0.1)) this.#after(dice.between(1, 60_000), () => this.#interrupt());
    if (dice.chance(0.4))
      this.#after(dice.between(1, 60_000), () => this.#standStill(dice.between(1_001, 60_000)));
    const standstills = dice.chance(0.4) ? dice.between(1, 3) : 0;
    for (let times = 0; times < standstills; times += 1)
      this.#after(dice.between(1, 90_000), () => this.#hubStandsStill(dice.between(500, 60_000)));
    let idle = 0;
    for (;;) {
      const next = this.#queue[0]?.at ?? Infinity;
      // The station looks for what is due whenever nothing is to be read, once all that was said by then has been.
      const due = rolloutDeadline(this.#rollout);
      const wake = due <= this.#watch.provenAt ? due : due === Infinity ? due : askAt(this.#watch, due);
      const look = Math.max(wake, this.#deafUntil, this.#now);
      if (next === Infinity && look === Infinity) break;
      if (look < next) {
        idle = look === this.#now ? idle + 1 : 0;
        if (idle > 3) return this.#verdict("it turns round and round");
        this.#now = look;
        if (due <= this.#watch.provenAt) this.#tell({ kind: "tick", heard: this.#watch.provenAt });
        else this.#ask();
      } else {
        idle = 0;
        this.#now = next;
        this.#take()?.act();
      }
    }
    if (!this.#rollout.isOver) return this.#verdict("nothing is left to happen, and it is not over");
    return this.#verdict();
  }

  #verdict(...problems: readonly string[]): Verdict {
    const overlaps = this.#rollout.overlaps.size;
    const all = [...this.#problems, ...this.#unsaid, ...problems];
    return { problems: all, mostAtOnce: this.#mostAtOnce, overlaps, plan: this.#plan };
  }

  /** Those that were at it beyond the bound, and of whom nothing is said. */
  get #unsaid(): readonly string[] {
    const { overlaps, lost } = this.#rollout;
    return [...this.#unseen].flatMap(([{ identity, life, phase }, then]) => {
      const isSaid = overlaps.has(identity) || lost.has(identity) || life !== then || phase === "dead";
      return isSaid ? [] : [`${identity} was at it beyond the bound, and that is not said`];
    });
  }

  /** Its hello, and what may befall it. */
  #prepare(agent: Agent): void {
    const dice = this.#dice;
    if (dice.chance(0.05)) return;
    this.#after(dice.chance(0.85) ? dice.between(1, GATHERED - REPLY_DELAY) : dice.between(1, 60_000), () => {
      agent.phase = "held";
      this.#reply(agent, { kind: "held", identity: agent.identity, isPinned: agent.isPinned });
      this.#after(MAX_HOLD, () => this.#leave(agent));
    });
    const isAway = dice.chance(this.#isRough ? 0.6 : 0.3);
    if (isAway) this.#after(dice.between(1, 60_000), () => this.#loseHub(agent));
    if (!dice.chance(0.2)) return;
    this.#after(dice.between(1, 90_000), () => {
      agent.phase = "dead";
      agent.life += 1;
      if (dice.chance(0.5)) {
        this.#after(dice.between(100, 20_000), () => {
          agent.phase = "elsewhere";
          agent.startedAt = this.#now;
        });
      }
    });
  }

  #loseHub(agent: Agent): void {
    const dice = this.#dice;
    const longest = dice.chance(0.7) ? LONGEST_RETURN : 90_000;
    if (agent.phase !== "held" && !this.#isRough) return;
    agent.awayUntil = this.#now + dice.between(1, longest);
    agent.lastReplyAt = Math.max(agent.lastReplyAt, agent.awayUntil);
  }

  // The station

  #tell(event: RolloutEvent): void {
    const { rollout, effects } = stepRollout(this.#rollout, event, this.#now);
    this.#rollout = rollout;
    this.#judgeEffects(effects);
    const identities = [...effects.release, ...effects.again];
    if (identities.length > 0)
      this.#publish({ identities, issued: NOW + this.#now, expires: NOW + this.#now + GO_VALIDITY });
    if (effects.withdraw) this.#cancel();
    if (rollout.stopped !== undefined) this.#hasStopped = true;
  }

  #hear(event: RolloutEvent): void {
    if (this.#now < this.#deafUntil || this.#unread.length > 0) {
      this.#unread.push(event);
      return;
    }
    this.#note(replied(this.#watch, this.#now));
    this.#tell(event);
  }

  #note({ watch, deaf }: Heard): void {
    this.#watch = watch;
    if (deaf !== undefined) this.#tell(deaf);
  }

  /** The hub answers at once, or when it goes on; a question on a connection that breaks fails in the end. */
  #ask(): void {
    this.#watch = asked(this.#watch, this.#now);
    const isStill = this.#now < this.#stillUntil;
    const at = Math.max(this.#now, this.#stillUntil) + this.#dice.between(0, 200);
    const isLost = isStill && this.#hasBroken;
    this.#at(isLost ? Math.min(at, this.#now + 3_000) : at, () => {
      // It is behind in its list while the station stands still itself.
      const hasUnread = this.#now < this.#deafUntil || this.#unread.length > 0;
      this.#note(answered(this.#watch, isLost ? undefined : hasUnread, this.#now));
    });
  }

  #standStill(milliseconds: number): void {
    const since = this.#now;
    this.#deafUntil = this.#now + milliseconds;
    this.#at(this.#deafUntil, () => {
      // It reads what there is by and by, and knows only then for how long it has not read.
      for (const event of this.#unread.splice(0, this.#dice.between(1, 2))) this.#tell(event);
      this.#watch = inattentive(this.#watch, this.#now);
      this.#tell({ kind: "deaf", since, returnBy: this.#now });
      this.#after(100, () => {
        for (const event of this.#unread.splice(0)) this.#tell(event);
      });
    });
  }

  #hubStandsStill(milliseconds: number): void {
    this.#stillUntil = Math.max(this.#stillUntil, this.#now + milliseconds);
    this.#hasBroken = this.#dice.chance(0.5);
    if (!this.#hasBroken) return;
    for (const agent of this.#agents) {
      const back = this.#stillUntil + this.#dice.between(0, LONGEST_RETURN);
      agent.lastReplyAt = Math.max(agent.lastReplyAt, back);
    }
  }

  #interrupt(): void {
    this.#tell({ kind: "interrupted" });
    this.#cancel();
  }

  #judgeEffects({ release, again }: RolloutEffects): void {
    const { fleet, failed, held, inFlight } = this.#rollout;
    if (this.#hasStopped && release.length + again.length > 0)
      this.#problems.push("releases after it has stopped");
    if (release.length === 0) return;
    if (fleet === undefined) this.#problems.push("releases before all have answered");
    if (failed.size >= (fleet?.budget ?? 0))
      this.#problems.push("releases though as many have failed as may");
    if (inFlight.size > (fleet?.bound ?? 0)) this.#problems.push("releases more than the bound");
    if (this.#plan.pause > 0 && inFlight.size > release.length)
      this.#problems.push("begins a batch before the one before it has ended");
    const canaries = [...(fleet?.canaries ?? [])];
    const isFirst = release.every((identity) => canaries.includes(identity));
    if (!isFirst && canaries.some((identity) => held.has(identity) || inFlight.has(identity)))
      this.#problems.push("releases others while canaries are under way");
    const haveFailed = canaries.some((identity) => failed.has(identity));
    if (haveFailed && this.#plan.maxFailures === undefined)
      this.#problems.push("releases after a canary has failed");
  }

  // The hub

  #publish(go: Go): void {
    const dice = this.#dice;
    const { lost, late, by } = this.#weather;
    const wait = Math.max(0, this.#stillUntil - this.#now);
    for (const agent of this.#agents) {
      if (dice.chance(lost) || (wait > 0 && this.#hasBroken)) continue;
      const delay = wait + (dice.chance(late) ? dice.between(1, by) : dice.between(1, 100));
      this.#after(delay, () => this.#receive(agent, go));
      if (dice.chance(0.1)) this.#after(delay + dice.between(0, GO_VALIDITY), () => this.#receive(agent, go));
    }
  }

  #cancel(): void {
    for (const agent of this.#agents) {
      if (!this.#dice.chance(0.1)) this.#after(this.#dice.between(1, 5_000), () => this.#leave(agent));
    }
  }

  /** In the order of the agent's replies. */
  #reply(agent: Agent, event: RolloutEvent): void {
    const since = Math.max(this.#now, this.#stillUntil);
    const at = Math.max(agent.lastReplyAt, since + this.#dice.between(1, REPLY_DELAY));
    agent.lastReplyAt = at;
    this.#at(at, () => this.#hear(event));
  }

  // The agents

  #receive(agent: Agent, go: Go): void {
    if (agent.phase === "dead" || this.#now < agent.awayUntil) return;
    const { identity, skew, startedAt, phase } = agent;
    const isThere = phase === "held" || phase === "queued" || phase === "running";
    const live = isThere ? { ...KEYS, isHeld: phase === "held", command: undefined } : undefined;
    const addressee = { identity, live, isOver: phase === "over", isAllowed: true };
    const instant = { now: NOW + this.#now + skew, uptime: this.#now - startedAt, replay: NOBODY };
    switch (judgeGo(go, KEYS, addressee, instant).leads) {
      case "release":
        this.#release(agent);
        return;
      case "withdraw":
        this.#leave(agent);
        return;
      case "gone":
        agent.phase = "over";
        this.#reply(agent, { kind: "gone", identity });
        return;
      case "nowhere":
        return;
    }
  }

  #release(agent: Agent): void {
    agent.phase = agent.queue === 0 ? "running" : "queued";
    const { life } = agent;
    const isSame = () => agent.life === life && (agent.phase === "queued" || agent.phase === "running");
    this.#count();
    const beat = () => {
      if (!isSame()) return;
      this.#reply(agent, { kind: "sign", identity: agent.identity });
      this.#after(HEARTBEAT, beat);
    };
    beat();
    this.#after(agent.queue, () => {
      if (isSame()) this.#start(agent, isSame);
    });
  }

  #start(agent: Agent, isSame: () => boolean): void {
    const times = { issued: NOW, expires: NOW + 60_000, holdUntil: NOW + MAX_HOLD };
    const instant = {
      now: NOW + this.#now + agent.skew,
      uptime: this.#now - agent.startedAt,
      replay: NOBODY,
    };
    if (stalenessAtTurn(times, instant) !== undefined) {
      this.#leave(agent);
      return;
    }
    agent.phase = "running";
    agent.starts += 1;
    if (agent.starts > 1) this.#problems.push(`${agent.identity} runs twice`);
    this.#reply(agent, { kind: "sign", identity: agent.identity });
    this.#after(agent.runTime, () => {
      if (isSame()) this.#leave(agent, agent.isWell);
    });
  }

  /** The run ends, or its hold does. */
  #leave(agent: Agent, isWell = false): void {
    if (agent.phase === "dead" || agent.phase === "elsewhere" || agent.phase === "over") return;
    const isUnbegun = agent.phase === "held";
    agent.phase = "over";
    this.#reply(agent, { kind: "exit", identity: agent.identity, isWell, isUnbegun });
  }

  /** How many agents are released and alive now. */
  #count(): void {
    const all = this.#agents.filter(({ phase }) => phase === "queued" || phase === "running");
    this.#mostAtOnce = Math.max(this.#mostAtOnce, all.length);
    const { fleet, lost, overlaps } = this.#rollout;
    const bound = fleet?.bound ?? 0;
    if (all.length <= bound) return;
    const unseen = all.filter(({ identity }) => lost.has(identity) || overlaps.has(identity));
    const active = all.length - (this.#isRough ? unseen.length : 0);
    if (active > bound) this.#problems.push(`${active} at once, the bound is ${bound}`);
    for (const agent of unseen) this.#unseen.set(agent, agent.life);
  }

  // Time

  #after(milliseconds: number, act: () => void): void {
    this.#at(this.#now + milliseconds, act);
  }

  #at(at: number, act: () => void): void {
    const order = this.#order++;
    const queue = this.#queue;
    // A heap by time, then by order: `queue[0]` is next.
    let place = queue.push({ at, order, act }) - 1;
    for (let up = (place - 1) >> 1; place > 0 && isBefore(queue[place], queue[up]); up = (place - 1) >> 1) {
      swap(queue, place, up);
      place = up;
    }
  }

  #take() {
    const queue = this.#queue;
    const first = queue[0];
    const last = queue.pop();
    if (last === undefined || queue.length === 0) return first;
    queue[0] = last;
    for (let place = 0; ; ) {
      const [left, right] = [2 * place + 1, 2 * place + 2];
      const child = right < queue.length && isBefore(queue[right], queue[left]) ? right : left;
      if (child >= queue.length || !isBefore(queue[child], queue[place])) return first;
      swap(queue, place, child);
      place = child;
    }
  }
}

type Timed = { readonly at: number; readonly order: number };

function isBefore(one: Timed | undefined, other: Timed | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

function swap<Item>(items: Item[], one: number, other: number): void {
  const [first, second] = [items[one], items[other]];
  if (first === undefined || second === undefined) return;
  [items[one], items[other]] = [second, first];
}

function share(dice: Dice, most: number): Share {
  return dice.chance(0.7) ? { count: dice.between(1, most) } : { percent: dice.between(1, 100) };
}

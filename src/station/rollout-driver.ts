/** Keeps a rollout going: tells it what was heard, and sends what it decides. */
import { CbError } from "../core/errors.ts";
import type { Identity } from "../core/names.ts";
import { count } from "../core/text.ts";
import { MAX_HOLD, MAX_RELEASED } from "../protocol/limits.ts";
import type { GoRequest, Request, StationMessage } from "../protocol/request.ts";
import type { AgentStore } from "./agent-store.ts";
import { meantBy } from "./discovery.ts";
import { newCancel, newGoes } from "./messages.ts";
import type { Pins } from "./pins.ts";
import type { ReplyEvent } from "./reply-reader.ts";
import { type RolloutEvent, rolloutDeadline, stepRollout } from "./rollout.ts";
import type { RolloutPlan } from "./rollout-plan.ts";
import {
  type Fate,
  fateOf,
  progressOf,
  type RolloutProgress,
  type RolloutStage,
  stageOf,
} from "./rollout-report.ts";
import { type Flight, newRollout, type Rollout } from "./rollout-state.ts";
import type { SessionEvent } from "./session.ts";

/** Before the agents give up by themselves nobody is released any more: the last has time for its turn, in milliseconds. */
const HOLD_MARGIN = 60_000;

export type RolloutParts = {
  readonly plan: RolloutPlan;
  readonly pins: Pins;
  readonly request: Request;
  /** Sends a message; what the hub does not take is sent again, or its agents are lost. */
  readonly publish: (message: StationMessage) => Promise<unknown>;
  /** By the station's clock, in milliseconds since the epoch, as the request was dated. */
  readonly now: () => number;
};

export class RolloutDriver {
  readonly #parts: RolloutParts;
  #rollout: Rollout;
  #sequence = 1;
  readonly #pending: Identity[] = [];

  /** @param sentAt when the request went out, by the clock of every `now` below */
  constructor(parts: RolloutParts, sentAt: number) {
    this.#parts = parts;
    this.#rollout = newRollout(parts.plan, sentAt + MAX_HOLD - HOLD_MARGIN);
  }

  get inFlight(): ReadonlyMap<Identity, Pick<Flight, "releasedAt">> {
    return this.#rollout.inFlight;
  }

  /** Nothing was heard of them for so long that nobody waits for them. */
  get lost(): ReadonlySet<Identity> {
    return this.#rollout.lost;
  }

  hasReleased(identity: Identity): boolean {
    const { inFlight, settled } = this.#rollout;
    return inFlight.has(identity) || settled.has(identity);
  }

  /** What it is to the waits of the session. */
  get meaning(): SessionEvent {
    const { inFlight, isOver } = this.#rollout;
    return { kind: "rollout", inFlight: inFlight.size, isOver };
  }

  get progress(): RolloutProgress {
    return progressOf(this.#rollout);
  }

  /** @param now by the clock of `advance` */
  stage(now: number): RolloutStage {
    return stageOf(this.#rollout, now);
  }

  /** When something is due though nobody says anything. @param heardAt as for `advance` */
  deadline(heardAt: number): number {
    return this.#hasBegun ? rolloutDeadline(this.#rollout) : heardAt;
  }

  fateOf(identity: Identity): Fate | undefined {
    return fateOf(this.#rollout, identity);
  }

  /**
   * Takes what has happened, and begins once all who answer in time have answered.
   *
   * @param heardAt when that is, as far as is known by now
   * @returns who was released just now, for the first time
   */
  advance(event: RolloutEvent | undefined, now: number, heardAt: number): readonly Identity[] {
    const released = event === undefined ? [] : this.#step(event, now);
    const isDue = !this.#hasBegun && now >= heardAt;
    return isDue ? [...released, ...this.#step({ kind: "gathered" }, now)] : released;
  }

  /** What a reply is to it. */
  eventOf(event: ReplyEvent): RolloutEvent | undefined {
    return eventOf(event, this.#parts.pins);
  }

  get #hasBegun(): boolean {
    return this.#rollout.fleet !== undefined;
  }

  #step(event: RolloutEvent, now: number): readonly Identity[] {
    const { rollout, effects } = stepRollout(this.#rollout, event, now);
    this.#rollout = rollout;
    this.#pending.push(...effects.release, ...effects.again);
    if (effects.withdraw) this.#send(newCancel(this.#parts.request, this.#parts.now()));
    return effects.release;
  }

  /**
   * Sends the releases that were decided since the last time, in one message if it holds them: every agent of the fleet
   * opens each of them.
   */
  flush(): void {
    const identities = new Set(this.#pending.splice(0));
    for (const go of this.#goesFor([...identities])) this.#send(go);
  }

  #send(message: StationMessage): void {
    this.#parts.publish(message).catch(() => {});
  }

  #goesFor(identities: readonly Identity[]): readonly GoRequest[] {
    const goes = newGoes(this.#parts.request, identities, this.#sequence, this.#parts.now());
    this.#sequence += Math.ceil(identities.length / MAX_RELEASED);
    return goes;
  }
}

/**
 * Whether enough agents are known well enough to go first.
 *
 * @throws {CbError} `setting` where they are not
 */
export function requireCanaries({ canary }: RolloutPlan, { target }: Request, store: AgentStore): void {
  const { pins, discovered } = store;
  const meant = discovered && new Set(meantBy(target, discovered));
  const pinned = [...pins.keys()].filter((identity) => meant === undefined || meant.has(identity));
  if (pinned.length >= canary) return;
  const there = `there ${pinned.length === 1 ? "is" : "are"} ${count(pinned.length, "agent")}`;
  const known = `${there} that could be meant and that this station knows by key`;
  throw new CbError("setting", `Cannot let ${count(canary, "agent")} go first: ${known}`, {
    hint: "agents are known once they have answered, for example to cb station ping",
  });
}

/** What a reply is to a rollout. */
function eventOf(event: ReplyEvent, pins: Pins): RolloutEvent | undefined {
  switch (event.kind) {
    case "hello": {
      const { identity, disposition } = event.hello;
      return disposition.is === "held" ? { kind: "held", identity, isPinned: pins.has(identity) } : undefined;
    }
    case "state":
    case "output":
      return { kind: "sign", identity: event.identity };
    case "gone":
      return { kind: "gone", identity: event.identity };
    case "exit": {
      const isWell = event.exit.ending === "exited" && event.exit.status === 0;
      return { kind: "exit", identity: event.identity, isWell };
    }
    case "fault":
      return event.silences === "run" && event.identity !== undefined
        ? { kind: "silenced", identity: event.identity }
        : undefined;
    case "repeat":
      return undefined;
  }
}

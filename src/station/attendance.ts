/**
 * The roll call of a session: which of the agents that are known from before have answered, and who is new.
 *
 * Missing means not heard, never more: the hub can withhold any reply. Source: PROTOCOL.md §8.
 */
import { ago } from "../core/ago.ts";
import type { Identity } from "../core/names.ts";
import { count } from "../core/text.ts";
import { keyIdText } from "../protocol/keys.ts";
import type { Hello } from "../protocol/reply.ts";
import type { Target } from "../protocol/target.ts";
import type { Learnt } from "./agent-store.ts";
import { type Discovered, meantBy } from "./discovery.ts";
import type { Pins } from "./pins.ts";
import type { Roster } from "./roster.ts";

export type MissingAgent = {
  readonly identity: Identity;
  /** Milliseconds since the epoch. */
  readonly lastSeen: number;
};

/** What it came to. */
export type RollCall = {
  readonly missing: readonly MissingAgent[];
  readonly newcomers: readonly Identity[];
  /** Whether a missing agent is a failure. */
  readonly failMissing: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
};

/** What is special about an agent's answer. */
export type Arrival = "awaited" | "new";

/** New agents that are named at the end, at most. */
const MAX_NAMED = 10;

export class Attendance {
  readonly #known: Discovered | undefined;
  readonly #awaited: Set<Identity>;
  readonly #newcomers = new Set<Identity>();

  /** @param known undefined where nobody keeps a record: then nobody is new, and nobody is missing */
  constructor(known: Discovered | undefined, target: Target | undefined) {
    this.#known = known;
    this.#awaited = new Set(known && meantBy(target, known));
  }

  /** How many known agents the request could mean that have not answered. */
  get awaited(): number {
    return this.#awaited.size;
  }

  /** Takes an agent's answer down, and says what is special about it. */
  answers(identity: Identity): Arrival | undefined {
    if (this.#awaited.delete(identity)) return "awaited";
    if (this.#known === undefined || this.#known.has(identity)) return undefined;
    this.#newcomers.add(identity);
    return "new";
  }

  /** Whether nobody was known before: then everybody is new, which is no news. */
  get isFirst(): boolean {
    return this.#known?.size === 0;
  }

  /** In alphabetical order, as all that follows. */
  get newcomers(): readonly Identity[] {
    return [...this.#newcomers].sort();
  }

  get missing(): readonly MissingAgent[] {
    const known = this.#known;
    return [...this.#awaited]
      .sort()
      .map((identity) => ({ identity, lastSeen: known?.get(identity)?.lastSeen ?? 0 }));
  }
}

/** `new agent web3 (eu,web), key 0123456789abcdef`. */
export function announcement({ identity, tags, agentKey }: Hello): string {
  const described = tags.length === 0 ? identity : `${identity} (${tags.join(",")})`;
  return `new agent ${described}, key ${keyIdText("agent-public", agentKey)}`;
}

/** A sentence for each agent that is missing. */
export function missingSentences({ missing, now }: RollCall): readonly string[] {
  return missing.map(({ identity, lastSeen }) => `${identity} is missing, last seen ${ago(now - lastSeen)}`);
}

/** One sentence for all agents that are new; none where there are none. */
export function newcomersSentence({ newcomers }: RollCall): readonly string[] {
  if (newcomers.length === 0) return [];
  const more = newcomers.length > MAX_NAMED ? [`${newcomers.length - MAX_NAMED} more`] : [];
  const names = [...newcomers.slice(0, MAX_NAMED), ...more].join(", ");
  return [`${count(newcomers.length, "new agent")}: ${names}`];
}

/**
 * What is to be remembered of a session.
 *
 * @param issued the time of its request, in milliseconds since the epoch
 * @param pins those there are already
 */
export function learntFrom(roster: Roster, issued: number, pins: Pins): Learnt {
  const seen = roster.agents.map(({ hello: { identity, tags } }) => {
    return [identity, { tags, firstSeen: issued, lastSeen: issued }] as const;
  });
  const claims = [...roster.claims].filter(([identity]) => !pins.has(identity));
  return { seen: new Map(seen), pins: new Map(claims) };
}

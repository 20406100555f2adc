/**
 * The roll call of a session: which of the agents that are known from before have answered, and who is new.
 *
 * Missing means not heard, never more: the hub can withhold any reply. Source: PROTOCOL.md §8.
 */
import { ago } from "../core/ago.ts";
import { hasWildcard } from "../core/name-pattern.ts";
import { foldNames } from "../core/name-set.ts";
import type { Identity } from "../core/names.ts";
import { count } from "../core/text.ts";
import { keyIdText } from "../protocol/keys.ts";
import type { Hello } from "../protocol/reply.ts";
import { matchesTarget, type Target } from "../protocol/target.ts";
import type { Learnt } from "./agent-store.ts";
import { type Discovered, meantBy } from "./discovery.ts";
import { type Finding, together } from "./finding.ts";
import type { Pins } from "./pins.ts";
import type { Roster } from "./roster.ts";

export type MissingAgent = {
  readonly identity: Identity;
  /** Milliseconds since the epoch; undefined where it is not known. */
  readonly lastSeen: number | undefined;
  /** Whether the operator asked for this very agent: then it is a failure that it is missing. */
  readonly isNamed?: boolean;
};

/** What it came to. */
export type RollCall = {
  readonly missing: readonly MissingAgent[];
  readonly newcomers: readonly Identity[];
  /** Whether a missing agent is a failure. */
  readonly failMissing: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Answers that the operator expects at least. */
  readonly expected?: number | undefined;
};

/** What is special about an agent's answer. */
export type Arrival = {
  readonly isAwaited: boolean;
  readonly isNew: boolean;
  /** Whether it is one of those that alone can answer. */
  readonly isNamed: boolean;
};

/** Folded names of new agents at the end, at most. */
const MAX_NAMED = 10;

export class Attendance {
  readonly #known: Discovered | undefined;
  readonly #named: ReadonlySet<Identity>;
  readonly #awaited: Set<Identity>;
  /** Of a target of names alone, without patterns: who can answer and has not. */
  readonly #unheard: Set<string> | undefined;
  readonly #newcomers = new Set<Identity>();

  /**
   * @param known undefined where nobody keeps a record: then nobody is new, and nobody but who was named is missing
   * @param named who has to answer, unless what is known of its tags says that it is not meant
   */
  constructor(
    known: Discovered | undefined,
    target: Target | undefined,
    named: ReadonlySet<Identity> = new Set(),
  ) {
    this.#known = known;
    this.#named = named;
    const isMeant = (identity: Identity) => {
      const record = known?.get(identity);
      return record === undefined || matchesTarget(target, { identity, tags: record.tags });
    };
    this.#awaited = new Set([...((known && meantBy(target, known)) ?? []), ...[...named].filter(isMeant)]);
    const { identities, excludedIdentities } = target ?? {};
    if (identities !== undefined && excludedIdentities === undefined && !identities.some(hasWildcard))
      this.#unheard = new Set(identities);
  }

  /** How many agents that the request could mean, known ones and named ones, have not answered. */
  get awaited(): number {
    return this.#awaited.size;
  }

  /** How many can answer at all and have not; undefined where anybody may. */
  get unheardNames(): number | undefined {
    return this.#unheard?.size;
  }

  /** Takes an agent's answer down, and says what is special about it. */
  answers(identity: Identity): Arrival {
    const isNew = this.#known !== undefined && !this.#known.has(identity);
    if (isNew) this.#newcomers.add(identity);
    return {
      isAwaited: this.#awaited.delete(identity),
      isNew,
      isNamed: this.#unheard?.delete(identity) ?? false,
    };
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
    return [...this.#awaited].sort().map((identity) => {
      const lastSeen = known?.get(identity)?.lastSeen;
      return { identity, lastSeen, isNamed: this.#named.has(identity) };
    });
  }
}

/** `new agent web3 (eu,web), key 0123456789abcdef`. */
export function announcement({ identity, tags, agentKey }: Hello): string {
  const described = tags.length === 0 ? identity : `${identity} (${tags.join(",")})`;
  return `new agent ${described}, key ${keyIdText("agent-public", agentKey)}`;
}

/** Both are milliseconds since the epoch; `lastSeen` is undefined where it is not known. */
export function lastSeenText(lastSeen: number | undefined, now: number): string {
  return lastSeen === undefined ? "not known here" : `last seen ${ago(now - lastSeen)}`;
}

/** That an agent is missing. */
export function missingFinding({ identity, lastSeen, isNamed }: MissingAgent, now: number): Finding {
  const since = `, ${lastSeenText(lastSeen, now)}`;
  const [ofOne, ofSeveral] = isNamed ? ["did not answer", "did not answer"] : ["is missing", "are missing"];
  return {
    agents: [identity],
    sentence: `${identity} ${ofOne}${since}`,
    ofSeveral: ` ${ofSeveral}${since}`,
    isAbsence: true,
  };
}

/** A sentence for all agents that are missing since the same time. */
export function missingFindings({ missing, now }: Pick<RollCall, "missing" | "now">): readonly Finding[] {
  return together(missing.map((agent) => missingFinding(agent, now)));
}

/** One sentence for all agents that are new; none where there are none. */
export function newcomersSentence({ newcomers }: RollCall): readonly string[] {
  if (newcomers.length === 0) return [];
  const folded = foldNames(newcomers);
  const more = folded.length > MAX_NAMED ? [`… and ${folded.length - MAX_NAMED} more`] : [];
  const names = [...folded.slice(0, MAX_NAMED), ...more].join(", ");
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

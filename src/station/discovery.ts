/**
 * The agents that answered on a channel before, as `discovery.toml` has them:
 *
 *     [channels.lab.agents.a1]
 *     first_seen = 1795302946685        ms since the epoch, the time of a request that it answered
 *     last_seen = 1795389346012
 *     tags = ["prod", "web"]
 *
 * The shape is that of the original cbradio, whose files have no `first_seen`; what else stands in a file, and
 * names that are none of ours, are left as they are. Nothing here is trusted: it says whom to miss, never whom
 * to believe (`pins.ts` does). Pure; the file itself is `cli/agent-store-files.ts`.
 */
import { CbError } from "../core/errors.ts";
import { type Channel, type Identity, isName, type Tag } from "../core/names.ts";
import { printable } from "../core/text.ts";
import { isTomlTable, type TomlTable } from "../core/toml.ts";
import { matchesTarget, type Target } from "../protocol/target.ts";

export type DiscoveryRecord = {
  readonly tags: readonly Tag[];
  readonly firstSeen: number;
  readonly lastSeen: number;
};

export type Discovered = ReadonlyMap<Identity, DiscoveryRecord>;

declare const sound: unique symbol;
/** The tables of a file, in which everything that we read has the right type. */
export type DiscoveryDocument = TomlTable & { readonly [sound]: true };

export const EMPTY_DISCOVERY = {} as DiscoveryDocument;

/**
 * Checks what stands in a file.
 *
 * @param path for messages
 * @throws {CbError} `file`, naming the first key whose value is not what it should be
 */
export function asDiscovery(document: TomlTable, path: string): DiscoveryDocument {
  const refuse = (key: readonly string[], expected: string) => {
    const name = printable(key.join("."));
    return new CbError("file", `Cannot read "${printable(path)}": expected ${expected} for ${name}`);
  };
  const table = (parent: TomlTable, ...key: readonly string[]): TomlTable => {
    const value = own(parent, key.at(-1) ?? "") ?? {};
    if (!isTomlTable(value)) throw refuse(key, "a table");
    return value;
  };
  const channels = table(document, "channels");
  for (const channel of Object.keys(channels)) {
    const agents = table(table(channels, "channels", channel), "channels", channel, "agents");
    for (const identity of Object.keys(agents)) {
      const key = ["channels", channel, "agents", identity];
      const { tags, first_seen: first = 0, last_seen: last } = { ...table(agents, ...key) };
      if (!isTime(first) || !isTime(last)) throw refuse(key, "times in milliseconds");
      if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === "string")) {
        throw refuse(key, "an array of tags");
      }
    }
  }
  return document as DiscoveryDocument;
}

/** The channels of which something is known; without those whose names no channel of ours can have. */
export function channelsIn(document: DiscoveryDocument): readonly Channel[] {
  return Object.keys(own(document, "channels") ?? {}).filter((channel) => isName<Channel>(channel));
}

/** The agents of a channel; without those whose names no agent of ours can have. */
export function discoveredOn(channel: Channel, document: DiscoveryDocument): Discovered {
  const found = new Map<Identity, DiscoveryRecord>();
  for (const [identity, agent] of Object.entries(agentTables(channel, document))) {
    if (isName<Identity>(identity)) found.set(identity, readRecord(agent));
  }
  return found;
}

/**
 * The document with what was seen just now; who was not seen stays as he is.
 *
 * @param now milliseconds since the epoch: what was seen later was seen by a clock that has been set back since
 */
export function withSeen(
  document: DiscoveryDocument,
  channel: Channel,
  seen: Discovered,
  now: number,
): DiscoveryDocument {
  const agents = { ...agentTables(channel, document) };
  for (const [identity, record] of seen) {
    const known = own(agents, identity);
    const merged = known === undefined ? record : mergeRecords(heardBy(now, readRecord(known)), record);
    const { tags, firstSeen, lastSeen } = merged;
    agents[identity] = { ...known, first_seen: firstSeen, last_seen: lastSeen, tags };
  }
  return withAgents(document, channel, agents);
}

/** To which `last_seen` is kept, in milliseconds: one command after another need not write the same file anew. */
const PRECISION = 10_000;

/** Whether there is something to write: somebody new, other tags, or a sight ten seconds later than the one known. */
export function hasNews(seen: Discovered, known: Discovered): boolean {
  return [...seen].some(([identity, { tags, lastSeen }]) => {
    const record = known.get(identity);
    if (record === undefined || String(record.tags) !== String(tags)) return true;
    return Math.abs(lastSeen - record.lastSeen) >= PRECISION;
  });
}

/** The document without some agents of a channel. */
export function withoutAgents(
  document: DiscoveryDocument,
  channel: Channel,
  identities: readonly Identity[],
): DiscoveryDocument {
  const agents = Object.entries(agentTables(channel, document));
  const left = agents.filter(([identity]) => !identities.some((forgotten) => forgotten === identity));
  return withAgents(document, channel, Object.fromEntries(left));
}

/** What two sessions know of one agent: in whatever order they are put together, the same comes of it. */
export function mergeRecords(one: DiscoveryRecord, other: DiscoveryRecord): DiscoveryRecord {
  const later =
    one.lastSeen === other.lastSeen ? String(one.tags) > String(other.tags) : one.lastSeen > other.lastSeen;
  const { tags, lastSeen } = later ? one : other;
  return { tags, lastSeen, firstSeen: Math.min(one.firstSeen, other.firstSeen) };
}

/** Those of the agents that the target could mean. */
export function meantBy(target: Target | undefined, discovered: Discovered): ReadonlySet<Identity> {
  const meant = [...discovered].filter(([identity, { tags }]) => matchesTarget(target, { identity, tags }));
  return new Set(meant.map(([identity]) => identity));
}

function heardBy(now: number, record: DiscoveryRecord): DiscoveryRecord {
  return { ...record, firstSeen: Math.min(record.firstSeen, now), lastSeen: Math.min(record.lastSeen, now) };
}

function readRecord(agent: TomlTable): DiscoveryRecord {
  const {
    tags,
    last_seen: lastSeen,
    first_seen: firstSeen = lastSeen,
  } = agent as {
    readonly tags: readonly string[];
    readonly last_seen: number;
    readonly first_seen?: number;
  };
  return { tags: tags.filter((tag) => isName<Tag>(tag)).sort(), firstSeen, lastSeen };
}

function agentTables(channel: Channel, document: DiscoveryDocument): Readonly<Record<string, TomlTable>> {
  const channels = (own(document, "channels") ?? {}) as Readonly<Record<string, TomlTable>>;
  return (own(own(channels, channel) ?? {}, "agents") ?? {}) as Readonly<Record<string, TomlTable>>;
}

function withAgents(document: DiscoveryDocument, channel: Channel, agents: TomlTable): DiscoveryDocument {
  const channels = (own(document, "channels") ?? {}) as Readonly<Record<string, TomlTable>>;
  const sorted = Object.fromEntries(Object.entries(agents).sort(([one], [other]) => (one < other ? -1 : 1)));
  const changed = { ...channels, [channel]: { ...own(channels, channel), agents: sorted } };
  return { ...document, channels: changed } as DiscoveryDocument;
}

/** A key that the table itself has: `constructor` is a name that an agent may have. */
function own<Value>(table: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What `cb station agents` shows: who has answered on a channel, when, and under which key. */
import { ago } from "../core/ago.ts";
import type { Identity, Tag } from "../core/names.ts";
import { type AgentPublicKey, keyIdText } from "../protocol/keys.ts";
import type { Discovered, DiscoveryRecord } from "./discovery.ts";
import type { Pins } from "./pins.ts";
import { table } from "./table.ts";

export type KnownAgent = {
  readonly identity: Identity;
  /** None where it is not listed, but pinned. */
  readonly tags: readonly Tag[];
  readonly record: DiscoveryRecord | undefined;
  readonly key: AgentPublicKey | undefined;
};

/** Each agent that is listed or pinned, in alphabetical order. */
export function knownAgents(discovered: Discovered, pins: Pins): readonly KnownAgent[] {
  const identities = [...new Set<Identity>([...discovered.keys(), ...pins.keys()])].sort();
  return identities.map((identity) => {
    const record = discovered.get(identity);
    return { identity, tags: record?.tags ?? [], record, key: pins.get(identity) };
  });
}

/**
 * One line for each agent.
 *
 * @param now milliseconds since the epoch
 */
export function agentsTable(agents: readonly KnownAgent[], now: number): string {
  const rows = agents.map(({ identity, tags, record, key }) => [
    identity,
    tags.join(",") || "-",
    record ? `first seen ${ago(now - record.firstSeen)}` : "-",
    record ? `last seen ${ago(now - record.lastSeen)}` : "-",
    key ? `key ${keyIdText("agent-public", key)}` : "-",
  ]);
  return table(rows);
}

/** One object with all of them; times as RFC 3339 has them, what is not known is null. */
export function agentsJson(agents: readonly KnownAgent[]): string {
  const time = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString());
  const listed = agents.map(({ identity, tags, record, key }) => ({
    agent: identity,
    tags,
    first_seen: time(record?.firstSeen),
    last_seen: time(record?.lastSeen),
    key: key ? keyIdText("agent-public", key) : null,
  }));
  return `${JSON.stringify({ agents: listed })}\n`;
}

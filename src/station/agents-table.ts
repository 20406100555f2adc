/** The table of `cb station agents`: who has answered on a channel, when, and under which key. */
import { ago } from "../core/ago.ts";
import type { Identity } from "../core/names.ts";
import { keyIdText } from "../protocol/keys.ts";
import type { Discovered } from "./discovery.ts";
import type { Pins } from "./pins.ts";
import { table } from "./table.ts";

/**
 * One line for each agent that is listed or pinned, in alphabetical order.
 *
 * @param now milliseconds since the epoch
 */
export function agentsTable(discovered: Discovered, pins: Pins, now: number): string {
  const identities = [...new Set<Identity>([...discovered.keys(), ...pins.keys()])].sort();
  const rows = identities.map((identity) => {
    const record = discovered.get(identity);
    const key = pins.get(identity);
    return [
      identity,
      record?.tags.join(",") || "-",
      record ? `first seen ${ago(now - record.firstSeen)}` : "-",
      record ? `last seen ${ago(now - record.lastSeen)}` : "-",
      key ? `key ${keyIdText("agent-public", key)}` : "-",
    ];
  });
  return table(rows);
}

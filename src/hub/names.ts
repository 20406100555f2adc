/**
 * Every name that `cb` uses inside Redis.
 *
 * Braces make the channel the hash tag, so that all names of one channel share a Cluster slot. The database
 * number is part of the name because lists belong to a database and pub/sub does not: with different numbers
 * on the two sides a request then reaches nobody, instead of being run with its output lost.
 * Source: PROTOCOL.md §7.
 */
import type { Channel } from "../core/names.ts";

/** The pub/sub channel of request envelopes. */
export function requestChannel(database: number, channel: Channel): string {
  return `cb:${database}:{${channel}}:request`;
}

/**
 * The list of reply envelopes of one session.
 *
 * @param replyAddress 16 bytes, chosen at random by the station
 */
export function replyList(database: number, channel: Channel, replyAddress: Uint8Array): string {
  return `cb:${database}:{${channel}}:reply:${addressText(replyAddress)}`;
}

/** The string that is there for as long as the station of a session is. */
export function presenceKey(database: number, channel: Channel, replyAddress: Uint8Array): string {
  return `cb:${database}:{${channel}}:station:${addressText(replyAddress)}`;
}

function addressText(replyAddress: Uint8Array): string {
  if (replyAddress.length !== 16) throw new RangeError("a reply address has 16 bytes");
  return Buffer.from(replyAddress).toString("hex");
}

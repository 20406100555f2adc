/**
 * The first half of the receive path: from the bytes that the hub handed over to what a box held.
 *
 * Pure, and silent towards the hub. Source: PROTOCOL.md §5, steps 1 to 3; each reason below is a step's exit.
 */
import type { NetworkKeyPair } from "../protocol/keys.ts";
import { hasKeyId } from "../protocol/keys.ts";
import { type ClaimedRequest, openRequestBox, readRequestFrame } from "../protocol/request-envelope.ts";

/** Why bytes from the hub are passed over without a word to anybody but the log. */
export type IgnoredReason =
  | "not-a-request"
  | "unknown-network"
  | "bad-box"
  | "unknown-station"
  | "bad-signature"
  | "malformed"
  | "wrong-channel"
  | "replayed"
  | "stale"
  | "other-session";

export type Ignored = {
  readonly decision: "ignored";
  readonly reason: IgnoredReason;
  readonly detail?: string;
};
export type Opened = { readonly decision: "opened"; readonly claimed: ClaimedRequest };

/** @param networks this agent's network keys; several during a rotation */
export function openEnvelope(envelope: Uint8Array, networks: readonly NetworkKeyPair[]): Opened | Ignored {
  const frame = readRequestFrame(envelope);
  if (frame === undefined) return ignored("not-a-request");
  const network = networks.find((pair) => hasKeyId("network-public", pair.publicKey, frame.networkKeyId));
  if (network === undefined) return ignored("unknown-network");
  const claimed = openRequestBox(frame, network);
  if (claimed === undefined) return ignored("bad-box");
  return { decision: "opened", claimed };
}

export function ignored(reason: IgnoredReason, detail?: string): Ignored {
  return detail === undefined ? { decision: "ignored", reason } : { decision: "ignored", reason, detail };
}

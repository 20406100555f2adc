/**
 * Asks for the key of one agent: a ping to everybody, of whose answers only those under one name count.
 *
 * A key is taken from an answer to a challenge of just now, never from what an earlier session has left behind:
 * so nothing that is not trusted yet has to be kept, and who could not prove the key cannot have it accepted.
 */
import type { Identity } from "../core/names.ts";
import type { StationHub } from "../hub/station-hub.ts";
import {
  type AgentPublicKey,
  forget,
  keyIdText,
  type NetworkPublicKey,
  newSessionKeyPair,
  type StationKeyPair,
} from "../protocol/keys.ts";
import { encodeRequest } from "../protocol/request.ts";
import { sealRequest } from "../protocol/request-envelope.ts";
import { newRequest, type Sender } from "./messages.ts";
import type { Pins } from "./pins.ts";
import { type ReplyEvent, ReplyReader } from "./reply-reader.ts";

type Parts = {
  readonly sender: Sender;
  readonly network: NetworkPublicKey;
  readonly station: StationKeyPair;
  readonly hub: StationHub;
  readonly pins: Pins;
};

/** More than any honest fleet, less than would hurt. */
const MAX_HELLOS = 100_000;

export type KeySearch = {
  /** The key with the fingerprint. */
  readonly key: AgentPublicKey | undefined;
  /** The fingerprints of the others that answered under this name. */
  readonly others: readonly string[];
};

/**
 * Waits for an agent of this name to answer under the key with this fingerprint.
 *
 * @param signal ends the waiting
 * @throws {CbError} `hub`
 */
export async function findAgentKey(
  name: Identity,
  fingerprint: string,
  { sender, network, station, hub, pins }: Parts,
  signal: AbortSignal,
): Promise<KeySearch> {
  const session = newSessionKeyPair();
  const request = newRequest({ type: "ping" }, sender, 0);
  const others = new Set<string>();
  try {
    await hub.begin(request.replyAddress);
    await hub.publish(sealRequest(encodeRequest(request), { network, station, session }));
    const reader = new ReplyReader({ request, session, pins, maxHellos: MAX_HELLOS });
    for await (const envelopes of hub.replies(request.replyAddress, signal)) {
      for (const event of envelopes.flatMap((envelope) => reader.read(envelope))) {
        const key = keyOf(name, event);
        if (key === undefined) continue;
        const id = keyIdText("agent-public", key);
        if (id === fingerprint) return { key, others: [...others] };
        others.add(id);
      }
    }
    return { key: undefined, others: [...others] };
  } finally {
    forget(session);
    await hub.close(request.replyAddress);
  }
}

/** The key under which somebody of this name has answered, be it another than the one pinned. */
function keyOf(name: Identity, event: ReplyEvent): AgentPublicKey | undefined {
  if (event.kind === "hello" && event.hello.identity === name) return event.hello.agentKey;
  return event.kind === "fault" && event.identity === name ? event.agentKey : undefined;
}

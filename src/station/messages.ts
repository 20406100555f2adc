/** What a station sends in a session: the request, and the cancel that may follow it. */
import type { Clock } from "../core/clock.ts";
import type { Channel, Identity, Tag } from "../core/names.ts";
import { randomBytes } from "../protocol/crypto.ts";
import {
  CHALLENGE_BYTES,
  DEFAULT_VALIDITY,
  PROTOCOL_VERSION,
  REPLY_ADDRESS_BYTES,
} from "../protocol/limits.ts";
import type { CancelRequest, Request, RunRequest } from "../protocol/request.ts";

/** What is asked. */
export type Task =
  | ({ readonly type: "run" } & Pick<RunRequest, "command" | "limit" | "parameters">)
  | { readonly type: "ping" };

/** Who asks, and whom. */
export type Sender = {
  readonly identity: Identity;
  readonly channel: Channel;
  /** Undefined: everybody. */
  readonly tags: readonly Tag[] | undefined;
  readonly clock: Clock;
};

/** Agents known, at most, for those that are not meant to answer too: beyond, so many answers cost more than they save. */
const MAX_CENSUS = 1_000;

/** @param known how many agents are known on the channel */
export function newRequest(task: Task, { identity, channel, tags, clock }: Sender, known: number): Request {
  const issued = clock.wall();
  return {
    version: PROTOCOL_VERSION,
    channel,
    sequence: 0,
    issued,
    expires: issued + DEFAULT_VALIDITY,
    challenge: randomBytes(CHALLENGE_BYTES),
    replyAddress: randomBytes(REPLY_ADDRESS_BYTES),
    station: identity,
    target: tags && { tags },
    census: tags !== undefined && known <= MAX_CENSUS,
    ...task,
  };
}

/** @param now milliseconds since the epoch */
export function newCancel(
  { version, channel, challenge, replyAddress, expires }: Request,
  now: number,
): CancelRequest {
  return {
    version,
    type: "cancel",
    channel,
    sequence: 1,
    issued: now,
    expires: now + DEFAULT_VALIDITY,
    challenge,
    replyAddress,
    runExpires: expires,
  };
}

/** What a station sends in a session: the request, and what may follow it, releases and a cancel. */
import type { Clock } from "../core/clock.ts";
import type { Channel, Identity, Tag } from "../core/names.ts";
import { randomBytes } from "../protocol/crypto.ts";
import {
  CHALLENGE_BYTES,
  DEFAULT_VALIDITY,
  GO_VALIDITY,
  MAX_HOLD,
  MAX_RELEASED,
  PROTOCOL_VERSION,
  REPLY_ADDRESS_BYTES,
} from "../protocol/limits.ts";
import type { CancelRequest, GoRequest, Request, RunRequest } from "../protocol/request.ts";
import type { RolloutPlan } from "./rollout-plan.ts";

/** What is asked. */
export type Task =
  | ({
      readonly type: "run";
      /** Agents wait until it releases them; undefined: all run at once. */
      readonly rollout?: RolloutPlan | undefined;
    } & Pick<RunRequest, "command" | "limit" | "parameters">)
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
  const { rollout, ...asked } = { rollout: undefined, ...task };
  const hold = rollout ? { holdUntil: issued + MAX_HOLD } : {};
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
    ...asked,
    ...hold,
  };
}

/**
 * The messages that release these agents: as many as it takes.
 *
 * @param sequence of the first; those that follow have the next ones
 * @param now milliseconds since the epoch
 */
export function newGoes(
  { version, channel, challenge, replyAddress }: Request,
  released: readonly Identity[],
  sequence: number,
  now: number,
): readonly GoRequest[] {
  const sorted = [...released].sort();
  return Array.from({ length: Math.ceil(sorted.length / MAX_RELEASED) }, (_, index) => ({
    version,
    type: "go",
    channel,
    sequence: sequence + index,
    issued: now,
    expires: now + GO_VALIDITY,
    challenge,
    replyAddress,
    identities: sorted.slice(index * MAX_RELEASED, (index + 1) * MAX_RELEASED),
  }));
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

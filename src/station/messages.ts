/** What a station sends in a session: the request, and what may follow it, releases and a cancel. */
import type { Clock } from "../core/clock.ts";
import { CbError } from "../core/errors.ts";
import type { Channel, Identity } from "../core/names.ts";
import { randomBytes } from "../protocol/crypto.ts";
import {
  CHALLENGE_BYTES,
  DEFAULT_VALIDITY,
  GO_VALIDITY,
  MAX_HOLD,
  MAX_RELEASED,
  MAX_REQUEST_BODY_BYTES,
  PROTOCOL_VERSION,
  REPLY_ADDRESS_BYTES,
} from "../protocol/limits.ts";
import {
  type CancelRequest,
  encodeRequest,
  type GoRequest,
  type Request,
  type RunRequest,
} from "../protocol/request.ts";
import type { Target } from "../protocol/target.ts";
import type { RolloutPlan } from "./rollout-plan.ts";

/** What is asked. */
export type Task =
  | ({
      readonly type: "run";
      /** Agents wait until it releases them; undefined: all run at once. */
      readonly rollout?: RolloutPlan | undefined;
    } & Pick<RunRequest, "command" | "limit" | "parameters">)
  | { readonly type: "ping" }
  | { readonly type: "list" };

/** Whom a station asks. */
export type Addressees = {
  /** Undefined: everybody. */
  readonly target: Target | undefined;
  /** Those of its identities that were named one by one: each of them has to answer. */
  readonly named: ReadonlySet<Identity>;
};

/** Who asks, and whom. */
export type Sender = Addressees & {
  readonly identity: Identity;
  readonly channel: Channel;
  readonly clock: Clock;
};

/** Agents known, at most, for those that are not meant to answer too: beyond, so many answers cost more than they save. */
const MAX_CENSUS = 1_000;

/** @param known how many agents are known on the channel */
export function newRequest(task: Task, sender: Sender, known: number): Request {
  const { identity, channel, target, clock } = sender;
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
    target,
    // Who is named alone is waited for by name; everybody else would answer for nothing.
    census: target !== undefined && !isOfNamesAlone(sender) && known <= MAX_CENSUS,
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

/**
 * Whether an envelope can hold the request, before anything is begun for it.
 *
 * @throws {CbError} `usage`
 */
export function checkRequest(task: Task, sender: Sender): void {
  // Where nobody is known it is longest, for then a census is asked for.
  const bytes = encodeRequest(newRequest(task, sender, 0)).length;
  if (bytes > MAX_REQUEST_BODY_BYTES) throw tooLong(bytes, sender.target);
}

function isOfNamesAlone({ target = {}, named }: Addressees): boolean {
  const { identities = [], ...others } = target;
  if (Object.values(others).some((list) => list !== undefined)) return false;
  return identities.length > 0 && identities.length === named.size;
}

function tooLong(bytes: number, target: Target | undefined): CbError {
  const names = target?.identities?.length ?? 0;
  const what = names > 0 ? `Cannot ask ${names} agents by name at once` : "Cannot send the request";
  const hint = "Use tags or patterns such as web*, or ask in several runs";
  return new CbError("usage", `${what}: it has ${bytes} bytes, expected at most ${MAX_REQUEST_BODY_BYTES}`, {
    hint,
  });
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

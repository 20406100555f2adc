/**
 * The second half of the receive path: whether what a box held is run. This is where an agent's policy lives.
 *
 * One straight line; the first check that fails decides, and each way out has one name. Pure: keys, times,
 * replay state, load and the look-up of commands come in as arguments, a decision comes out. Everything from
 * the replay check on spends the session, whatever is decided; the caller records that before it does
 * anything else. Source: PROTOCOL.md §5, steps 4 to 17.
 */
import { CbError } from "../core/errors.ts";
import type { Channel, CommandName, Identity, Tag } from "../core/names.ts";
import { type AuthorisedStation, mayRun } from "../protocol/authorised-station.ts";
import { equalBytes } from "../protocol/crypto.ts";
import { hasKeyId } from "../protocol/keys.ts";
import { MAX_FUTURE, MAX_VALIDITY, PROTOCOL_VERSION } from "../protocol/limits.ts";
import type { Declination, Refusal } from "../protocol/reply.ts";
import {
  decodeCancel,
  decodeRequest,
  decodeRequestHead,
  type ListRequest,
  type PingRequest,
  type Request,
  type RequestHead,
  type RunRequest,
  type UnreadRequest,
} from "../protocol/request.ts";
import { type ClaimedRequest, isSignedBy, sessionId } from "../protocol/request-envelope.ts";
import { matchesTarget } from "../protocol/target.ts";
import type { CommandCall, FoundCommand } from "./find-command.ts";
import { type Ignored, ignored } from "./open.ts";

/** What an agent obeys, for as long as it runs. */
export type AdmissionPolicy = {
  readonly stations: readonly AuthorisedStation[];
  readonly channel: Channel;
  readonly identity: Identity;
  readonly tags: readonly Tag[];
  readonly findCommand: (call: CommandCall) => FoundCommand;
};

/** What a decision depends on besides; times in milliseconds. */
export type Moment = {
  /** Since the epoch, by this agent's clock. */
  readonly now: number;
  /** How long this process has been up, by the monotonic clock. */
  readonly uptime: number;
  readonly replay: ReplayState;
  readonly load: Load;
  /** A session of which a command runs or waits here, by its id. */
  readonly live: (session: Uint8Array) => LiveSession | undefined;
};

export type ReplayState = {
  /** Requests issued up to here may have been forgotten. */
  readonly born: number;
  /** Requests that expire up to here have been forgotten. */
  readonly floor: number;
  readonly has: (session: Uint8Array) => boolean;
};

/** What must be the same in a later message of a session as in the one that opened it. */
export type LiveSession = {
  readonly networkKey: Uint8Array;
  readonly stationKey: Uint8Array;
  readonly challenge: Uint8Array;
};

export type Load = {
  readonly stopping: boolean;
  /** Whether a command could start at once, would have to wait, or would find the queue full. */
  readonly placeFor: (command: CommandName, concurrency: number) => "free" | "queue" | "full";
};

/** A session that a trusted station has opened, and that is spent now. */
export type AdmittedSession = {
  /** Its id, the name under which the journal knows it. */
  readonly id: Uint8Array;
  readonly claimed: ClaimedRequest;
  readonly head: RequestHead;
  readonly station: AuthorisedStation;
};

/** A decision after which something may be said to the station. */
export type Answer = { readonly session: AdmittedSession } & (
  | {
      readonly decision: "run";
      readonly request: RunRequest;
      readonly queued: boolean;
      /** How often the command may run at a time. */
      readonly concurrency: number;
    }
  | { readonly decision: "present"; readonly request: PingRequest }
  | { readonly decision: "list"; readonly request: ListRequest }
  | { readonly decision: "not-targeted"; readonly census: boolean }
  | { readonly decision: "declined"; readonly reason: Declination; readonly command?: CommandName }
  | RefusedAnswer
);

/** What a cancel does: end what runs or waits here, or keep a run that it has overtaken from ever starting. */
export type Cancellation = {
  readonly decision: "cancel" | "forestall";
  readonly session: AdmittedSession;
  /** When the run could not start any more by itself. */
  readonly runExpires: number;
};

type RefusedAnswer = {
  readonly decision: "refused";
  readonly reason: Refusal;
  readonly detail?: string | undefined;
  readonly bound?: number | undefined;
  /** What was to be run, for the log; absent where it was not looked at. */
  readonly command?: CommandName;
};

export type Admission = Ignored | Answer | Cancellation;

export function admit(claimed: ClaimedRequest, policy: AdmissionPolicy, moment: Moment): Admission {
  const station = policy.stations.find(({ publicKey }) =>
    hasKeyId("base-station-public", publicKey, claimed.stationKeyId),
  );
  if (station === undefined) return ignored("unknown-station");
  if (!isSignedBy(station.publicKey, claimed)) return ignored("bad-signature");
  const unread = attempt(() => decodeRequestHead(claimed.body));
  if (unread instanceof CbError) return ignored("malformed", unread.message);
  const { head } = unread;
  if (head.channel !== policy.channel) return ignored("wrong-channel");
  const id = sessionId(claimed.sessionKey);
  const session = { id, claimed, head, station };
  if (head.type === "cancel") return admitCancel(unread, session, moment);
  if (moment.replay.has(id)) return ignored("replayed");
  return { session, ...decide(unread, station, policy, moment) };
}

/**
 * A cancel holds at any sequence, and is confirmed by the `exit` of what it ends; nothing else is said.
 *
 * What is live here was asked to end by its own station, so a clock that was set meanwhile is no reason not to.
 */
function admitCancel(
  unread: UnreadRequest,
  session: AdmittedSession,
  moment: Moment,
): Ignored | Cancellation {
  const message = attempt(() => decodeCancel(unread));
  if (message instanceof CbError) return ignored("malformed", message.message);
  const { runExpires } = message;
  const live = moment.live(session.id);
  if (live === undefined) {
    const stale = staleness(message, moment);
    if (stale !== undefined) return ignored("stale", stale.detail);
    return moment.replay.has(session.id)
      ? ignored("replayed")
      : { decision: "forestall", session, runExpires };
  }
  if (!equalBytes(live.networkKey, session.claimed.networkKey)) return ignored("other-session");
  if (!equalBytes(live.stationKey, session.station.publicKey)) return ignored("other-session");
  if (!equalBytes(live.challenge, session.head.challenge)) return ignored("other-session");
  return { decision: "cancel", session, runExpires };
}

type WithoutSession<Whole> = Whole extends Whole ? Omit<Whole, "session"> : never;

function decide(
  unread: UnreadRequest,
  station: AuthorisedStation,
  policy: AdmissionPolicy,
  moment: Moment,
): WithoutSession<Answer> {
  const request = attempt(() => decodeRequest(unread));
  if (request === undefined) return refused("version", `this agent understands version ${PROTOCOL_VERSION}`);
  if (request instanceof CbError) return refused("malformed", request.message);
  const stale = staleness(request, moment);
  if (stale !== undefined) return stale;
  if (!matchesTarget(request.target, policy)) {
    return { decision: "not-targeted", census: request.census };
  }
  if (request.type === "ping") return { decision: "present", request };
  if (request.type === "run") return decideRun(request, station, policy, moment);
  if (moment.load.stopping) return { decision: "declined", reason: "stopping" };
  return { decision: "list", request };
}

function decideRun(
  request: RunRequest,
  station: AuthorisedStation,
  policy: AdmissionPolicy,
  { load }: Moment,
): WithoutSession<Answer> {
  const { command } = request;
  if (!mayRun(station, command)) return { ...refused("forbidden"), command };
  const executor = policy.findCommand(request);
  if (!executor.found) return { ...refused(executor.reason, executor.detail), command };
  if (load.stopping) return { decision: "declined", reason: "stopping", command };
  const concurrency = executor.manifest?.concurrency ?? 1;
  const place = load.placeFor(command, concurrency);
  if (place === "full") return { decision: "declined", reason: "busy", command };
  return { decision: "run", request, queued: place === "queue", concurrency };
}

/**
 * Why a request is not fresh; undefined where it is. A request that had to wait is judged again at its turn.
 *
 * `detail` names the bound that was passed and `bound` its value, so that an operator can tell a slow hub from
 * a wrong clock.
 */
export function staleness(
  { issued, expires }: Pick<Request, "issued" | "expires">,
  { now, uptime, replay }: Pick<Moment, "now" | "uptime" | "replay">,
): RefusedAnswer | undefined {
  if (expires <= issued) return refused("clock", "validity", issued);
  if (expires - issued > MAX_VALIDITY) return refused("clock", "validity", issued + MAX_VALIDITY);
  if (issued > now + MAX_FUTURE) return refused("clock", "future", now + MAX_FUTURE);
  if (expires <= now) return refused("clock", "expired", now);
  if (expires <= replay.floor) return refused("clock", "floor", replay.floor);
  if (issued <= replay.born) return refused("clock", "born", replay.born);
  if (now - issued > uptime) return refused("clock", "uptime", Math.floor(now - uptime));
  return undefined;
}

function refused(reason: Refusal, detail?: string, bound?: number): RefusedAnswer {
  return { decision: "refused", reason, detail, bound };
}

/** What `read` gives, or the refusal that it threw; anything else that is thrown is a bug of ours. */
function attempt<Result>(read: () => Result): Result | CbError {
  try {
    return read();
  } catch (error) {
    if (error instanceof CbError) return error;
    throw error;
  }
}

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
import { hasKeyId } from "../protocol/keys.ts";
import { PROTOCOL_VERSION } from "../protocol/limits.ts";
import type { Declination, Refusal } from "../protocol/reply.ts";
import {
  decodeCancel,
  decodeGo,
  decodeRequest,
  decodeRequestHead,
  type ListRequest,
  type PingRequest,
  type RequestHead,
  type RunRequest,
  type UnreadRequest,
} from "../protocol/request.ts";
import { type ClaimedRequest, isSignedBy, sessionId } from "../protocol/request-envelope.ts";
import { matchesTarget } from "../protocol/target.ts";
import type { CommandCall, FoundCommand } from "./find-command.ts";
import { type Instant, staleness } from "./freshness.ts";
import { isFromElsewhere, judgeGo, type LiveSession } from "./live-session.ts";
import { type Ignored, ignored } from "./open.ts";

/** What an agent obeys, for as long as it runs. */
export type AdmissionPolicy = {
  readonly stations: readonly AuthorisedStation[];
  readonly channel: Channel;
  readonly identity: Identity;
  readonly tags: readonly Tag[];
  readonly findCommand: (call: CommandCall) => FoundCommand;
};

/** What a decision depends on besides. */
export type Moment = Instant & {
  readonly load: Load;
  /** A session of which a command runs, waits or is held here, by its id. */
  readonly live: (session: Uint8Array) => LiveSession | undefined;
  /** Whether a run of this session was held here since this process started, and is not any more. */
  readonly isOver: (session: Uint8Array) => boolean;
};

export type Load = {
  readonly stopping: boolean;
  /** Whether one more run can be held. */
  readonly canHold: boolean;
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
      /** Whether it starts at once, waits its turn, or waits for a `go`. */
      readonly start: "now" | "queued" | "held";
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

/** What a go does to the run that is held here. */
export type Release = { readonly decision: "release" | "withdraw"; readonly session: AdmittedSession } & {
  /** Why the command never starts; for people. */
  readonly why: string | undefined;
};

/** A go for other agents: as common as rollouts are, and no affair of ours. */
export type ForOthers = { readonly decision: "for-others"; readonly session: AdmittedSession };

type RefusedAnswer = {
  readonly decision: "refused";
  readonly reason: Refusal;
  readonly detail?: string | undefined;
  readonly bound?: number | undefined;
  /** What was to be run, for the log; absent where it was not looked at. */
  readonly command?: CommandName;
};

export type Admission = Ignored | Answer | Cancellation | Release | ForOthers;

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
  if (head.type === "go") return admitGo(unread, session, policy, moment);
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
  if (isFromElsewhere(live, keysOf(session))) return ignored("other-session");
  return { decision: "cancel", session, runExpires };
}

/** A go lets a run that is held here start; an agent that was restarted meanwhile says that it is gone. */
function admitGo(
  unread: UnreadRequest,
  session: AdmittedSession,
  { identity }: AdmissionPolicy,
  moment: Moment,
): Ignored | ForOthers | Release | Answer {
  const message = attempt(() => decodeGo(unread));
  if (message instanceof CbError) return ignored("malformed", message.message);
  const { id, station } = session;
  const live = moment.live(id);
  const isAllowed = live?.command === undefined || mayRun(station, live.command);
  const addressee = { identity, live, isOver: moment.isOver(id), isAllowed };
  const judgement = judgeGo(message, keysOf(session), addressee, moment);
  switch (judgement.leads) {
    case "nowhere":
      return judgement.why === "not-named" ? { decision: "for-others", session } : ignored(judgement.why);
    case "gone":
      return { session, ...refused("gone") };
    case "release":
      return { decision: "release", session, why: undefined };
    case "withdraw":
      return { decision: "withdraw", session, why: judgement.why };
  }
}

function keysOf({ claimed, station, head }: AdmittedSession) {
  const { networkKey } = claimed;
  return { networkKey, stationKey: station.publicKey, challenge: head.challenge };
}

type WithoutSession<Whole> = Whole extends Whole ? Omit<Whole, "session"> : never;

function decide(
  unread: UnreadRequest,
  station: AuthorisedStation,
  policy: AdmissionPolicy,
  moment: Moment,
): WithoutSession<Answer> {
  const request = attempt(() => decodeRequest(unread));
  if (request === undefined)
    return refused("version", { detail: `this agent understands version ${PROTOCOL_VERSION}` });
  if (request instanceof CbError) return refused("malformed", { detail: request.message });
  const stale = staleness(request, moment);
  if (stale !== undefined) return refused("clock", stale);
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
  if (!executor.found) return { ...refused(executor.reason, { detail: executor.detail }), command };
  if (load.stopping) return { decision: "declined", reason: "stopping", command };
  const concurrency = executor.manifest?.concurrency ?? 1;
  if (request.holdUntil !== undefined) {
    if (!load.canHold) return { decision: "declined", reason: "busy", command };
    return { decision: "run", request, start: "held", concurrency };
  }
  const place = load.placeFor(command, concurrency);
  if (place === "full") return { decision: "declined", reason: "busy", command };
  return { decision: "run", request, start: place === "queue" ? "queued" : "now", concurrency };
}

function refused(reason: Refusal, why: Pick<RefusedAnswer, "detail" | "bound"> = {}): RefusedAnswer {
  return { decision: "refused", reason, detail: why.detail, bound: why.bound };
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

/**
 * What a station asks: the bodies of requests, and their encoding.
 *
 * Every body starts with the head, which keeps its shape in all versions of `cb1`; an agent therefore finds
 * session, times and reply address even in a request that it does not understand, and can say so.
 * Source: PROTOCOL.md §4.
 */
import type { Channel, CommandName, Identity } from "../core/names.ts";
import { isName, isParameterName } from "../core/names.ts";
import { decodeCbor, encodeCbor, malformed } from "./cbor.ts";
import { Fields, fieldMap } from "./fields.ts";
import {
  CHALLENGE_BYTES,
  MAX_HOLD,
  MAX_PARAMETER_BYTES,
  MAX_PARAMETERS,
  MAX_RELEASED,
  PROTOCOL_VERSION,
  REPLY_ADDRESS_BYTES,
} from "./limits.ts";
import { isTargetKnown, readTarget, type Target, targetMap } from "./target.ts";

export type RequestHead = {
  readonly version: number;
  readonly type: string;
  readonly channel: Channel;
  /** 0 for the first message of a session, higher for each that follows. */
  readonly sequence: number;
  /** By the station's clock, in milliseconds since the epoch. */
  readonly issued: number;
  readonly expires: number;
  readonly challenge: Uint8Array;
  readonly replyAddress: Uint8Array;
};

type Common = Omit<RequestHead, "type"> & {
  /** A label for people; rights and audit go by the station key. */
  readonly station: Identity;
  /** Absent: everybody. */
  readonly target: Target | undefined;
  /** Agents that are not targeted say so, so that the station knows when all have been heard. */
  readonly census: boolean;
};

export type RunRequest = Common & {
  readonly type: "run";
  readonly command: CommandName;
  /** How long the command may run, in milliseconds; signed, so that no hub can suppress a time limit. */
  readonly limit: number | undefined;
  /** By names that no two of them should share in any case; what they mean, and whether, the agent's manifest says. */
  readonly parameters: ReadonlyMap<string, string>;
  /** It waits until a `go` names the agent, and never starts after this time. Absent: it starts by itself. */
  readonly holdUntil?: number | undefined;
};

export type PingRequest = Common & { readonly type: "ping" };

/** Which commands could be run by this station; answered like a run, with a listing for output. */
export type ListRequest = Common & { readonly type: "list" };

/** What opens a session. */
export type Request = RunRequest | PingRequest | ListRequest;

/** Ends what a run has started, and keeps from starting what it has not, on every agent. */
export type CancelRequest = Omit<RequestHead, "type"> & {
  readonly type: "cancel";
  /** When the run's own validity ends: for so long an agent that has not seen the run must know of this. */
  readonly runExpires: number;
};

/** Lets agents start the run that they hold. */
export type GoRequest = Omit<RequestHead, "type"> & {
  readonly type: "go";
  /** Whom it releases. Sorted; at least one, at most 512. */
  readonly identities: readonly Identity[];
};

/** All that a station says. */
export type StationMessage = Request | CancelRequest | GoRequest;

const HEAD = ["version", "type", "channel", "sequence", "issued", "expires", "challenge", "reply"];
const COMMON = [...HEAD, "station", "target", "census"];
const KNOWN_FIELDS = {
  run: [...COMMON, "command", "limit", "parameters", "hold-until"],
  ping: COMMON,
  list: COMMON,
  cancel: [...HEAD, "runExpires"],
  go: [...HEAD, "identities"],
} as const satisfies Record<StationMessage["type"], readonly string[]>;

/** A type that no version has is still answered, but not a book. */
const MAX_TYPE_BYTES = 64;

/** A request of which only the head has been read. */
export type UnreadRequest = { readonly head: RequestHead; readonly rest: Fields };

export function encodeRequest(message: StationMessage): Uint8Array {
  // Only a run has the last two of these, and neither cancel nor go has any.
  const none = {
    target: undefined,
    census: false,
    parameters: new Map<string, string>(),
    holdUntil: undefined,
  };
  const { replyAddress, target, census, parameters, holdUntil, ...fields } = { ...none, ...message };
  return encodeCbor(
    fieldMap({
      ...fields,
      reply: replyAddress,
      target: target && targetMap(target),
      census: census || undefined,
      // Left out, an agent that knows of none can still read the request.
      parameters: parameters.size > 0 ? parameters : undefined,
      "hold-until": holdUntil,
    }),
  );
}

/** @throws {CbError} `message-malformed` for bytes that are no request of any version of `cb1` */
export function decodeRequestHead(body: Uint8Array): UnreadRequest {
  const rest = new Fields(decodeCbor(body));
  const head = {
    version: rest.integer("version"),
    type: rest.text("type", MAX_TYPE_BYTES),
    channel: rest.name<Channel>("channel"),
    sequence: rest.integer("sequence"),
    issued: rest.integer("issued"),
    expires: rest.integer("expires"),
    challenge: rest.bytes("challenge", CHALLENGE_BYTES),
    replyAddress: rest.bytes("reply", REPLY_ADDRESS_BYTES),
  };
  return { head, rest };
}

/**
 * The whole of a request that opens a session.
 *
 * @returns undefined where it uses a version, type or field that this program does not know
 * @throws {CbError} `message-malformed` where a known field has a wrong value
 */
export function decodeRequest({ head, rest }: UnreadRequest): Request | undefined {
  if (head.version !== PROTOCOL_VERSION) return undefined;
  const { type } = head;
  if (type !== "run" && type !== "ping" && type !== "list") return undefined;
  if (rest.unknownAmong(KNOWN_FIELDS[type]).length > 0) return undefined;
  const target = rest.has("target") ? rest.map("target") : undefined;
  if (target !== undefined && !isTargetKnown(target)) return undefined;
  if (head.sequence !== 0) throw malformed("sequence is not 0");
  const common = {
    ...head,
    station: rest.name<Identity>("station"),
    target: target && readTarget(target),
    census: rest.flag("census"),
  };
  if (type !== "run") return { ...common, type };
  const command = rest.name<CommandName>("command");
  const limit = rest.has("limit") ? rest.integer("limit", { least: 1 }) : undefined;
  const parameters = rest.has("parameters") ? readParameters(rest) : new Map<string, string>();
  const holdUntil = rest.has("hold-until") ? readHoldUntil(head, rest) : undefined;
  return { ...common, type, command, limit, parameters, holdUntil };
}

/** As long as the request is valid at least: before that, a hold would be a shorter validity by another name. */
function readHoldUntil({ issued, expires }: RequestHead, fields: Fields): number {
  return fields.integer("hold-until", { least: expires, most: issued + MAX_HOLD });
}

function readParameters(fields: Fields): RunRequest["parameters"] {
  return fields.texts("parameters", isParameterName, MAX_PARAMETERS, MAX_PARAMETER_BYTES);
}

/**
 * The whole of a cancel.
 *
 * @throws {CbError} `message-malformed` where it is none, or one that this program does not know
 */
export function decodeCancel({ head, rest }: UnreadRequest): CancelRequest {
  if (head.version !== PROTOCOL_VERSION) throw malformed("version is unknown");
  if (head.type !== "cancel") throw malformed("type is not cancel");
  if (rest.unknownAmong(KNOWN_FIELDS.cancel).length > 0) throw malformed("a field is unknown");
  if (head.sequence === 0) throw malformed("sequence is 0");
  return { ...head, type: "cancel", runExpires: rest.integer("runExpires") };
}

/**
 * The whole of a go.
 *
 * @throws {CbError} `message-malformed` where it is none, or one that this program does not know
 */
export function decodeGo({ head, rest }: UnreadRequest): GoRequest {
  if (head.version !== PROTOCOL_VERSION) throw malformed("version is unknown");
  if (head.type !== "go") throw malformed("type is not go");
  if (rest.unknownAmong(KNOWN_FIELDS.go).length > 0) throw malformed("a field is unknown");
  if (head.sequence === 0) throw malformed("sequence is 0");
  const identities = rest.names("identities", isName<Identity>, { least: 1, most: MAX_RELEASED });
  return { ...head, type: "go", identities };
}

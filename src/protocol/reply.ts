/**
 * What an agent says: the bodies of replies, and their encoding.
 *
 *   hello ──running──▶ output… ──▶ exit
 *     │   ──queued───▶ state ──▶ output… ──▶ exit       (or exit at once, where its turn never came)
 *     │   ──held─────▶ state… ──▶ output, state… ──▶ exit   (or exit at once, where it was not released)
 *     └─ present, not-targeted, declined, refused: nothing follows
 *
 * Nothing in a hello is acted on before its signature holds. Source: PROTOCOL.md §6.
 */
import type { Identity, Tag } from "../core/names.ts";
import { MAX_TAGS } from "../core/names.ts";
import { decodeCbor, encodeCbor, malformed } from "./cbor.ts";
import { KEY_BYTES, SIGNATURE_BYTES } from "./crypto.ts";
import { Fields, fieldMap } from "./fields.ts";
import type { AgentPublicKey } from "./keys.ts";
import { CHALLENGE_BYTES, MAX_DETAIL_BYTES, MAX_OUTPUT_BYTES } from "./limits.ts";

/** Why an agent does not run a request, though it could have been meant. */
export const REFUSALS = [
  "clock", // not fresh by the agent's clock; `detail` says which bound, `bound` its value
  "version", // a version, type or field that this agent does not know
  "malformed", // a known field with a wrong value
  "forbidden", // the station's key may not run this command here
  "no-such-command",
  "masked", // a link to /dev/null in a run-directory takes the command away
  "not-a-file",
  "not-executable",
  "writable-by-others",
  "outside-run-directory",
  "manifest", // the manifest beside the executable cannot be used; `detail` says why
  "parameters", // the manifest does not declare those that were given, or wants others; `detail` says which
  "state", // the agent cannot record the request, so it will not run it
  "gone", // to a `go`: the agent was restarted, and the run that it held is lost
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** Why a healthy agent does not take a request now. */
export const DECLINATIONS = ["busy", "stopping"] as const;
export type Declination = (typeof DECLINATIONS)[number];

export type Disposition =
  | { readonly is: "running" }
  | { readonly is: "queued" }
  | { readonly is: "held" }
  | { readonly is: "present" }
  | { readonly is: "not-targeted" }
  | { readonly is: "declined"; readonly reason: Declination }
  | {
      readonly is: "refused";
      readonly reason: Refusal;
      /** For people; untrusted text. */
      readonly detail?: string | undefined;
      /** Milliseconds since the epoch: the time against which a request was judged. */
      readonly bound?: number | undefined;
    };

export type Hello = {
  readonly type: "hello";
  readonly identity: Identity;
  readonly tags: readonly Tag[];
  /** The agent's program version, such as `0.1.0`; untrusted text. */
  readonly software: string;
  /** The agent's clock, in milliseconds since the epoch. */
  readonly time: number;
  readonly challenge: Uint8Array;
  readonly agentKey: AgentPublicKey;
  readonly signature: Uint8Array;
  readonly disposition: Disposition;
};

export const STREAMS = ["stdout", "stderr"] as const;
export type Stream = (typeof STREAMS)[number];

export type Output = {
  readonly type: "output";
  readonly stream: Stream;
  /** Bytes of this stream before these. */
  readonly offset: number;
  readonly data: Uint8Array;
};

export const STATES = ["queued", "running"] as const;

/**
 * A queued command has been started. Of one that was held: it is released and waits its turn, or runs; said again
 * every few seconds for as long as that is so.
 */
export type State = { readonly type: "state"; readonly state: (typeof STATES)[number] };

/** Why a command ended. The last four never started. */
export const ENDINGS = [
  "exited", // with `status`
  "signalled", // by `signal`
  "time-limit",
  "stopped", // the agent is ending
  "cancelled",
  "not-started", // the system could not start it; `detail` says why
  "never-started", // its turn did not come in time; `detail` says why
  "never-released", // it was held and no good `go` came in time; `detail` says why
  "state", // the request could not be recorded durably
] as const;
export type Ending = (typeof ENDINGS)[number];

export type Exit = {
  readonly type: "exit";
  readonly ending: Ending;
  readonly status: number | undefined;
  readonly signal: string | undefined;
  /** Milliseconds that the command ran. */
  readonly runTime: number;
  /** All bytes read from each stream, sent or not. */
  readonly stdout: number;
  readonly stderr: number;
  /** Bytes read but not sent. */
  readonly dropped: number;
  /** A process left behind still held a stream when reading stopped. */
  readonly leftOpen: boolean;
  readonly detail: string | undefined;
};

export type Reply = Hello | State | Output | Exit;

export function encodeReply(reply: Reply): Uint8Array {
  return encodeCbor(fieldMap(reply.type === "hello" ? helloFields(reply) : exitOrOther(reply)));
}

/** @throws {CbError} `message-malformed` for any bytes that `encodeReply` cannot produce */
export function decodeReply(body: Uint8Array): Reply {
  const fields = new Fields(decodeCbor(body));
  const reply = readReply(fields);
  fields.end();
  return reply;
}

function helloFields({ agentKey, disposition, ...rest }: Hello): Parameters<typeof fieldMap>[0] {
  const { is, ...why } = disposition;
  const detail = "detail" in why ? { detail: cutDetail(why.detail) } : {};
  return { ...rest, key: agentKey, disposition: is, ...why, ...detail };
}

function exitOrOther(reply: Exclude<Reply, Hello>): Parameters<typeof fieldMap>[0] {
  return reply.type === "exit"
    ? { ...reply, leftOpen: reply.leftOpen || undefined, detail: cutDetail(reply.detail) }
    : reply;
}

/** A detail for the wire: it may name paths and parameters of any length, and then loses its end. */
export function cutDetail(detail: string | undefined): string | undefined {
  if (detail === undefined || Buffer.byteLength(detail) <= MAX_DETAIL_BYTES) return detail;
  const ellipsis = "…";
  const room = MAX_DETAIL_BYTES - Buffer.byteLength(ellipsis);
  const { read } = new TextEncoder().encodeInto(detail, new Uint8Array(room));
  return detail.slice(0, read) + ellipsis;
}

function readReply(fields: Fields): Reply {
  const type = fields.choice("type", ["hello", "state", "output", "exit"]);
  switch (type) {
    case "hello":
      return readHello(fields);
    case "state":
      return { type, state: fields.choice("state", STATES) };
    case "output":
      return {
        type,
        stream: fields.choice("stream", STREAMS),
        offset: fields.integer("offset"),
        data: fields.bytes("data", { least: 1, most: MAX_OUTPUT_BYTES }),
      };
    case "exit":
      return readExit(fields);
  }
}

function readHello(fields: Fields): Hello {
  return {
    type: "hello",
    identity: fields.name<Identity>("identity"),
    tags: fields.tags("tags", { most: MAX_TAGS }),
    software: fields.text("software", 64),
    time: fields.integer("time"),
    challenge: fields.bytes("challenge", CHALLENGE_BYTES),
    agentKey: fields.bytes("key", KEY_BYTES) as AgentPublicKey,
    signature: fields.bytes("signature", SIGNATURE_BYTES),
    disposition: readDisposition(fields),
  };
}

function readDisposition(fields: Fields): Disposition {
  const is = fields.choice("disposition", [
    "running",
    "queued",
    "held",
    "present",
    "not-targeted",
    "declined",
    "refused",
  ]);
  if (is === "declined") return { is, reason: fields.choice("reason", DECLINATIONS) };
  if (is !== "refused") return { is };
  return {
    is,
    reason: fields.choice("reason", REFUSALS),
    detail: fields.has("detail") ? fields.text("detail", MAX_DETAIL_BYTES) : undefined,
    bound: fields.has("bound") ? fields.integer("bound") : undefined,
  };
}

function readExit(fields: Fields): Exit {
  const ending = fields.choice("ending", ENDINGS);
  const exit: Exit = {
    type: "exit",
    ending,
    status: fields.has("status") ? fields.integer("status", { most: 255 }) : undefined,
    signal: fields.has("signal") ? fields.text("signal", 16) : undefined,
    runTime: fields.integer("runTime"),
    stdout: fields.integer("stdout"),
    stderr: fields.integer("stderr"),
    dropped: fields.integer("dropped"),
    leftOpen: fields.flag("leftOpen"),
    detail: fields.has("detail") ? fields.text("detail", MAX_DETAIL_BYTES) : undefined,
  };
  if (ending === "exited" && exit.status === undefined) throw malformed("status is missing");
  if (ending === "signalled" && exit.signal === undefined) throw malformed("signal is missing");
  return exit;
}

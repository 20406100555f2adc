/**
 * The reply path: from the bytes in a session's list to what an agent said, or to a named fault.
 *
 * Pure: no hub, no clock. Nothing in a hello is acted on before its signature holds; everything later is bound
 * to it by the reply key. Source: PROTOCOL.md §6; each fault below is an exit of its table.
 */
import { CbError } from "../core/errors.ts";
import type { Identity } from "../core/names.ts";
import { count } from "../core/text.ts";
import { hex } from "../protocol/bytes.ts";
import { equalBytes } from "../protocol/crypto.ts";
import { type AgentPublicKey, keyIdText, type SessionKeyPair } from "../protocol/keys.ts";
import {
  decodeReply,
  type Exit,
  type Hello,
  type Output,
  type Reply,
  STREAMS,
  type State,
  type Stream,
} from "../protocol/reply.ts";
import {
  isHelloGenuine,
  openReply,
  type ReplyFrame,
  readReplyFrame,
  replyOpeningKey,
} from "../protocol/reply-envelope.ts";
import type { Request } from "../protocol/request.ts";
import { matchesTarget } from "../protocol/target.ts";
import { ownersOf, type Pins } from "./pins.ts";

export const FAULTS = [
  "foreign",
  "no-hello",
  "too-many",
  "altered",
  "gap",
  "malformed",
  "wrong-challenge",
  "bad-signature",
  "pin-mismatch",
  "not-targeted",
  "conflict",
  "out-of-order",
  "hole",
  "incomplete",
] as const;
export type Fault = (typeof FAULTS)[number];

export type ReplyEvent =
  | HelloEvent
  | { readonly kind: "state"; readonly identity: Identity; readonly state: State["state"] }
  /** The agent was restarted, and has lost the run that it held. */
  | { readonly kind: "gone"; readonly identity: Identity }
  | {
      readonly kind: "output";
      readonly identity: Identity;
      readonly stream: Stream;
      readonly data: Uint8Array;
    }
  | { readonly kind: "exit"; readonly identity: Identity; readonly exit: Exit }
  | { readonly kind: "repeat"; readonly identity: Identity }
  | FaultEvent;

type GoneEvent = Extract<ReplyEvent, { kind: "gone" }>;

type HelloEvent = { readonly kind: "hello"; readonly hello: Hello };

export type FaultEvent = {
  readonly kind: "fault";
  readonly fault: Fault;
  /** There where a hello of this network named it, genuine or not. */
  readonly identity?: Identity | undefined;
  /** For people. */
  readonly detail?: string | undefined;
  /** Replies in front of a `gap`, bytes in front of a `hole`. */
  readonly missing?: number;
  /** The key of who claimed an identity, or shared a key, that is another's. */
  readonly agentKey?: AgentPublicKey;
  /** Whose replies are used no more: of one who has just answered, or of one who was running. */
  readonly silences?: "answer" | "run" | undefined;
};

/** What is fixed for a session before the first reply. */
export type Expectation = {
  readonly request: Request;
  readonly session: SessionKeyPair;
  /** The keys by which agents are known from earlier sessions. */
  readonly pins: Pins;
  /** Hellos beyond this many are not opened. */
  readonly maxHellos: number;
};

const NOT_MEANT = { is: "not-targeted" } as const;

/** The replies of one reply key. */
type Speaker = {
  readonly key: Uint8Array;
  readonly identity: Identity;
  readonly agentKey: AgentPublicKey;
  expected: number;
  phase: "held" | "queued" | "running" | "over";
  readonly received: Record<Stream, number>;
};

export class ReplyReader {
  readonly #expectation: Expectation;
  /** By reply key; "muted" after a fault that makes all it says worthless. */
  readonly #speakers = new Map<string, Speaker | "muted">();
  readonly #identities = new Map<Identity, Speaker>();
  /** Whose agent key is whose, by its hexadecimal digits: those that are pinned, and those heard here. */
  readonly #owners: Map<string, Identity>;

  constructor(expectation: Expectation) {
    this.#expectation = expectation;
    this.#owners = ownersOf(expectation.pins);
  }

  /** What one item of the list says; several events where something is missing before it. */
  read(envelope: Uint8Array): readonly ReplyEvent[] {
    const frame = readReplyFrame(envelope);
    if (frame === undefined) return [fault("foreign")];
    const speaker = this.#speakers.get(hex(frame.replyKey));
    if (speaker === undefined) return [this.#readFirst(frame)];
    if (speaker === "muted") return [];
    const { identity } = speaker;
    const body = openReply(frame, speaker.key);
    if (body === undefined) return [fault("altered", identity)];
    const missing = frame.sequence - speaker.expected;
    if (missing < 0) return [{ kind: "repeat", identity }];
    speaker.expected = frame.sequence + 1;
    const gap = missing > 0 ? [{ ...fault("gap", identity), missing }] : [];
    return [...gap, ...this.#readNext(decode(body), speaker, frame)];
  }

  #readFirst(frame: ReplyFrame): ReplyEvent {
    if (frame.sequence !== 0) return fault("no-hello");
    if (this.#speakers.size >= this.#expectation.maxHellos) return fault("too-many");
    const key = replyOpeningKey(frame.replyKey, this.#expectation.session);
    if (key === undefined) return fault("foreign"); // mutant: equivalent, nothing opens without a key
    const body = openReply(frame, key);
    if (body === undefined) return fault("foreign");
    const event = this.#judgeHello(decode(body), frame);
    if (event.kind === "fault") {
      this.#speakers.set(hex(frame.replyKey), "muted");
      return { ...event, silences: "answer" };
    }
    if (event.kind === "gone") {
      this.#speakers.set(hex(frame.replyKey), "muted");
      return event;
    }
    const { hello } = event;
    const { identity, agentKey } = hello;
    const phase = phaseAfter(hello);
    const speaker = { key, identity, agentKey, expected: 1, phase, received: { stdout: 0, stderr: 0 } };
    this.#speakers.set(hex(frame.replyKey), speaker);
    this.#identities.set(identity, speaker);
    this.#owners.set(hex(hello.agentKey), hello.identity);
    return event;
  }

  /** Whether agents wait for a release. */
  get #isHeld(): boolean {
    const { request } = this.#expectation;
    return request.type === "run" && request.holdUntil !== undefined;
  }

  #judgeHello(hello: Reply | undefined, { replyKey }: ReplyFrame): HelloEvent | GoneEvent | FaultEvent {
    const { request, session, pins } = this.#expectation;
    if (hello === undefined) return fault("malformed");
    if (hello.type !== "hello") return fault("out-of-order");
    if (!equalBytes(hello.challenge, request.challenge)) return fault("wrong-challenge");
    if (!isHelloGenuine(hello, session.publicKey, replyKey)) return fault("bad-signature");
    const { identity, disposition, agentKey } = hello;
    const pinned = pins.get(identity);
    if (pinned !== undefined && !equalBytes(pinned, agentKey)) {
      const [now, before] = [agentKey, pinned].map((key) => keyIdText("agent-public", key));
      return { ...fault("pin-mismatch", identity, `${now}, not ${before}`), agentKey };
    }
    const acts = ["running", "queued", "held", "present"].includes(disposition.is);
    const isMeant = matchesTarget(request.target, hello);
    if (acts && !isMeant) return fault("not-targeted", identity);
    // Nobody may count as heard by saying that somebody else was meant.
    if (disposition.is === "not-targeted" && isMeant) return fault("not-targeted", identity);
    const before = this.#identities.get(identity);
    if (before !== undefined && isItGone(hello, before)) {
      before.phase = "over";
      return { kind: "gone", identity };
    }
    if (before !== undefined) {
      return { ...fault("conflict", identity, `two agents call themselves ${identity}`), agentKey };
    }
    const owner = this.#owners.get(hex(agentKey)) ?? identity;
    if (owner !== identity) {
      return { ...fault("conflict", identity, `${identity} answers with the key of ${owner}`), agentKey };
    }
    const isPresent = disposition.is === "present";
    if (acts && isPresent !== (request.type === "ping")) return fault("out-of-order", identity);
    // Who was to wait for a release does not run, and nobody else waits for one.
    if (acts && this.#isHeld !== (disposition.is === "held")) return fault("out-of-order", identity);
    // Too old to read the target, it refuses what was not meant for it.
    const isUnread = disposition.is === "refused" && disposition.reason === "version";
    if (isUnread && !isMeant) return { kind: "hello", hello: { ...hello, disposition: NOT_MEANT } };
    return { kind: "hello", hello };
  }

  #readNext(reply: Reply | undefined, speaker: Speaker, { replyKey }: ReplyFrame): readonly ReplyEvent[] {
    const { identity, phase } = speaker;
    if (reply === undefined) {
      this.#speakers.set(hex(replyKey), "muted");
      return [{ ...fault("malformed", identity), silences: phase === "over" ? undefined : "run" }];
    }
    if (!isAllowed(reply, phase, this.#isHeld)) return [fault("out-of-order", identity)];
    switch (reply.type) {
      case "state":
        speaker.phase = reply.state;
        return [{ kind: "state", identity, state: reply.state }];
      case "output":
        return readOutput(reply, speaker, identity);
      case "exit":
        speaker.phase = "over";
        return readExit(reply, speaker, identity);
    }
  }
}

function phaseAfter({ disposition: { is } }: Hello): Speaker["phase"] {
  return is === "running" || is === "queued" || is === "held" ? is : "over";
}

/** To a release, the agent that held the run answers under a new reply key that it has lost it. */
function isItGone({ disposition, agentKey }: Hello, before: Speaker): boolean {
  const isGone = disposition.is === "refused" && disposition.reason === "gone";
  return isGone && before.phase !== "over" && equalBytes(agentKey, before.agentKey);
}

/** @param mayRepeat agents that were released say how they are every few seconds */
function isAllowed(
  reply: Reply,
  phase: Speaker["phase"],
  mayRepeat: boolean,
): reply is Exclude<Reply, Hello> {
  switch (reply.type) {
    case "hello":
      return false;
    case "state":
      if (phase === "over") return false;
      if (!mayRepeat) return phase === "queued" && reply.state === "running";
      return phase !== "running" || reply.state === "running";
    case "output":
      return phase === "running";
    case "exit":
      return phase !== "over";
  }
}

function readOutput(
  { stream, offset, data }: Output,
  speaker: Speaker,
  identity: Identity,
): readonly ReplyEvent[] {
  const missing = offset - speaker.received[stream];
  if (missing < 0) return [fault("out-of-order", identity)];
  speaker.received[stream] = offset + data.length;
  const shown: ReplyEvent = { kind: "output", identity, stream, data };
  return missing > 0 ? [{ ...fault("hole", identity), missing }, shown] : [shown];
}

function readExit(exit: Exit, { received }: Speaker, identity: Identity): readonly ReplyEvent[] {
  const ended: ReplyEvent = { kind: "exit", identity, exit };
  if (exit.dropped > 0) {
    return [fault("incomplete", identity, `the agent dropped ${count(exit.dropped, "byte")}`), ended];
  }
  const wrong = STREAMS.filter((stream) => exit[stream] !== received[stream]);
  if (wrong.length === 0) return [ended];
  const came = wrong.map((stream) => `${received[stream]} of ${count(exit[stream], "byte")} of ${stream}`);
  return [fault("incomplete", identity, `${came.join(" and ")} came`), ended];
}

function decode(body: Uint8Array): Reply | undefined {
  try {
    return decodeReply(body);
  } catch (error) {
    if (error instanceof CbError) return undefined;
    throw error;
  }
}

function fault(name: Fault, identity?: Identity, detail?: string): FaultEvent {
  return { kind: "fault", fault: name, identity, detail };
}

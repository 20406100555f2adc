/** A session and the agents that answer it, well or badly. */
import { concat, seed } from "./bytes.ts";
import { encode, type Fields } from "./cbor.ts";
import { json, type Line, vectorText } from "./vector.ts";
import { boxPair, type KeyPair, pad, replyEnvelope, replyKey, sign, signedHello, signPair } from "./wire.ts";

export const NOW = 1_800_000_000_000;

const session = boxPair("session");
export const otherSession = boxPair("other session");
const challenge = seed("challenge", 32);
export const otherChallenge = seed("other challenge", 32);

/** An agent in one session: its own key, and the key pair of its replies. */
export type Agent = { readonly identity: string; readonly key: KeyPair; readonly reply: KeyPair };

export const web1 = agent("web1");
export const web2 = agent("web2");

export function agent(identity: string): Agent {
  return { identity, key: signPair(`agent key of ${identity}`), reply: boxPair(`reply key of ${identity}`) };
}

/** The same agent with another reply key, as after a restart. */
export function renewed(one: Agent): Agent {
  return { ...one, reply: boxPair(`another reply key of ${one.identity}`) };
}

/**
 * One envelope and what the station makes of it: an exit of the table, a type of reply, both joined by "+"
 * where a failure is named and the reply is used all the same, or "nothing" where it is passed over. With the
 * `fields` of a reply that is used.
 */
export type Item = { readonly event: string; readonly envelope: Uint8Array; readonly fields?: Fields };

export type ReplyVector = readonly [name: string, text: string];

/** A session in which these envelopes arrive in this order. */
export function vector(
  name: string,
  comment: string,
  items: readonly Item[],
  request: {
    readonly type?: "run" | "ping" | "list";
    readonly targetTags?: readonly string[];
    /** Whether the agents are to wait for a go. */
    readonly isHeld?: boolean;
  } = {},
): ReplyVector {
  const text = vectorText([
    ["expect", items.map(({ event }) => event).join(", ")],
    ["comment", comment],
    ["session-secret", session.secretKey],
    ["challenge", challenge],
    ["request-type", request.type ?? "run"],
    ...(request.isHeld ? [["hold-until", NOW + 3_600_000] as const] : []),
    ...(request.targetTags ?? []).map((tag): Line => ["target-tag", tag]),
    ...items.flatMap(({ fields }): Line[] => (fields === undefined ? [] : [["reply", json(fields)]])),
    ...items.map(({ envelope }): Line => ["envelope", envelope]),
  ]);
  return [name, text];
}

/** An envelope with these fields that the station takes. */
export function taken(one: Agent, sequence: number, fields: Fields): Item {
  return { event: String(fields["type"]), envelope: sealBody(one, sequence, encode(fields)), fields };
}

/** An envelope with these fields that the station uses, though it names a failure. */
export function used(event: string, one: Agent, sequence: number | bigint, fields: Fields): Item {
  return { event: `${event}+${fields["type"]}`, envelope: sealBody(one, sequence, encode(fields)), fields };
}

/** An envelope with these fields that the station does not use. */
export function failing(event: string, one: Agent, sequence: number | bigint, fields: Fields): Item {
  return { event, envelope: sealBody(one, sequence, encode(fields)) };
}

export function sealBody(one: Agent, sequence: number | bigint, ...body: readonly Uint8Array[]): Uint8Array {
  return sealPadded(one, sequence, pad(concat(...body)));
}

export function sealPadded(one: Agent, sequence: number | bigint, padded: Uint8Array): Uint8Array {
  const key = replyKey(session.publicKey, one.reply.secretKey);
  return replyEnvelope(one.reply.publicKey, key, BigInt(sequence), padded);
}

type HelloParts = {
  readonly session?: Uint8Array;
  readonly replyKey?: Uint8Array;
  readonly challenge?: Uint8Array;
  readonly identity?: string;
  readonly signature?: (message: Uint8Array) => Uint8Array;
};

/** A running agent's hello; `change` is signed along, `signed` is what the signature says instead of the truth. */
export function hello(one: Agent, change: Fields = {}, signed: HelloParts = {}): Fields {
  const message = signedHello(
    signed.session ?? session.publicKey,
    signed.replyKey ?? one.reply.publicKey,
    signed.challenge ?? challenge,
    signed.identity ?? one.identity,
  );
  return {
    type: "hello",
    identity: one.identity,
    tags: ["eu", "web"],
    software: "cb 0.1.0",
    time: NOW,
    challenge,
    key: one.key.publicKey,
    signature: signed.signature?.(message) ?? sign(one.key, message),
    disposition: "running",
    ...change,
  };
}

/** Output of `text`, or of bytes. */
export function output(offset: number, data: string | Uint8Array, stream = "stdout"): Fields {
  return {
    type: "output",
    stream,
    offset,
    data: typeof data === "string" ? new TextEncoder().encode(data) : data,
  };
}

export function exit(change: Fields = {}): Fields {
  return {
    type: "exit",
    ending: "exited",
    status: 0,
    runTime: 1234,
    stdout: 0,
    stderr: 0,
    dropped: 0,
    ...change,
  };
}

/** `exit` of a command that did not leave by itself: without a status. */
export function ended(ending: string, change: Fields = {}): Fields {
  return { type: "exit", ending, runTime: 1234, stdout: 0, stderr: 0, dropped: 0, ...change };
}

export const running: Fields = { type: "state", state: "running" };
export const queued: Fields = { type: "state", state: "queued" };

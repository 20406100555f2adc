/**
 * What a station must find in the replies that it took, worked out from the table of PROTOCOL.md §6 and from what a
 * hub can see: no key is needed, and no code of the station.
 *
 * A reply is genuine if an agent has pushed it for this session, byte for byte; all else is the hub's work.
 */
import { hex } from "../../src/protocol/bytes.ts";
import { renamedEnvelope } from "./changes.ts";
import type { Kept } from "./lies.ts";
import type { Told } from "./station.ts";

/** What is to be said, in the words of `report.ts`, and how often or how many: `foreign`, `altered mulberry1`. */
export type Facts = Map<string, number>;

/** An agent of which a hello came. */
export type Heard = {
  readonly identity: string;
  /** Replies that it made. */
  readonly made: number;
  /** The sequence that comes next. */
  expected: number;
};

export type Expectation = {
  readonly facts: Facts;
  readonly heard: ReadonlyMap<string, Heard>;
  /** First replies that open and are worth nothing. */
  readonly worthless: number;
  /** When a reply came that proves an agent alive, in milliseconds from the start of the station. */
  readonly lastSign: number;
};

export function expectationOf({ taken, door }: Told, kept: Kept): Expectation {
  const listener = new Listener(kept, door);
  for (const { envelope, at } of taken) listener.take(envelope, at);
  return listener;
}

class Listener implements Expectation {
  readonly facts: Facts = new Map();
  readonly heard = new Map<string, Heard>();
  worthless = 0;
  lastSign = 0;
  readonly #forged: ReadonlySet<string>;
  /** By reply key; "muted" where nothing under it is used. */
  readonly #speakers = new Map<string, Heard | "muted">();
  /** Who made a reply, by all its bytes; and how many there are under a reply key. */
  readonly #makers: ReadonlyMap<string, string>;
  readonly #made = new Map<string, number>();

  constructor(kept: Kept, door: string) {
    const list = kept.lists.get(door);
    const pushed = kept.pushed.filter((one) => one.list === list);
    this.#forged = kept.forged;
    this.#makers = new Map(pushed.map((one) => [hex(one.envelope), one.door]));
    for (const { envelope } of pushed) {
      const { key, sequence } = replyHead(envelope);
      this.#made.set(key, Math.max(this.#made.get(key) ?? 0, sequence + 1));
    }
  }

  take(envelope: Uint8Array, at: number): void {
    if (!isReplyFrame(envelope)) {
      this.#note("foreign");
      return;
    }
    const speaker = this.#speakers.get(replyHead(envelope).key);
    if (speaker === undefined) this.#meet(envelope, at);
    else if (speaker !== "muted") this.#hear(speaker, envelope, at);
  }

  #meet(envelope: Uint8Array, at: number): void {
    const { key, sequence } = replyHead(envelope);
    const identity = this.#makerOf(envelope);
    if (sequence !== 0) this.#note("no-hello");
    else if (identity === undefined) this.#meetNobody(key, envelope);
    else {
      const agent = { identity, made: this.#made.get(key) ?? 0, expected: 1 };
      this.#speakers.set(key, agent);
      this.heard.set(identity, agent);
      this.lastSign = at;
    }
  }

  /** A first reply that no agent made; it may open all the same. */
  #meetNobody(key: string, envelope: Uint8Array): void {
    const renamed = renamedEnvelope(envelope, "reply");
    const isForged = [envelope, renamed].some((one) => this.#forged.has(hex(one)));
    if (!isForged && this.#makerOf(renamed) === undefined) {
      this.#note("foreign");
      return;
    }
    this.#note(isForged ? "wrong-challenge" : "bad-signature");
    this.#speakers.set(key, "muted");
    this.worthless += 1;
  }

  #hear(agent: Heard, envelope: Uint8Array, at: number): void {
    const { sequence } = replyHead(envelope);
    if (this.#makerOf(envelope) === undefined) this.#note(`altered ${agent.identity}`);
    else if (sequence < agent.expected) this.#note("repeat");
    else {
      const missing = sequence - agent.expected;
      if (missing > 0) this.#note(`gap ${agent.identity}`, missing);
      agent.expected = sequence + 1;
      this.lastSign = at;
    }
  }

  #makerOf(envelope: Uint8Array): string | undefined {
    return this.#makers.get(hex(envelope));
  }

  #note(fact: string, times = 1): void {
    this.facts.set(fact, (this.facts.get(fact) ?? 0) + times);
  }
}

/** The reply key, in hexadecimal digits, and the sequence of a reply of 44 bytes or more, as anybody can read them. */
function replyHead(envelope: Uint8Array): { readonly key: string; readonly sequence: number } {
  const sequence = new DataView(envelope.buffer, envelope.byteOffset).getBigUint64(36);
  return { key: hex(envelope.subarray(4, 36)), sequence: Number(sequence) };
}

function isReplyFrame(envelope: Uint8Array): boolean {
  if (envelope.length < 44 || envelope.length > 80 * 1024) return false;
  if (Buffer.from(envelope.subarray(0, 4)).toString("latin1") !== "cb1r") return false;
  return Number.isSafeInteger(replyHead(envelope).sequence);
}

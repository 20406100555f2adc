/** A session of a station and the agents that answer it, well or badly. */
import type { Channel, CommandName, Identity, Tag } from "../../src/core/names.ts";
import { cryptoReady, randomBytes } from "../../src/protocol/crypto.ts";
import {
  type AgentKeyPair,
  agentKeyPair,
  newReplyKeyPair,
  newSeed,
  newSessionKeyPair,
  type SessionKeyPair,
} from "../../src/protocol/keys.ts";
import {
  type Disposition,
  type Exit,
  encodeReply,
  type Hello,
  type Output,
  type Reply,
  type Stream,
} from "../../src/protocol/reply.ts";
import { ReplySealer, signHello } from "../../src/protocol/reply-envelope.ts";
import type { ListRequest, PingRequest, Request, RunRequest } from "../../src/protocol/request.ts";
import type { Pins } from "../../src/station/pins.ts";
import { type ReplyEvent, ReplyReader } from "../../src/station/reply-reader.ts";

await cryptoReady();

export const NOW = 1_800_000_000_000;

const common = {
  version: 1,
  channel: "default" as Channel,
  sequence: 0,
  issued: NOW,
  expires: NOW + 60_000,
  challenge: randomBytes(32),
  replyAddress: randomBytes(16),
  station: "admin1" as Identity,
  target: undefined,
  census: false,
};

export function runRequest(changes: Partial<RunRequest> = {}): RunRequest {
  return {
    ...common,
    type: "run",
    command: "reload" as CommandName,
    limit: undefined,
    parameters: new Map(),
    ...changes,
  };
}

export function pingRequest(changes: Partial<PingRequest> = {}): PingRequest {
  return { ...common, type: "ping", ...changes };
}

export function listRequest(changes: Partial<ListRequest> = {}): ListRequest {
  return { ...common, type: "list", ...changes };
}

export function id(text: string): Identity {
  return text as Identity;
}

export function target(...tags: readonly string[]) {
  return { tags: tags as readonly Tag[] };
}

export function hello(identity: string, changes: Partial<Hello> = {}): Hello {
  return {
    type: "hello",
    identity: id(identity),
    tags: ["eu", "web"] as readonly string[] as readonly Tag[],
    software: "0.1.0",
    time: NOW,
    challenge: common.challenge,
    agentKey: agentKeyPair(newSeed()).publicKey,
    signature: new Uint8Array(64),
    disposition: { is: "running" },
    ...changes,
  };
}

export function output(offset: number, text: string, stream: Stream = "stdout"): Output {
  return { type: "output", stream, offset, data: new TextEncoder().encode(text) };
}

export function exit(changes: Partial<Exit> = {}): Exit {
  return {
    type: "exit",
    ending: "exited",
    status: 0,
    signal: undefined,
    runTime: 1234,
    stdout: 0,
    stderr: 0,
    dropped: 0,
    leftOpen: false,
    detail: undefined,
    ...changes,
  };
}

/** A station's end of a session. */
export class Scene {
  readonly request: Request;
  readonly session: SessionKeyPair = newSessionKeyPair();
  readonly reader: ReplyReader;

  constructor(request: Request = runRequest(), maxHellos = 1000, pins: Pins = new Map()) {
    this.request = request;
    this.reader = new ReplyReader({ request, session: this.session, pins, maxHellos });
  }

  agent(identity: string, keyPair?: AgentKeyPair): Agent {
    return new Agent(this, identity, keyPair);
  }

  /** Reads envelopes; the events of each are joined by `+`, as in the vectors. */
  says(...envelopes: readonly Uint8Array[]): readonly string[] {
    return envelopes.map((envelope) => nameOf(this.reader.read(envelope)));
  }

  fault(envelope: Uint8Array) {
    const event = this.reader.read(envelope).find(({ kind }) => kind === "fault");
    if (event?.kind !== "fault") throw new Error("no fault was found");
    return event;
  }
}

/** `gap+output`, or `nothing`. */
export function nameOf(events: readonly ReplyEvent[]): string {
  return events.map((event) => (event.kind === "fault" ? event.fault : event.kind)).join("+") || "nothing";
}

/** An agent's end, with a reply key of its own. */
export class Agent {
  readonly keyPair: AgentKeyPair;
  readonly identity: Identity;
  readonly #scene: Scene;
  readonly #replyKey = newReplyKeyPair();
  readonly #sealer: ReplySealer;

  constructor(scene: Scene, identity: string, keyPair: AgentKeyPair = agentKeyPair(newSeed())) {
    this.#scene = scene;
    this.identity = id(identity);
    this.keyPair = keyPair;
    this.#sealer = new ReplySealer(scene.session.publicKey, this.#replyKey);
  }

  /** A genuine hello; `changes` are signed along where the signature covers them. */
  hello(disposition: Disposition = { is: "running" }, changes: Partial<Hello> = {}): Hello {
    const { challenge } = this.#scene.request;
    const plain = hello(this.identity, {
      challenge,
      agentKey: this.keyPair.publicKey,
      disposition,
      ...changes,
    });
    const session = this.#scene.session.publicKey;
    const claim = { ...plain, session, replyKey: this.#replyKey.publicKey };
    return { ...plain, signature: changes.signature ?? signHello(claim, this.keyPair) };
  }

  /** The next envelope. */
  seal(reply: Reply): Uint8Array {
    return this.sealBody(encodeReply(reply));
  }

  sealBody(body: Uint8Array): Uint8Array {
    return this.#sealer.seal(body);
  }

  /** An envelope of a hello that this agent may say. */
  sealHello(...parts: Parameters<Agent["hello"]>): Uint8Array {
    return this.seal(this.hello(...parts));
  }

  /** Uses up sequences as a hub does that loses replies. */
  lose(count: number): void {
    for (let lost = 0; lost < count; lost++) this.sealBody(new Uint8Array());
  }
}

/**
 * One connection of the command channel, from its opening to its end: events of Socket.IO in the namespace
 * /dispatcher.
 *
 * Seen on the real server (5.25.2, python-socketio 5.18.1), each by hand:
 * - it acknowledges an event when its handler has returned, and not at all when the handler raised, as it does for a
 *   NUL in a status or for arguments of another form;
 * - what a handler sends comes before its acknowledgement: "Agent joined correctly …" or the event `disconnect` with
 *   the reason, both to everybody in the namespace, whoever's join it was;
 * - handlers run side by side: of two statuses sent at once, the second may be stored first;
 * - a join that fails leaves an earlier one of the same connection in force, and a stranger's changes nothing for us;
 * - `leave_agent` is answered by the end of the namespace, after which nothing is acknowledged.
 */
import { isJsonObject } from "../core/json.ts";
import type { Log } from "../core/log.ts";
import { shortened } from "../core/text.ts";
import {
  type Announcement,
  type ChannelObserver,
  type ChannelWaits,
  type CommandChannel,
  type OpenChannel,
  opened,
  type StatusMessage,
  statusFields,
  WAITS,
} from "./command-channel.ts";
import { EngineSocket, type EngineTransport } from "./engine-socket.ts";
import type { HttpClient } from "./http-client.ts";
import { type Answer, type JoinEcho, type JoinVerdict, verdictOf } from "./join-verdict.ts";
import { PendingAnswers } from "./pending-answers.ts";
import { CONNECT, eventPacket, readPacket } from "./socket-packet.ts";

/** The usual one, over connections of its own. */
export function channelOpener(
  http: HttpClient,
  log: Log,
  waits = WAITS,
  transport: EngineTransport = "auto",
): OpenChannel {
  return (observer, signal) => Channel.open(http, { observer, log, waits, transport }, signal);
}

type ChannelParts = {
  readonly observer: ChannelObserver;
  readonly log: Log;
  readonly waits: ChannelWaits;
  readonly transport: EngineTransport;
};

export class Channel implements CommandChannel {
  readonly protocol = "socket.io";
  readonly #engine: EngineSocket;
  readonly #parts: ChannelParts;
  readonly ended: Promise<string>;
  #end: (reason: string) => void = () => {};
  #onConnected: () => void = () => {};
  readonly #pending = new PendingAnswers();
  #acknowledges = false;
  #heard: JoinEcho = { isProven: false, hasWelcome: false, rejection: undefined };
  #onJoinWord: () => void = () => {};

  private constructor(http: HttpClient, parts: ChannelParts) {
    this.#parts = parts;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    const observer = {
      onOpen: () => this.#engine.send(CONNECT),
      onMessage: (text: string) => this.#onMessage(text),
      onEnd: (reason: string) => this.#end(reason),
    };
    this.#engine = new EngineSocket(http, observer, parts.transport);
    void this.ended.then(() => this.#pending.lose());
  }

  /**
   * A connection in the namespace, within twice the timeout of `http`.
   *
   * @throws {ServerFailure} `connection`
   * @throws the reason of `signal`
   */
  static async open(http: HttpClient, parts: ChannelParts, signal: AbortSignal): Promise<Channel> {
    signal.throwIfAborted();
    const channel = new Channel(http, parts);
    const connected = new Promise<void>((resolve) => {
      channel.#onConnected = resolve;
    });
    const end = (reason: string) => channel.#end(reason);
    return opened({ channel, connected, end, patience: 2 * http.timeout }, signal);
  }

  get acknowledges(): boolean {
    return this.#acknowledges;
  }

  /** Again and again, if need be, as a further join takes the place of an earlier one. */
  async join(token: string, executors: readonly Announcement[]): Promise<JoinVerdict> {
    const heard: JoinEcho = { isProven: false, hasWelcome: false, rejection: undefined };
    this.#heard = heard;
    const patience = new AbortController();
    const giveUpIn = (ms: number) => setTimeout(() => patience.abort(), ms);
    const timers = [giveUpIn(this.#parts.waits.acknowledge)];
    this.#onJoinWord = () => {
      timers.push(giveUpIn(this.#parts.waits.settle));
      this.#onJoinWord = () => {};
    };
    const join = { action: "JOIN_AGENT", token, executors };
    const answer = await this.#emit("join_agent", join, patience.signal);
    this.#onJoinWord = () => {};
    for (const timer of timers) clearTimeout(timer);
    return verdictOf(answer, heard);
  }

  runStatus(status: StatusMessage, patience: number, signal: AbortSignal): Promise<Answer> {
    // As text: Faraday takes no object here, and says nothing about it.
    const text = JSON.stringify(statusFields(status));
    return this.#emit("run_status", text, AbortSignal.any([signal, AbortSignal.timeout(patience)]));
  }

  /** The server then shows what still runs as failed. */
  async leave(): Promise<void> {
    // Without an argument: with one, the handler raises and we stay online until the server misses our heartbeat.
    this.#engine.send(eventPacket("leave_agent", undefined));
    const timer = setTimeout(() => this.#end("left"), this.#parts.waits.leave);
    await this.ended;
    clearTimeout(timer);
    await this.close();
  }

  async close(): Promise<void> {
    this.#end("closed");
    await this.#engine.close();
  }

  #emit(name: string, argument: unknown, patience: AbortSignal): Promise<Answer> {
    return this.#pending.expect((id) => this.#engine.send(eventPacket(name, id, argument)), patience);
  }

  #onMessage(text: string): void {
    const packet = readPacket(text);
    switch (packet?.kind) {
      case "connect":
        this.#onConnected();
        break;
      case "refused":
        this.#end("it has no agents' channel (Socket.IO, /dispatcher), expected Faraday 5.0 or newer");
        break;
      case "disconnect":
        this.#end("ended by the server");
        break;
      case "acknowledgement":
        this.#acknowledges = true;
        this.#pending.acknowledge(packet.id);
        break;
      case "event":
        this.#onEvent(packet.name, packet.argument);
        break;
      case undefined:
        // Without its text: it may be a `run` in another form, with passwords among its arguments.
        this.#parts.log.debug(
          { event: "packet-ignored", characters: text.length },
          "Ignored an unknown packet",
        );
    }
  }

  #onEvent(name: string, argument: unknown): void {
    switch (name) {
      case "run":
        this.#heard.isProven = true;
        this.#parts.observer.onRun(argument);
        break;
      case "message":
        if (argument === "Agent joined correctly to dispatcher namespace") this.#hear({ hasWelcome: true });
        break;
      case "disconnect":
        this.#hear({ rejection: reasonOf(argument) });
        break;
      default:
        this.#parts.log.debug({ event: "event-ignored", name: shortened(name) }, "Ignored an unknown event");
    }
  }

  #hear(word: Partial<JoinEcho>): void {
    // Once for each join of ours: anybody can have hundreds of theirs refused in a second.
    if (word.rejection !== undefined && this.#heard.rejection === undefined) {
      const fields = { event: "join-refused", reason: word.rejection };
      this.#parts.log.debug(fields, "A join was refused, ours or a stranger's");
    }
    Object.assign(this.#heard, word);
    this.#onJoinWord();
  }
}

function reasonOf(argument: unknown): string {
  const reason = isJsonObject(argument) ? argument["reason"] : undefined;
  return typeof reason === "string" ? shortened(reason) : "no reason";
}

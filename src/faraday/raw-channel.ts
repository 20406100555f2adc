/**
 * One connection of the command channel of Faraday 3.14 to 4.6, from its opening to its end: JSON over a WebSocket.
 *
 * Its protocol says nothing of a join that succeeds, and nothing of a status. Both are acknowledged all the same, see
 * `raw-socket.ts`. A join that fails is the end of the connection, with a reason; what an executor still does then is
 * no concern of such a server: it leaves the run as it was last told.
 */
import type { Log } from "../core/log.ts";
import { shortened } from "../core/text.ts";
import {
  type Announcement,
  type ChannelObserver,
  type ChannelWaits,
  type CommandChannel,
  opened,
  type StatusMessage,
} from "./command-channel.ts";
import type { HttpClient } from "./http-client.ts";
import { type Answer, type JoinVerdict, verdictOf } from "./join-verdict.ts";
import { joinText, leaveText, readRun, statusText } from "./raw-frame.ts";
import { RawSocket } from "./raw-socket.ts";

export type RawChannelParts = {
  readonly observer: ChannelObserver;
  readonly log: Log;
  readonly waits: ChannelWaits;
};

/** What we say when we leave; the server may log it. */
const GOODBYE = "the dispatcher was stopped";

export class RawChannel implements CommandChannel {
  readonly protocol = "legacy";
  readonly #socket: RawSocket;
  readonly #parts: RawChannelParts;
  readonly ended: Promise<string>;
  #end: (reason: string) => void = () => {};
  #onConnected: () => void = () => {};
  /** Of our join; empty before it. */
  #token = "";
  #hasJoined = false;

  private constructor(http: HttpClient, url: URL, parts: RawChannelParts) {
    this.#parts = parts;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    const observer = {
      onOpen: () => this.#onConnected(),
      onText: (text: string) => this.#onText(text),
      onEnd: (reason: string, words: string) => this.#end(this.#endReason(reason, words)),
    };
    this.#socket = new RawSocket(http, url, parts.waits.ping, observer);
  }

  /**
   * A connection, within twice the timeout of `http`.
   *
   * @param url ws:// or wss://
   * @throws {ServerFailure} `connection`, without a good reason: the WebSocket has none
   * @throws the reason of `signal`
   */
  static async open(
    http: HttpClient,
    url: URL,
    parts: RawChannelParts,
    signal: AbortSignal,
  ): Promise<RawChannel> {
    signal.throwIfAborted();
    const channel = new RawChannel(http, url, parts);
    const connected = new Promise<void>((resolve) => {
      channel.#onConnected = resolve;
    });
    const end = (reason: string) => channel.#end(reason);
    return opened({ channel, connected, end, patience: 2 * http.timeout }, signal);
  }

  get acknowledges(): boolean {
    return this.#socket.acknowledges;
  }

  async join(token: string, executors: readonly Announcement[]): Promise<JoinVerdict> {
    this.#token = token;
    const patience = AbortSignal.timeout(this.#parts.waits.acknowledge);
    const answer = await this.#socket.deliver(joinText(token, executors), patience);
    // A refusal would have been the end.
    const verdict = verdictOf(answer, { isProven: false, hasWelcome: false, rejection: undefined });
    this.#hasJoined = verdict.kind === "joined";
    return verdict;
  }

  async runStatus(status: StatusMessage, patience: number, signal: AbortSignal): Promise<Answer> {
    return this.#socket.deliver(statusText(status), AbortSignal.any([signal, AbortSignal.timeout(patience)]));
  }

  async leave(): Promise<void> {
    await this.#socket.finish(leaveText(this.#token, GOODBYE), GOODBYE, this.#parts.waits.leave);
    await this.close();
  }

  async close(): Promise<void> {
    this.#end("closed");
    await this.#socket.close();
  }

  #onText(text: string): void {
    const run = readRun(text);
    if (run === undefined) {
      // Without the text: it may be a run in another form, with passwords among its arguments.
      const fields = { event: "message-ignored", characters: text.length };
      this.#parts.log.debug(fields, "Ignored an unknown message");
    } else this.#parts.observer.onRun(run);
  }

  #endReason(reason: string, words: string): string {
    if (words === "") return reason;
    const said = shortened(words);
    const isJoining = this.#token !== "" && !this.#hasJoined;
    return isJoining ? `it refuses the join: ${said}` : `${reason}: ${said}`;
  }
}

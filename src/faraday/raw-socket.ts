/**
 * One WebSocket of texts, with a heartbeat and acknowledgements; what old Faraday servers have for a channel.
 *
 * Their protocol has neither, but WebSocket has pings, and the server (autobahn) deals with frames in their order: a
 * pong says that the handler of whatever was sent before has returned. Seen on 3.19.0 and 4.6.2: the pong comes after
 * the join is in the database; where the handler refuses, a close frame comes in its place, and where it raises, the
 * end of the connection. Neither sends a ping of its own, so the heartbeat is ours.
 * Source: RFC 6455, 5.5.2 and 5.5.3.
 */
import { type HttpClient, listenForPongs, sendPing } from "./http-client.ts";
import { PendingAnswers } from "./pending-answers.ts";

export type RawObserver = {
  /** Somebody answers: texts can go. */
  readonly onOpen: () => void;
  readonly onText: (text: string) => void;
  /** Once, and nothing follows. @param words what the server said at the end, mostly nothing */
  readonly onEnd: (reason: string, words: string) => void;
};

const CONNECTION_LOST = "connection lost";
const CLOSED = "closed by the server";
/** The reasons of an end that say little about it. */
export const VAGUE_REASONS: readonly string[] = [CONNECTION_LOST, CLOSED];
/** For the last frames and the end of the WebSocket, in milliseconds. */
const CLOSING_MS = 200;
/** What is there is read before a heartbeat counts as missed: a process that was stopped wakes up to both at once. */
const READ_FIRST_MS = 100;
/** Of the ping whose answer says that somebody is there. */
const GREETING = "hello";
/** Pings without an answer after which nobody is there any more. */
const MOST_UNANSWERED = 2;
// RFC 6455, 7.4.1: all is well; and there was no close frame.
const NORMAL_CLOSURE = 1000;
const ABNORMAL_CLOSURE = 1006;

export class RawSocket {
  readonly #http: HttpClient;
  readonly #observer: RawObserver;
  readonly #socket: ReturnType<HttpClient["webSocket"]>;
  readonly #pending = new PendingAnswers();
  readonly #pingEvery: number;
  readonly #stopListening: () => void;
  #heartbeat: ReturnType<typeof setTimeout> | undefined;
  /** Pings in a row; anything that comes from the server ends the row. */
  #unanswered = 0;
  #acknowledges = false;
  #hasEnded = false;

  /**
   * Begins to open one; the observer learns what becomes of it. It may take for ever.
   *
   * @param url ws:// or wss://
   * @param pingEvery milliseconds; after two or three times as many, a server that is mute counts as gone
   */
  constructor(http: HttpClient, url: URL, pingEvery: number, observer: RawObserver) {
    this.#http = http.sibling();
    this.#observer = observer;
    this.#pingEvery = pingEvery;
    const socket = this.#http.webSocket(url.href);
    this.#socket = socket;
    // Not as a Blob, which would have to be read first.
    socket.binaryType = "arraybuffer";
    this.#stopListening = listenForPongs(socket, (payload) => this.#onPong(payload));
    // Faraday 5 makes a WebSocket of whatever asks for one, and ends it at once; nobody is behind it.
    socket.addEventListener("open", () => sendPing(socket, GREETING));
    socket.addEventListener("message", ({ data }) => {
      this.#unanswered = 0;
      // Binary ones mean nothing in this protocol.
      if (typeof data === "string" && !this.#hasEnded) observer.onText(data);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.#end(code === ABNORMAL_CLOSURE ? CONNECTION_LOST : CLOSED, reason);
    });
  }

  /** Whether a text of ours was acknowledged. */
  get acknowledges(): boolean {
    return this.#acknowledges;
  }

  /** Sends a text; `acknowledged` once the server has dealt with it. */
  deliver(text: string, patience: AbortSignal) {
    return this.#pending.expect((id) => {
      this.#socket.send(text);
      sendPing(this.#socket, String(id));
    }, patience);
  }

  /**
   * A last text, and the end; resolves when the server has closed it, too, or `patience` milliseconds are over.
   *
   * @param words at most 123 bytes, which a close frame can hold
   */
  async finish(text: string, words: string, patience: number): Promise<void> {
    if (this.#hasEnded) return;
    const closed = new Promise((resolve) => this.#socket.addEventListener("close", resolve, { once: true }));
    this.#socket.send(text);
    this.#socket.close(NORMAL_CLOSURE, words);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = new Promise((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    await Promise.race([closed, soon]);
    clearTimeout(timer);
  }

  /** Ends it and all that it had open. */
  async close(): Promise<void> {
    if (!this.#hasEnded) {
      this.#socket.close();
      await new Promise((resolve) => setTimeout(resolve, CLOSING_MS));
    }
    this.#end("closed", "");
    await this.#http.close();
  }

  /** One timer at a time: what is due does not pile up while the process is stopped. */
  #beat(): void {
    this.#heartbeat = setTimeout(() => {
      if (this.#unanswered < MOST_UNANSWERED) {
        this.#unanswered += 1;
        sendPing(this.#socket, "");
        this.#beat();
      } else {
        this.#heartbeat = setTimeout(() => {
          if (this.#unanswered < MOST_UNANSWERED) this.#beat();
          else this.#end("no heartbeat from the server", "");
        }, READ_FIRST_MS);
      }
    }, this.#pingEvery);
  }

  /** A server may answer the last of several pings alone. */
  #onPong(payload: string): void {
    this.#unanswered = 0;
    if (payload === GREETING && this.#heartbeat === undefined && !this.#hasEnded) {
      this.#beat();
      this.#observer.onOpen();
    }
    if (!/^\d{1,15}$/.test(payload)) return;
    this.#acknowledges = true;
    this.#pending.acknowledgeUpTo(Number(payload));
  }

  #end(reason: string, words: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#heartbeat);
    this.#stopListening();
    this.#pending.lose();
    void this.#http.close();
    this.#observer.onEnd(reason, words);
  }
}

/**
 * One Engine.IO connection (version 4), by WebSocket or else by polling; the only door to engine.io-client.
 *
 * WebSocket first, as the server takes it without an upgrade: one connection, and no moment at which two of them
 * carry it. Polling is for what lies between and lets no WebSocket through. Both go over the given HTTP client, so
 * that TLS, proxies and limits are the same.
 *
 * engine.io-client 6.6 trusts its server. So here, before it sees them:
 * - the handshake is checked: it would throw for a bad one, out of reach of any `try`, and a heartbeat of more than
 *   24 days would be over at once;
 * - a second handshake, anything before the first (a ping would be over at once), and binary data are errors;
 * - what it writes is bounded: a server may ask with pings for ever and never read the answers.
 */
import {
  Fetch,
  NodeWebSocket,
  Socket,
  type SocketReservedEvents,
  type TransportCtor,
} from "engine.io-client";
import { LONGEST_TIMER } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import { isJsonObject, parseJson } from "../core/json.ts";
import { shortened } from "../core/text.ts";
import { below, type HttpClient, type HttpRequest } from "./http-client.ts";
import { refusalOf } from "./server-answer.ts";

export type EngineObserver = {
  /** Messages can go. */
  readonly onOpen: () => void;
  readonly onMessage: (text: string) => void;
  /** Once, and nothing follows. */
  readonly onEnd: (reason: string) => void;
};

/** `auto`: by WebSocket, and where none comes through by polling. */
export type EngineTransport = "auto" | "websocket" | "polling";

/** Packets that may wait for a server that does not read; ours are below a megabyte, and few but for pings. */
const MAX_WAITING_PACKETS = 10_000;
/** Packets in one answer to a poll: each becomes an object, and may have as little as two bytes. */
const MAX_POLLED_PACKETS = 10_000;
/** For the last packets and the end of the WebSocket, in milliseconds. */
const CLOSING_MS = 200;

const NOT_READING = "the server does not read what it asked for";
/** Those of engine.io-client. */
const REASONS: Readonly<Record<string, string>> = {
  "ping timeout": "no heartbeat from the server",
  "transport close": "closed by the server",
  "transport error": "connection lost",
};

type Packet = Parameters<SocketReservedEvents["packet"]>[0];
type Transfer = Pick<HttpRequest, "body" | "headers" | "timeout">;

/** Milliseconds between the end of a wait and what it leads to. */
const READ_FIRST_MS = 100;

/**
 * Timers of engine.io-client, in place of the global ones: what is there is read before a heartbeat counts as missed.
 *
 * A process that was stopped, or a machine that slept, wakes up with its timers run out and its sockets full. The
 * heartbeat is there then, and so may be a run, which would be lost with the connection.
 */
const patientTimers = {
  setTimeoutFn: (work: () => void, milliseconds: number): PatientTimer => {
    const timer: PatientTimer = { handle: undefined };
    timer.handle = setTimeout(() => {
      timer.handle = setTimeout(work, READ_FIRST_MS);
    }, milliseconds);
    return timer;
  },
  clearTimeoutFn: (timer: PatientTimer | undefined): void => clearTimeout(timer?.handle),
};

type PatientTimer = { handle: ReturnType<typeof setTimeout> | undefined };

export class EngineSocket {
  readonly #http: HttpClient;
  readonly #observer: EngineObserver;
  readonly #socket: Socket;
  readonly #ended = new AbortController();
  /** What was wrong, where engine.io-client says only that something was. */
  #fault: string | undefined;

  /** Begins to open one; the observer learns what becomes of it. It may take for ever. */
  constructor(http: HttpClient, observer: EngineObserver, transport: EngineTransport) {
    this.#http = http.sibling();
    this.#observer = observer;
    const { protocol, hostname, port, pathname } = below(http.channel, "/socket.io/");
    this.#socket = new Socket({
      secure: protocol === "https:",
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port,
      path: pathname,
      transports: this.#transports()[transport],
      tryAllTransports: true,
      upgrade: false,
    });
    Object.assign(this.#socket, patientTimers);
    this.#socket.on("open", () => {
      // Of the transport that was tried first.
      this.#fault = undefined;
      observer.onOpen();
    });
    this.#socket.on("message", (data) => observer.onMessage(String(data)));
    this.#socket.on("packetCreate", () => {
      if (this.#socket.writeBuffer.length > MAX_WAITING_PACKETS) this.#end(NOT_READING);
    });
    this.#socket.on("close", (reason) => this.#end(this.#fault ?? REASONS[reason] ?? reason));
  }

  /** Once it has ended, nothing happens. */
  send(text: string): void {
    this.#socket.send(text);
  }

  /** Ends it and all that it had open. */
  async close(): Promise<void> {
    if (!this.#ended.signal.aborted) {
      this.#socket.close();
      await new Promise((resolve) => setTimeout(resolve, CLOSING_MS));
    }
    this.#end("closed");
    await this.#http.close();
  }

  #end(reason: string): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#socket.off();
    this.#socket.close();
    void this.#http.close();
    this.#observer.onEnd(reason);
  }

  /** Classes, since engine.io-client makes the objects; in the order in which they are tried. */
  #transports(): Readonly<Record<EngineTransport, TransportCtor[]>> {
    const http = this.#http;
    const { signal } = this.#ended;
    const fail = (reason: string) => {
      this.#fault = shortened(reason);
      return this.#fault;
    };
    const checked = (packet: Packet) => {
      if (packet.type === "open") return checkedHandshake(packet, this.#socket);
      if (!this.#socket.id) throw new Error("it begins without a handshake");
      return packet;
    };

    class Polling extends Fetch {
      override doPoll(): void {
        this.#ask((answer) => this.onData(answer), { timeout: LONGEST_TIMER });
      }

      override doWrite(body: string, whenDone: () => void): void {
        this.#ask(whenDone, { body, headers: { "content-type": "text/plain;charset=UTF-8" } });
      }

      override onData(data: string): void {
        if (hasMoreThan(data, SEPARATOR, MAX_POLLED_PACKETS)) throw new Error("it sends too much at once");
        super.onData(data);
      }

      protected override onPacket(packet: Packet): void {
        super.onPacket(checked(packet));
      }

      #ask(use: (text: string) => void, options: Transfer): void {
        const method = options.body === undefined ? "GET" : "POST";
        http
          .request({ ...options, method, url: new URL(this.uri()), signal })
          .then((answer) => {
            if (answer.status !== 200) throw new Error(refusalOf(answer));
            if (answer.isCut) throw new Error("it sends too much at once");
            use(answer.text);
          })
          .catch((error: unknown) => this.onError(fail(messageOf(error)), error));
      }
    }

    class OverWebSocket extends NodeWebSocket {
      override createSocket(url: string): unknown {
        return http.webSocket(url);
      }

      /** Since nothing waited any more. The bytes that wait say little: an answer to a ping has one. */
      #waiting = 0;

      override doWrite(_packet: Packet, data: string): void {
        this.#waiting = this.ws.bufferedAmount === 0 ? 0 : this.#waiting + 1;
        this.ws.send(data);
        if (this.#waiting > MAX_WAITING_PACKETS) this.onError(fail(NOT_READING), undefined);
      }

      protected override onData(data: unknown): void {
        try {
          if (typeof data !== "string") throw new Error("it sends binary data");
          super.onData(data);
        } catch (error) {
          this.onError(fail(messageOf(error)), error);
        }
      }

      protected override onPacket(packet: Packet): void {
        super.onPacket(checked(packet));
      }
    }

    return { auto: [OverWebSocket, Polling], websocket: [OverWebSocket], polling: [Polling] };
  }
}

/** Between the packets of one poll (Engine.IO, protocol 4). */
const SEPARATOR = "\u001e";

function hasMoreThan(text: string, character: string, limit: number): boolean {
  let found = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) {
    found += 1;
    if (found > limit) return true;
  }
  return false;
}

/** @throws {Error} for a second one, or one that is none */
function checkedHandshake(packet: Packet, { id }: { readonly id?: string }): Packet {
  if (id) throw new Error("it shakes hands twice");
  const data = parseJson(String(packet.data));
  if (!isJsonObject(data) || typeof data["sid"] !== "string")
    throw new Error("its handshake is not that of Engine.IO");
  const { sid } = data;
  const [pingInterval, pingTimeout] = [heartbeat(data["pingInterval"]), heartbeat(data["pingTimeout"])];
  return { type: "open", data: JSON.stringify({ sid, upgrades: [], pingInterval, pingTimeout }) };
}

/** Milliseconds; the sum of two is one timer. @throws {Error} for what is no time */
function heartbeat(value: unknown): number {
  if (typeof value !== "number" || !(value > 0)) throw new Error("its handshake has no heartbeat");
  return Math.min(value, LONGEST_TIMER / 4);
}

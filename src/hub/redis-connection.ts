/**
 * One connection to Redis, from its socket to its end; the only door to ioredis.
 *
 * ioredis (6.0) writes commands and reads answers here, and nothing else. Its own connecting, handshake,
 * reconnecting and queueing are off, because each has a trap:
 * - `connect()` rejects with "Connection is closed."; the reason is in an `error` event, if anywhere;
 * - it prints: AUTH where no password is asked for, INFO where an ACL denies it, errors without a listener;
 * - a wrong database is an `error` event, after which commands go to database 0;
 * - it resends what was not answered, and an LTRIM sent twice loses replies;
 * - it asks for CLIENT SETINFO, HELLO and INFO, which a minimal ACL does not grant.
 * So the socket is connected and guarded before ioredis gets it, AUTH and SELECT are plain commands, and a
 * connection that is lost stays lost: `ReconnectingLink` opens another.
 * What is left: under DEBUG=ioredis:* its `debug` prints commands, AUTH with its password too. That can only be
 * ended in the bundle, by an empty package in its place.
 */
import { AbstractConnector, Redis, type RedisOptions } from "ioredis";
import { messageOf } from "../core/errors.ts";
import { BulkGuard } from "./bulk-guard.ts";
import type { Connection } from "./connection-string.ts";
import { failureOf, failureOfReply, HubFailure, withLikelyCause } from "./failure.ts";
import { GuardedStream } from "./guarded-stream.ts";
import { openSocket } from "./socket.ts";

/** From the first packet to the answer to PING, in milliseconds. */
export const CONNECT_MS = 3_000;
/** For one answer, in milliseconds; a Redis that was stopped for ten seconds is not yet a dead one. */
const ANSWER_MS = 15_000;
/**
 * Silence before the first keep-alive probe, in milliseconds: a subscriber hears nothing for days and must still
 * notice that its network is gone (libuv and Bun then probe every second, ten times).
 */
const KEEP_ALIVE_MS = 15_000;

/** A command and its arguments; one answer each. */
export type Command = readonly [name: string, ...args: (string | number | Uint8Array)[]];

export class RedisConnection {
  readonly #stream: GuardedStream;
  readonly #guard: BulkGuard;
  readonly #client: Redis;
  /** Resolves with the reason when the connection is gone; never rejects. */
  readonly ended: Promise<HubFailure>;

  private constructor(stream: GuardedStream, guard: BulkGuard) {
    this.#stream = stream;
    this.#guard = guard;
    this.#client = new Redis(optionsFor(stream));
    this.#client.on("error", (error: Error) => this.destroy(failureOf(error)));
    this.ended = new Promise((resolve) => {
      stream.once("close", () => resolve(stream.failure));
    });
  }

  /**
   * A connection that Redis answers on: socket, TLS, password, database and PING within three seconds.
   *
   * @param maxBulkBytes the largest string that Redis may send; a larger one closes the connection
   * @throws {HubFailure} with the first reason
   */
  static async open(target: Connection, maxBulkBytes: number, signal: AbortSignal): Promise<RedisConnection> {
    const guard = new BulkGuard(maxBulkBytes);
    const { socket, readyEvent } = openSocket(target);
    const stream = new GuardedStream(socket, guard);
    const stop = (reason: string) => stream.destroy(new HubFailure("connection", reason));
    let missing = "answer";
    const timer = setTimeout(() => stop(`no ${missing} within ${CONNECT_MS / 1000} s`), CONNECT_MS);
    // A Redis without TLS takes the handshake for the beginning of a command, and waits for the rest.
    if (readyEvent === "secureConnect") {
      socket.once("connect", () => {
        missing = "TLS handshake";
      });
    }
    const onAbort = () => stop("interrupted");
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await stream.connected(readyEvent);
      missing = "answer";
      const connection = new RedisConnection(stream, guard);
      await connection.#client.connect();
      await connection.#enter(target);
      return connection;
    } catch (error) {
      // An answer in words; whatever else was thrown, the stream knows better.
      const failure = withLikelyCause(error instanceof HubFailure ? error : stream.failure, target);
      stream.destroy(failure);
      throw failure;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #enter({ database, user, password }: Connection): Promise<void> {
    if (user !== undefined) await this.send(["AUTH", user, password ?? ""]);
    else if (password !== undefined) await this.#authenticate(password);
    // Only where it is needed: an ACL need not grant it.
    if (database !== 0) await this.send(["SELECT", database]);
    await this.#ping();
  }

  /** A password that Redis does not ask for is no failure, so that one can be introduced on either side first. */
  async #authenticate(password: string): Promise<void> {
    const [answer] = await this.answersTo([["AUTH", password]], ANSWER_MS);
    if (!(answer instanceof HubFailure)) return;
    if (!/no password is set|without any password configured/.test(answer.message)) throw answer;
  }

  /** Asks whether this is a Redis that lets us in; one that lets us in, but not ping, does. */
  async #ping(): Promise<void> {
    const [answer] = await this.answersTo([["PING"]], ANSWER_MS);
    if (answer instanceof HubFailure && answer.kind !== "denied") throw answer;
  }

  /**
   * Sends commands in one go and waits for all their answers.
   *
   * @returns one answer each: bytes for a string, numbers, null, and arrays of these
   * @throws {HubFailure} the first refusal, or why the connection was lost; some commands may then have been done
   */
  async send(...commands: readonly Command[]): Promise<readonly unknown[]> {
    return this.sendAndWait(ANSWER_MS, ...commands);
  }

  /** `send` for commands that block. @param milliseconds for the answers; then the connection is given up */
  async sendAndWait(milliseconds: number, ...commands: readonly Command[]): Promise<readonly unknown[]> {
    const answers = await this.answersTo(commands, milliseconds);
    for (const answer of answers) {
      if (answer instanceof HubFailure) throw answer;
    }
    return answers;
  }

  /**
   * Sends commands in one go; a refusal is an answer like others.
   *
   * @returns one each, a `HubFailure` for a refusal
   * @throws {HubFailure} when the connection was lost
   */
  async answersTo(commands: readonly Command[], milliseconds: number): Promise<readonly unknown[]> {
    const timer = setTimeout(
      () => this.destroy(new HubFailure("connection", `no answer within ${milliseconds / 1000} s`)),
      milliseconds,
    );
    this.#guard.expect(commands.length);
    this.#stream.cork();
    const sent = commands.map(([name, ...args]) => this.#client.callBuffer(name, ...args.map(argument)));
    this.#stream.uncork();
    const settled = await Promise.allSettled(sent);
    clearTimeout(timer);
    return settled.map((one) => {
      if (one.status === "fulfilled") return firstRefusal(one.value);
      if (!this.#stream.writable) throw this.#stream.failure;
      return failureOfReply(messageOf(one.reason));
    });
  }

  /**
   * Subscribes; the connection is of no other use from here on.
   *
   * @param onMessage must not throw
   * @throws {HubFailure} when Redis refused or went away
   */
  async subscribe(channel: string, onMessage: (message: Uint8Array) => void): Promise<void> {
    this.#client.on("messageBuffer", (_channel: unknown, message: unknown) => {
      if (message instanceof Uint8Array) onMessage(message);
    });
    this.#guard.expectMessages();
    await this.send(["subscribe", channel]); // lower case: ioredis compares it when the answer comes
  }

  /** Ends the connection once everything is written; Redis closes it then. QUIT would say no more. */
  end(): void {
    // Once destroyed there is nobody to wait for, but ioredis would, and hold the process up meanwhile.
    if (!this.#stream.destroyed) this.#client.disconnect();
  }

  /** Ends the connection now: whoever waits for an answer gets this failure. */
  destroy(failure: HubFailure): void {
    this.#stream.destroy(failure);
  }
}

/** ioredis takes bytes for text unless they are a Buffer. */
function argument(value: string | number | Uint8Array): string | number | Buffer {
  if (typeof value !== "object") return value;
  return Buffer.from(value.buffer, value.byteOffset, value.length);
}

/** EXEC answers with an array that holds the refusals of what was queued. */
function firstRefusal(answer: unknown): unknown {
  const refusal = Array.isArray(answer) ? answer.find((element) => element instanceof Error) : undefined;
  return refusal === undefined ? answer : failureOfReply(messageOf(refusal));
}

function optionsFor(stream: GuardedStream) {
  // Hands over the stream, which is connected; `disconnect()` of the base class ends it.
  class Connector extends AbstractConnector {
    constructor() {
      super(1_000); // milliseconds that Redis has to close its side
    }

    override connect(): Promise<typeof this.stream> {
      // A Duplex with what ioredis uses of a Socket: setNoDelay and setKeepAlive.
      this.stream = stream as unknown as typeof this.stream;
      return Promise.resolve(this.stream);
    }
  }
  return {
    Connector,
    lazyConnect: true, // open() connects, and waits for it
    protocol: 2, // no HELLO, and a third of the types for the guard
    disableClientInfo: true, // no CLIENT SETINFO
    enableReadyCheck: false, // no INFO; LOADING is an answer like others
    retryStrategy: () => null, // lost is lost
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    noDelay: true,
    keepAlive: KEEP_ALIVE_MS,
    // connectTimeout, commandTimeout: open() and send() watch the time, and end the connection when it is up;
    // ioredis would leave a timed-out command in flight.
  } satisfies RedisOptions;
}

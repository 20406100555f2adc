/**
 * The hub as an agent uses it: a daemon. It never gives up, says so once for each change, and repeats a push
 * with the same bytes until Redis has confirmed it.
 *
 * Two connections, since one that has subscribed takes no other command (RESP2).
 */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../core/errors.ts";
import type { Channel } from "../core/names.ts";
import type { Connection } from "./connection-string.ts";
import { failureOf, HubFailure, hubError } from "./failure.ts";
import { presenceKey, replyList, requestChannel } from "./names.ts";
import { pauseBefore, ReconnectingLink } from "./reconnecting-link.ts";
import { type Command, RedisConnection } from "./redis-connection.ts";
import { RequestQueue } from "./request-queue.ts";

/** The largest request, 64 KiB, with what Redis may add (PROTOCOL.md §3). */
const MAX_REQUEST_BYTES = 64 * 1024 + 256;
/** What a list of replies lives after the last push, in seconds (PROTOCOL.md §7). */
const LIST_SECONDS = 600;

/** The reply address of no station: what an agent may ask Redis about, and that changes nothing. */
const NOBODY = new Uint8Array(16);
/** For the answer that `check` waits for, in milliseconds. */
const CHECK_MS = 3_000;

/** `lost` while any part of it does not work: the reason alone, such as `connection refused`. */
export type HubState = { readonly kind: "connected" } | { readonly kind: "lost"; readonly reason: string };

/** Told what a log should say, once each; must not throw. */
export type HubObserver = {
  readonly onState: (state: HubState) => void;
  /** A request came while 1 024 of them, or 4 MiB, were waiting to be taken. */
  readonly onRequestDropped: () => void;
};

/** What stands between an agent and the station that it answers. */
export type Backlog = {
  /** Replies of all agents that the station has not taken from the list. */
  readonly length: number;
  /** Whether the station has lately said that it lives. */
  readonly isStationThere: boolean;
};

/** Starts connecting and returns at once; nothing that Redis does makes it throw or print. */
export function openAgentHub(connection: Connection, channel: Channel, observer: HubObserver): AgentHub {
  return new AgentHub(connection, channel, observer);
}

export class AgentHub {
  readonly #connection: Connection;
  readonly #channel: Channel;
  readonly #observer: HubObserver;
  readonly #queue = new RequestQueue();
  readonly #listening: ReconnectingLink;
  readonly #pushing: ReconnectingLink;
  /** Why a part does not work; undefined where it does. */
  readonly #trouble: { listening?: string | undefined; pushing?: string | undefined } = {
    listening: "connecting",
    pushing: "connecting",
  };
  #said: string | undefined = "connecting";
  /** Whether Redis would not take a push for now, such as where it is full. */
  #isRefused = false;

  constructor(connection: Connection, channel: Channel, observer: HubObserver) {
    this.#connection = connection;
    this.#channel = channel;
    this.#observer = observer;
    this.#listening = new ReconnectingLink((signal) => this.#subscribe(signal), {
      onUp: () => this.#note("listening", undefined),
      onLost: (reason) => this.#note("listening", reason),
      onFailed: (reason) => this.#note("listening", reason),
    });
    this.#pushing = new ReconnectingLink(
      (signal) => RedisConnection.open(connection, MAX_REQUEST_BYTES, signal),
      {
        onUp: () => this.#note("pushing", undefined),
        // Redis may be told to close idle connections, which is no trouble if the next attempt succeeds, and
        // whoever was pushing says so.
        onLost: () => {},
        onFailed: (reason) => this.#note("pushing", reason),
      },
    );
  }

  /** Resolves when Redis has confirmed the subscription: from here on a request arrives. */
  async subscribed(signal: AbortSignal): Promise<void> {
    await this.#listening.connection(signal);
  }

  /** Requests as they arrive, across reconnections, until `signal`; what is published meanwhile is lost. */
  async *requests(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield await this.#queue.take(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /**
   * Appends to the replies of a session, all or none, and renews the list's life of 600 s.
   *
   * Resolves when Redis has confirmed it. Until then the same bytes are sent again, after a lost connection or a
   * refusal that will pass; an answer that was lost may so put them there twice, which the station notices.
   *
   * @throws {CbError} `hub`, where Redis refuses for good; or the reason of `signal`
   */
  async push(
    replyAddress: Uint8Array,
    envelopes: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<Backlog> {
    const { list, presence } = this.#names(replyAddress);
    const answers = await this.#insist(signal, [
      ["MULTI"],
      ["RPUSH", list, ...envelopes],
      ["EXPIRE", list, LIST_SECONDS],
      ["EXISTS", presence],
      ["EXEC"],
    ]);
    const [length, , there] = Array.isArray(answers.at(-1)) ? (answers.at(-1) as unknown[]) : [];
    return backlogOf(length, there);
  }

  /** How much the station has left to read, and whether it is still there; insists like `push`. */
  async backlog(replyAddress: Uint8Array, signal: AbortSignal): Promise<Backlog> {
    const { list, presence } = this.#names(replyAddress);
    const [length, there] = await this.#insist(signal, [
      ["LLEN", list],
      ["EXISTS", presence],
    ]);
    return backlogOf(length, there);
  }

  /** Asks Redis, and looks whether requests can arrive. @returns undefined where all is well, else the reason */
  async check(): Promise<string | undefined> {
    if (this.#trouble.listening !== undefined) return this.#trouble.listening;
    const { presence } = this.#names(NOBODY);
    try {
      const answers = await this.#try(AbortSignal.timeout(CHECK_MS), [["EXISTS", presence]]);
      return answers instanceof HubFailure ? answers.message : undefined;
    } catch (error) {
      const isLate = error instanceof DOMException && error.name === "TimeoutError";
      return isLate ? `no answer within ${CHECK_MS / 1000} s` : messageOf(error);
    }
  }

  /** Ends both connections politely. Pushes still waiting are rejected: let them end, or abort them, before. */
  async close(): Promise<void> {
    await Promise.all([this.#listening.close(), this.#pushing.close()]);
  }

  #names(replyAddress: Uint8Array) {
    const { database } = this.#connection;
    return {
      list: replyList(database, this.#channel, replyAddress),
      presence: presenceKey(database, this.#channel, replyAddress),
    };
  }

  /** The answers, after as many attempts as it takes. */
  async #insist(signal: AbortSignal, commands: readonly Command[]): Promise<readonly unknown[]> {
    for (let attempt = 0; ; attempt += 1) {
      const answers = await this.#try(signal, commands);
      if (!(answers instanceof HubFailure)) return answers;
      await sleep(pauseBefore(attempt), undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  /** @returns the answers, or why it is worth another try */
  async #try(signal: AbortSignal, commands: readonly Command[]): Promise<readonly unknown[] | HubFailure> {
    let redis: RedisConnection | undefined;
    try {
      redis = await this.#pushing.connection(signal);
      const answers = await abortable(redis.send(...commands), signal);
      // A Redis that is full answers questions all the same: only what it refused can show that it takes it again.
      const isPush = commands.some(([name]) => name === "RPUSH");
      if (isPush) this.#isRefused = false;
      if (!this.#isRefused) this.#note("pushing", undefined);
      return answers;
    } catch (error) {
      signal.throwIfAborted();
      const failure = failureOf(error);
      const mayPass = failure.kind === "passing" || failure.kind === "connection";
      // Without a connection the link is closed.
      if (redis === undefined || !mayPass) throw hubError("push replies to", this.#connection, failure);
      if (failure.kind === "connection") redis.destroy(failure); // the link opens another
      this.#isRefused = failure.kind === "passing";
      this.#note("pushing", failure.message);
      return failure;
    }
  }

  async #subscribe(signal: AbortSignal): Promise<RedisConnection> {
    const redis = await RedisConnection.open(this.#connection, MAX_REQUEST_BYTES, signal);
    try {
      await redis.subscribe(requestChannel(this.#connection.database, this.#channel), (request) => {
        if (!this.#queue.add(request)) this.#observer.onRequestDropped();
      });
      return redis;
    } catch (error) {
      redis.destroy(failureOf(error));
      throw error;
    }
  }

  #note(part: "listening" | "pushing", reason: string | undefined): void {
    this.#trouble[part] = reason;
    const said = this.#trouble.listening ?? this.#trouble.pushing;
    if (said === this.#said) return;
    this.#said = said;
    this.#observer.onState(said === undefined ? { kind: "connected" } : { kind: "lost", reason: said });
  }
}

function backlogOf(length: unknown, there: unknown): Backlog {
  return { length: Number(length), isStationThere: there === 1 };
}

/** What the promise brings, unless the signal comes first; the work itself goes on. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    if (signal.aborted) onAbort();
  });
}

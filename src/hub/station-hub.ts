/**
 * The hub as a station uses it: one shot. It connects within seconds or says why not, tries nothing twice, and
 * ends with the session.
 *
 * Replies are read in three commands that leave together and are answered together:
 *
 *   LTRIM list n -1          what the previous round received; it is safe with us
 *   BLMOVE list list L L 5   waits for a first item, moves it from the head to the head: nothing changes
 *   LRANGE list 0 99         the next batch
 *
 * A lost answer therefore loses no reply: an item leaves Redis only with the round after the one that brought
 * it. Nor is an LTRIM ever sent again, since nobody knows whether the lost one was done; what then comes twice,
 * the session drops by its sequence. BLMOVE needs Redis 6.2; BRPOPLPUSH, its forerunner, would turn the list.
 */
import type { Channel } from "../core/names.ts";
import type { Connection } from "./connection-string.ts";
import { HubFailure, hubError } from "./failure.ts";
import { replyList, requestChannel } from "./names.ts";
import { type Command, RedisConnection } from "./redis-connection.ts";

/** The largest reply, 80 KiB, with what Redis may add (PROTOCOL.md §3). */
const MAX_REPLY_BYTES = 80 * 1024 + 256;
/** Replies a round; 8 MiB at most. */
const BATCH = 100;
/** What BLMOVE waits, in seconds: an idle connection speaks as often, and a dead one is found out. */
const BLOCK_SECONDS = 5;
const ROUND_MS = BLOCK_SECONDS * 1000 + 15_000;
/** For the farewell, in milliseconds; lists expire by themselves. */
const CLOSE_MS = 1_000;

/**
 * Connects, for one session.
 *
 * @throws {CbError} `hub`, with the reason, within three seconds
 */
export async function connectStationHub(
  connection: Connection,
  channel: Channel,
  signal: AbortSignal = new AbortController().signal,
): Promise<StationHub> {
  const open = () => RedisConnection.open(connection, MAX_REPLY_BYTES, signal);
  const [commands, replies] = await Promise.allSettled([open(), open()]);
  if (commands.status === "fulfilled" && replies.status === "fulfilled") {
    return new StationHub(connection, channel, commands.value, replies.value);
  }
  const failed = commands.status === "rejected" ? commands : replies;
  if (commands.status === "fulfilled") commands.value.end();
  if (replies.status === "fulfilled") replies.value.end();
  throw hubError("connect to", connection, failed.status === "rejected" ? failed.reason : undefined);
}

export class StationHub {
  readonly #connection: Connection;
  readonly #channel: Channel;
  readonly #commands: RedisConnection;
  /** BLMOVE holds a connection up, so it has one of its own; the first is there before the request goes out. */
  #idle: RedisConnection | undefined;

  constructor(connection: Connection, channel: Channel, commands: RedisConnection, idle: RedisConnection) {
    this.#connection = connection;
    this.#channel = channel;
    this.#commands = commands;
    this.#idle = idle;
  }

  /**
   * Sends a request to whoever listens now.
   *
   * @returns how many Redis says it reached
   * @throws {CbError} `hub`; the request may have gone out nevertheless
   */
  async publish(envelope: Uint8Array): Promise<number> {
    const name = requestChannel(this.#connection.database, this.#channel);
    try {
      const [receivers] = await this.#commands.send(["PUBLISH", name, envelope]);
      return typeof receivers === "number" ? receivers : 0;
    } catch (error) {
      throw hubError("publish on", this.#connection, error);
    }
  }

  /**
   * The replies of a session in the order of their arrival, a batch at a time.
   *
   * The next batch is asked for when the consumer comes back for it: who reads slowly leaves them in Redis.
   *
   * @param signal ends the iteration, without an error
   * @throws {CbError} `hub`, when the connection is lost or Redis refuses
   */
  async *replies(replyAddress: Uint8Array, signal: AbortSignal): AsyncGenerator<readonly Uint8Array[]> {
    const list = replyList(this.#connection.database, this.#channel, replyAddress);
    let draining: RedisConnection | undefined;
    const onAbort = () => draining?.destroy(new HubFailure("connection", "interrupted"));
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      draining = await this.#takeIdle(signal);
      let received = 0;
      while (!signal.aborted) {
        const batch = await nextBatch(draining, list, received);
        received = batch.length;
        if (received > 0) yield batch;
      }
    } catch (error) {
      if (!signal.aborted) throw hubError("receive replies from", this.#connection, error);
    } finally {
      signal.removeEventListener("abort", onAbort);
      draining?.end();
    }
  }

  /**
   * Deletes what is left of the session and says goodbye; never throws, and takes a second at most.
   *
   * @param replyAddress undefined where nothing was published
   */
  async close(replyAddress?: Uint8Array): Promise<void> {
    if (replyAddress !== undefined) {
      const list = replyList(this.#connection.database, this.#channel, replyAddress);
      // What an agent sends from now on makes the list anew; it then expires.
      await this.#commands.sendAndWait(CLOSE_MS, ["DEL", list]).catch(() => {});
    }
    this.#idle?.end();
    this.#commands.end();
  }

  async #takeIdle(signal: AbortSignal): Promise<RedisConnection> {
    const idle = this.#idle;
    this.#idle = undefined;
    return idle ?? RedisConnection.open(this.#connection, MAX_REPLY_BYTES, signal);
  }
}

/** @param received how many items from the head of the list have arrived here, and can go */
async function nextBatch(
  draining: RedisConnection,
  list: string,
  received: number,
): Promise<readonly Uint8Array[]> {
  const trim: readonly Command[] = received > 0 ? [["LTRIM", list, received, -1]] : [];
  const answers = await draining.sendAndWait(
    ROUND_MS,
    ...trim,
    ["BLMOVE", list, list, "LEFT", "LEFT", BLOCK_SECONDS],
    ["LRANGE", list, 0, BATCH - 1],
  );
  const batch: unknown = answers.at(-1);
  if (!Array.isArray(batch) || !batch.every((item): item is Uint8Array => item instanceof Uint8Array)) {
    throw new HubFailure("connection", "the answer to LRANGE is not a list of strings");
  }
  return batch;
}

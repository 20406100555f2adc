/**
 * The hub as a station uses it: it connects within seconds or says why not, asks nothing twice, and ends with the
 * session.
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
import { setTimeout as sleep } from "node:timers/promises";
import type { Channel } from "../core/names.ts";
import type { Connection } from "./connection-string.ts";
import { failureOf, HubFailure, hubError } from "./failure.ts";
import { presenceKey, replyList, requestChannel } from "./names.ts";
import { pauseBefore } from "./reconnecting-link.ts";
import { type Command, RedisConnection } from "./redis-connection.ts";

/** The largest reply, 80 KiB, with what Redis may add (PROTOCOL.md §3). */
const MAX_REPLY_BYTES = 80 * 1024 + 256;
/**
 * Replies a round: the first time; at most; and how many bytes they should be. What is read is in memory several
 * times over, encrypted and not, so that large replies are better read a few at a time.
 */
const FIRST_BATCH = 16;
const MAX_BATCH = 100;
const BATCH_BYTES = 1024 * 1024;
/** What BLMOVE waits, in seconds: an idle connection speaks as often, and a dead one is found out. */
const BLOCK_SECONDS = 5;
const ROUND_MS = BLOCK_SECONDS * 1000 + 15_000;
/** What it waits the first time on a connection that took the place of a lost one: `trouble` is over with its answer. */
const FIRST_BLOCK_SECONDS = 0.1;
/** The longest pause before a lost connection is tried again, in milliseconds: somebody is waiting. */
const LONGEST_PAUSE = 1_000;
/** How long a sign of life counts, in seconds, and how often it is given, in milliseconds (PROTOCOL.md §7). */
const PRESENCE_SECONDS = 30;
const PRESENCE_RENEWAL = 5_000;
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
  /** Undefined where it was lost: whoever needs it next opens another. */
  #commands: Promise<RedisConnection> | undefined;
  /** BLMOVE holds a connection up, so it has one of its own; the first is there before the request goes out. */
  #idle: RedisConnection | undefined;
  #renewal: ReturnType<typeof setInterval> | undefined;
  #trouble: string | undefined;
  readonly #closing = new AbortController();

  constructor(connection: Connection, channel: Channel, commands: RedisConnection, idle: RedisConnection) {
    this.#connection = connection;
    this.#channel = channel;
    this.#commands = Promise.resolve(commands);
    this.#idle = idle;
  }

  /** Why replies cannot be read now, such as `connection refused`; undefined while they can. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /**
   * Opens a session: proves that its replies can be read, before anybody is asked to run something, and says that
   * its station lives, now and every five seconds until `close`, whatever its standard output does.
   *
   * @throws {CbError} `hub`, where Redis refuses any of it
   */
  async begin(replyAddress: Uint8Array): Promise<void> {
    const { database } = this.#connection;
    const list = replyList(database, this.#channel, replyAddress);
    const presence = presenceKey(database, this.#channel, replyAddress);
    const live = () => this.#send(["SET", presence, "1", "EX", PRESENCE_SECONDS]);
    // In a transaction BLMOVE does not wait; outside of one, Redis looks after its waits every 100 ms only.
    const rehearse = () =>
      this.#idle?.send(
        ["MULTI"],
        ["LTRIM", list, 0, -1],
        ["BLMOVE", list, list, "LEFT", "LEFT", BLOCK_SECONDS],
        ["LRANGE", list, 0, 0],
        ["EXEC"],
      );
    // A Redis that is full refuses SET and takes EXPIRE.
    const renew = async () => {
      const [known] = await this.#send(["EXPIRE", presence, PRESENCE_SECONDS]);
      if (known === 0) await live();
    };
    await Promise.all([live(), renew(), rehearse()]).catch((error: unknown) => {
      throw hubError("open a session at", this.#connection, error);
    });
    this.#renewal = setInterval(() => {
      renew().catch(() => {}); // whoever reads the replies finds out, too
    }, PRESENCE_RENEWAL);
  }

  /**
   * Sends a message to whoever listens now.
   *
   * @returns how many Redis says it reached; 0 where its answer was lost, for then it may have reached some
   * @throws {CbError} `hub`, where Redis refuses
   */
  async publish(envelope: Uint8Array): Promise<number> {
    const name = requestChannel(this.#connection.database, this.#channel);
    try {
      const [receivers] = await this.#send(["PUBLISH", name, envelope]);
      return typeof receivers === "number" ? receivers : 0;
    } catch (error) {
      const failure = failureOf(error);
      if (failure.kind !== "connection") throw hubError("publish on", this.#connection, failure);
      return 0;
    }
  }

  /**
   * The replies of a session in the order of their arrival, a batch at a time.
   *
   * The next batch is asked for when the consumer comes back for it: who reads slowly leaves them in Redis. A
   * lost connection is opened again for as long as the consumer waits, and the list read from its head: what
   * then comes twice, the session drops by its sequence. Meanwhile `trouble` says why nothing comes.
   *
   * @param signal ends the iteration; so does a refusal of Redis, which `trouble` then tells
   */
  async *replies(replyAddress: Uint8Array, signal: AbortSignal): AsyncGenerator<readonly Uint8Array[]> {
    const list = replyList(this.#connection.database, this.#channel, replyAddress);
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        for await (const batch of this.#drain(list, signal)) {
          attempt = 0;
          yield batch;
        }
      } catch (error) {
        if (signal.aborted) return;
        const failure = failureOf(error);
        this.#trouble = failure.message;
        if (failure.kind !== "connection" && failure.kind !== "passing") return;
        await sleep(Math.min(pauseBefore(attempt), LONGEST_PAUSE), undefined, { signal }).catch(() => {});
      }
    }
  }

  /**
   * Asks whether Redis has replies that `replies` has not brought yet. What was brought goes with the LTRIM of the next
   * round, so where there are none, all that agents had said by the time of the question is with the consumer: no
   * order of two connections is needed for that.
   *
   * @throws {HubFailure} where Redis does not answer within 15 s, or refuses
   */
  async hasUnread(replyAddress: Uint8Array): Promise<boolean> {
    const list = replyList(this.#connection.database, this.#channel, replyAddress);
    const [first] = await this.#send(["LRANGE", list, 0, 0]);
    return !Array.isArray(first) || first.length > 0;
  }

  /**
   * Deletes what is left of the session and says goodbye; never throws, and takes some seconds at most.
   *
   * @param replyAddress undefined where nothing was published
   */
  async close(replyAddress?: Uint8Array): Promise<void> {
    clearInterval(this.#renewal);
    if (replyAddress !== undefined) {
      const { database } = this.#connection;
      const list = replyList(database, this.#channel, replyAddress);
      const presence = presenceKey(database, this.#channel, replyAddress);
      // What an agent sends from now on makes the list anew; it then expires.
      await this.#delete(list, presence).catch(() => {});
    }
    this.#closing.abort(); // ends what is only being opened
    this.#idle?.end();
    await this.#commands?.then(
      (commands) => commands.end(),
      () => {},
    );
  }

  async #delete(...keys: readonly string[]): Promise<void> {
    const commands = await this.#commandConnection();
    await commands.sendAndWait(CLOSE_MS, ["DEL", ...keys]);
  }

  /** One connection's worth of replies; throws when it is lost. */
  async *#drain(list: string, signal: AbortSignal): AsyncGenerator<readonly Uint8Array[]> {
    let block = this.#idle === undefined ? FIRST_BLOCK_SECONDS : BLOCK_SECONDS;
    const redis = this.#idle ?? (await RedisConnection.open(this.#connection, MAX_REPLY_BYTES, signal));
    this.#idle = undefined;
    const onAbort = () => redis.destroy(new HubFailure("connection", "interrupted"));
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      let received = 0;
      let most = FIRST_BATCH;
      while (!signal.aborted) {
        const batch = await nextBatch(redis, list, { received, most, block });
        block = BLOCK_SECONDS;
        this.#trouble = undefined;
        received = batch.length;
        most = sizeAfter(batch) ?? most;
        if (received > 0) yield batch;
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      redis.end();
    }
  }

  /** Sends on the connection for commands, which is opened again where it was lost. */
  async #send(command: Command): Promise<readonly unknown[]> {
    const commands = await this.#commandConnection();
    try {
      return await commands.send(command);
    } catch (error) {
      if (failureOf(error).kind === "connection") this.#commands = undefined;
      throw error;
    }
  }

  /** Ends with `close` alone: after Ctrl-C there is a cancel to be sent. */
  #commandConnection(): Promise<RedisConnection> {
    this.#commands ??= RedisConnection.open(this.#connection, MAX_REPLY_BYTES, this.#closing.signal).catch(
      (error: unknown) => {
        this.#commands = undefined;
        throw error;
      },
    );
    return this.#commands;
  }
}

/** How many replies are a good batch, if they are as large as these. */
function sizeAfter(batch: readonly Uint8Array[]): number | undefined {
  if (batch.length === 0) return undefined;
  const average = batch.reduce((sum, { length }) => sum + length, 0) / batch.length;
  return Math.max(1, Math.min(MAX_BATCH, Math.floor(BATCH_BYTES / average)));
}

type Round = {
  /** How many items from the head of the list have arrived here, and can go. */
  readonly received: number;
  /** Items, at least 1. */
  readonly most: number;
  /** Seconds that Redis waits for a first item. */
  readonly block: number;
};

async function nextBatch(
  draining: RedisConnection,
  list: string,
  { received, most, block }: Round,
): Promise<readonly Uint8Array[]> {
  const trim: readonly Command[] = received > 0 ? [["LTRIM", list, received, -1]] : [];
  const wait: Command = ["BLMOVE", list, list, "LEFT", "LEFT", block];
  const answers = await draining.answersTo([...trim, wait, ["LRANGE", list, 0, most - 1]], ROUND_MS);
  const batch: unknown = answers.at(-1);
  const refusal = answers.find((answer) => answer instanceof HubFailure);
  // A Redis that is full refuses BLMOVE alone, as it may write; what is read and trimmed gives it room again.
  const isHarmless = refusal === answers.at(-2) && Array.isArray(batch) && batch.length > 0;
  if (refusal !== undefined && !isHarmless) throw refusal;
  if (!Array.isArray(batch) || !batch.every((item): item is Uint8Array => item instanceof Uint8Array)) {
    throw new HubFailure("connection", "the answer to LRANGE is not a list of strings");
  }
  return batch;
}

/**
 * Sends the replies of one session in order, no faster than the station takes them.
 *
 *   output ──▶ queue (256 KiB, then the caller waits) ──▶ batch (128 KiB) ──▶ list in Redis (256 items, then we wait)
 *
 * A caller that waits stops reading the command's output, whose pipe then fills: so a slow reader slows the
 * command, instead of filling this process or Redis. All agents of a session share the list. It holds less
 * than 256 items when an agent adds a batch of output, so it never holds more than 256 items and one batch for
 * each agent; and until an agent has seen the list shrink, its batch is 4 KiB. `hello`, `state` and `exit` are
 * not counted and wait for nothing but what is in front of them.
 *
 * Replies are sealed when their turn comes: what is dropped because the station has gone leaves no gap in the
 * sequence, only in the output, and `exit` says how much. Source: PROTOCOL.md §7.
 */
import type { Clock } from "../core/clock.ts";
import type { Backlog } from "../hub/agent-hub.ts";
import { encodeReply, type Reply, type State } from "../protocol/reply.ts";
import type { ReplySealer } from "../protocol/reply-envelope.ts";

/** What a piece of output counts for at least: it is padded, and has a place of its own here and in the list. */
const LEAST_WEIGHT = 2 * 1024;
/** Bytes of output in the queue, beyond which whoever adds more has to wait. */
const MAX_QUEUED_BYTES = 256 * 1024;
/** Bytes of output that are pushed at a time, before and after the list has been seen to shrink. Two whole pieces. */
const FIRST_BATCH_BYTES = 4 * 1024;
const BATCH_BYTES = 128 * 1024;
/** Items in the list at which no output is added. */
const MAX_LIST_LENGTH = 256;
/** Between two looks at a list that is full, in milliseconds: doubled from the first to the last. */
const FIRST_LOOK = 2;
const LAST_LOOK = 250;
/** How long a station's sign of life may be away before it counts as gone, in milliseconds. */
export const STATION_GONE = 10_000;

/** The way to one station; both insist until the hub has answered. */
export type ReplyPath = {
  readonly push: (envelopes: readonly Uint8Array[]) => Promise<Backlog>;
  /** @param pause milliseconds to wait before */
  readonly look: (pause: number) => Promise<Backlog>;
};

export class ReplySender {
  readonly #path: ReplyPath;
  readonly #sealer: ReplySealer;
  readonly #clock: Clock;
  #queue: Reply[] = [];
  #pump: Promise<void> | undefined;
  #tellRoom = () => {};
  #failure: unknown;
  #listLength = 0;
  #hasSeenShrink = false;
  #hasSentOutput = false;
  #absentSince: number | undefined;
  #isStationGone = false;
  #dropped = 0;

  constructor(path: ReplyPath, sealer: ReplySealer, clock: Clock) {
    this.#path = path;
    this.#sealer = sealer;
    this.#clock = clock;
  }

  /** Bytes of output that were not sent, since nobody was there to read them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a reply; resolves when there is room for another. One at a time. After a failure they go nowhere. */
  async send(reply: Reply): Promise<void> {
    if (this.#failure !== undefined) return;
    this.#queue.push(reply);
    this.#pump ??= this.#pushAll();
    if (this.#hasSpace()) return;
    await new Promise<void>((resolve) => {
      this.#tellRoom = resolve;
    });
  }

  /** Takes a sign of life, where nothing else is on its way; waits for nothing. */
  signLife(reply: State): void {
    if (this.#failure !== undefined || this.#pump !== undefined) return;
    this.#queue.push(reply);
    this.#pump = this.#pushAll();
  }

  /**
   * Waits for the last reply to arrive, and forgets the key.
   *
   * @throws what the hub refused for good, or the reason why its retries were given up
   */
  async close(): Promise<void> {
    await this.#pump;
    this.#sealer.close();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #hasSpace(): boolean {
    return this.#queue.reduce((sum, reply) => sum + weight(reply), 0) <= MAX_QUEUED_BYTES;
  }

  async #pushAll(): Promise<void> {
    try {
      while (this.#queue.length > 0) await this.#pushNext();
    } catch (error) {
      this.#failure = error;
      this.#tellRoom();
    } finally {
      this.#pump = undefined;
    }
  }

  async #pushNext(): Promise<void> {
    if (this.#queue[0]?.type === "output") await this.#waitForRoom();
    if (this.#isStationGone) this.#dropOutput();
    const batch = this.#takeBatch();
    if (batch.length > 0) {
      const envelopes = batch.map((reply) => this.#seal(reply));
      this.#note(await this.#path.push(envelopes), envelopes.length);
    }
    if (this.#hasSpace()) this.#tellRoom();
  }

  async #waitForRoom(): Promise<void> {
    for (let pause = FIRST_LOOK; !this.#hasRoom(); pause = Math.min(2 * pause, LAST_LOOK)) {
      this.#note(await this.#path.look(pause), 0);
    }
  }

  #hasRoom(): boolean {
    if (this.#isStationGone) return true;
    return this.#listLength < MAX_LIST_LENGTH && (this.#hasSeenShrink || !this.#hasSentOutput);
  }

  /** @param added how many items we have added since the last time */
  #note({ length, isStationThere }: Backlog, added: number): void {
    if (length < this.#listLength + added) this.#hasSeenShrink = true;
    this.#listLength = length;
    const now = this.#clock.monotonic();
    this.#absentSince = isStationThere ? undefined : (this.#absentSince ?? now);
    if (this.#absentSince !== undefined && now - this.#absentSince >= STATION_GONE)
      this.#isStationGone = true;
  }

  /** Either what is in front of any output, or output up to the size of a batch and what follows it. */
  #takeBatch(): readonly Reply[] {
    const startsWithOutput = this.#queue[0]?.type === "output";
    const most = this.#hasSeenShrink ? BATCH_BYTES : FIRST_BATCH_BYTES;
    this.#splitFirst(most);
    let taken = 0;
    let end = this.#queue.findIndex((reply) => {
      taken += weight(reply);
      return reply.type === "output" && (!startsWithOutput || taken > most);
    });
    if (end < 0) end = this.#queue.length;
    this.#hasSentOutput ||= startsWithOutput;
    return this.#queue.splice(0, end);
  }

  /** Makes two of a piece of output that is larger than a whole batch. */
  #splitFirst(most: number): void {
    const [first] = this.#queue;
    if (first?.type !== "output" || first.data.length <= most) return;
    const { offset, data } = first;
    const rest = { ...first, offset: offset + most, data: data.subarray(most) };
    this.#queue.splice(0, 1, { ...first, data: data.subarray(0, most) }, rest);
  }

  #dropOutput(): void {
    for (const reply of this.#queue) if (reply.type === "output") this.#dropped += reply.data.length;
    this.#queue = this.#queue.filter(({ type }) => type !== "output");
  }

  #seal(reply: Reply): Uint8Array {
    const whole = reply.type === "exit" ? { ...reply, dropped: this.#dropped } : reply;
    return this.#sealer.seal(encodeReply(whole));
  }
}

function weight(reply: Reply): number {
  return reply.type === "output" ? Math.max(LEAST_WEIGHT, reply.data.length) : 0;
}

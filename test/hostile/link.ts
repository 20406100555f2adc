/** One connection of a client, with the one to Redis behind it: where lies are told. */
import type { Socket } from "node:net";
import { utf8 } from "../../src/protocol/bytes.ts";
import type { Direction, Kept, Lie, Piece, Point } from "./lies.ts";
import { command, encode, RespReader, type Value } from "./resp.ts";

/** The hub behind a link. */
export type LinkOwner = {
  readonly kept: Kept;
  /** The lies that may be told now. */
  readonly toldNow: readonly Lie[];
  /** Keeps bytes that have passed. */
  readonly note: (bytes: Uint8Array) => void;
  readonly after: (milliseconds: number, action: () => void) => void;
  /** Sends Redis a command behind everybody's back. */
  readonly slip: (...words: readonly [string, string, Uint8Array]) => void;
  /** What arrives in place of an envelope; `again` lets one go the same way later. */
  readonly pass: (
    point: Point,
    door: string,
    envelope: Uint8Array,
    again: (envelope: Uint8Array) => void,
  ) => readonly Uint8Array[];
};

/** A command whose answer has not come. */
type Waiting = {
  readonly name: string;
  /** Redis was asked something that the client knows nothing of. */
  readonly isOurs?: boolean;
  /** The client gets this, whatever Redis says. */
  readonly instead?: Value;
  /** For EXEC: what was queued. */
  readonly queued?: readonly string[];
  readonly list?: string;
};

/** One connection of a client. */
export class Link {
  readonly door: string;
  isListening = false;
  readonly #hub: LinkOwner;
  readonly #client: Socket;
  readonly #redis: Socket;
  readonly #waiting: Waiting[] = [];
  readonly #queues: Readonly<Record<Direction, Piece[]>> = { in: [], out: [] };
  #transaction: string[] | undefined;

  constructor(hub: LinkOwner, door: string, client: Socket, redis: Socket) {
    this.#hub = hub;
    this.door = door;
    this.#client = client;
    this.#redis = redis;
    const commands = new RespReader();
    const answers = new RespReader();
    client.on("data", (chunk: Uint8Array) => {
      hub.note(chunk);
      for (const value of commands.read(chunk)) this.#onCommand(value as readonly Uint8Array[]);
    });
    redis.on("data", (chunk: Uint8Array) => {
      hub.note(chunk);
      for (const value of answers.read(chunk)) this.#onAnswer(value);
    });
    for (const socket of [client, redis]) {
      socket.on("error", () => {});
      socket.on("close", () => this.#part());
    }
  }

  cut(): void {
    this.isListening = false;
    this.#client.destroy();
    this.#redis.destroy();
  }

  #onCommand(words: readonly Uint8Array[]): void {
    const name = textOf(words[0]).toUpperCase();
    const key = textOf(words[1]);
    switch (name) {
      case "PUBLISH":
        this.#onPublish(key, words[2] ?? new Uint8Array());
        return;
      case "RPUSH":
        this.#onPush(key, words.slice(2));
        return;
      case "MULTI":
        this.#transaction = [];
        this.#ask(words, { name });
        return;
      case "EXEC":
        this.#ask(words, { name, queued: this.#transaction ?? [] });
        this.#transaction = undefined;
        return;
      case "LRANGE":
        this.#hub.kept.lists.set(this.door, key);
        this.#ask(words, { name, list: key });
        return;
      default:
        this.#ask(words, { name });
    }
  }

  #onPublish(channel: string, envelope: Uint8Array): void {
    const { door } = this;
    this.#hub.kept.published.push({ door, envelope });
    const again = (late: Uint8Array) => this.#hub.slip("PUBLISH", channel, late);
    const [first, ...more] = this.#hub.pass("publish", door, envelope, again);
    const name = "PUBLISH";
    // Who is told that nobody was reached knows at once, so that is not what a liar says.
    if (first === undefined) this.#ask(command("PING"), { name, instead: { line: ":2" } });
    else this.#ask(command(name, channel, first), { name });
    for (const one of more) this.#ask(command(name, channel, one), { name, isOurs: true });
  }

  #onPush(list: string, envelopes: readonly Uint8Array[]): void {
    const { door } = this;
    const again = (late: Uint8Array) => this.#hub.slip("RPUSH", list, late);
    const passed = envelopes.flatMap((envelope) => {
      this.#hub.kept.pushed.push({ door, list, envelope });
      return this.#hub.pass("push", door, envelope, again);
    });
    const words = passed.length > 0 ? command("RPUSH", list, ...passed) : command("LLEN", list);
    this.#ask(words, { name: "RPUSH" });
  }

  #ask(words: readonly Uint8Array[], waiting: Waiting): void {
    this.#transaction?.push(waiting.name);
    this.#waiting.push(waiting);
    this.#send("in", encode(words));
  }

  #onAnswer(answer: Value): void {
    if (this.isListening) {
      this.#onMessage(answer as readonly [Value, Uint8Array, Uint8Array]);
      return;
    }
    const waiting = this.#waiting.shift();
    if (waiting === undefined || waiting.isOurs) return;
    const told = this.#changed(waiting.instead ?? answer, waiting);
    if (waiting.name === "PUBLISH") this.#noteCount(told);
    this.#send("out", encode(told));
    if (waiting.name === "SUBSCRIBE" && Array.isArray(answer)) this.isListening = true;
  }

  /** Of the first; a cancel may follow. */
  #noteCount(told: Value): void {
    const { counts } = this.#hub.kept;
    if (counts.has(this.door)) return;
    const isNumber = told !== null && "line" in told && told.line.startsWith(":");
    counts.set(this.door, isNumber ? Number(told.line.slice(1)) : 0);
  }

  #onMessage([kind, channel, envelope]: readonly [Value, Uint8Array, Uint8Array]): void {
    const deliver = (one: Uint8Array) => this.#send("out", encode([kind, channel, one]));
    for (const one of this.#hub.pass("deliver", this.door, envelope, deliver)) deliver(one);
  }

  #changed(answer: Value, { name, queued, list }: Waiting): Value {
    const changed = this.#hub.toldNow.reduce(
      (value, lie) => lie.answer?.(value, name, this.door) ?? value,
      answer,
    );
    if (!isArray(changed)) return changed;
    if (queued !== undefined) {
      return changed.map((element: Value, index) => {
        return this.#changed(element, { name: queued[index] ?? "" });
      });
    }
    if (list === undefined) return changed;
    const again = (late: Uint8Array) => this.#hub.slip("RPUSH", list, late);
    return changed.flatMap((item: Value): readonly Value[] => {
      return item instanceof Uint8Array ? this.#hub.pass("read", this.door, item, again) : [item];
    });
  }

  #send(direction: Direction, bytes: Uint8Array): void {
    const pieces = this.#hub.toldNow.reduce<readonly Piece[]>(
      (sent, { bytes: change }) =>
        sent.flatMap((piece) =>
          change && piece instanceof Uint8Array ? change(piece, direction, this.door) : [piece],
        ),
      [bytes],
    );
    const queue = this.#queues[direction];
    queue.push(...pieces);
    if (queue.length === pieces.length) this.#flush(direction);
  }

  /** What is being waited for stays at the head of the queue. */
  #flush(direction: Direction): void {
    const queue = this.#queues[direction];
    const socket = direction === "in" ? this.#redis : this.#client;
    for (let piece = queue[0]; piece !== undefined; piece = queue[0]) {
      if (typeof piece === "number") {
        this.#hub.after(piece, () => {
          queue.shift();
          this.#flush(direction);
        });
        return;
      }
      queue.shift();
      if (piece === "cut") {
        this.#part();
        return;
      }
      if (direction === "out") this.#hub.note(piece);
      if (socket.writable) socket.write(piece);
    }
  }

  /** Ends the connection; what has been sent may arrive. */
  #part(): void {
    this.isListening = false;
    this.#redis.destroySoon();
    this.#client.destroySoon();
  }
}

function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? utf8("")).toString("latin1");
}

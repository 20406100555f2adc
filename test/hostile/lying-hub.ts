/** A hub that lies: a real Redis behind somebody who understands what passes, keeps all of it, and changes some. */
import { once } from "node:events";
import { createConnection, createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { concat } from "../../src/protocol/bytes.ts";
import { askRedis } from "../support/wire-tap.ts";
import type { Kept, Lie, Point } from "./lies.ts";
import { Link, type LinkOwner } from "./link.ts";

export class LyingHub implements AsyncDisposable, LinkOwner {
  readonly kept: Kept = {
    published: [],
    pushed: [],
    lists: new Map(),
    counts: new Map(),
    forged: new Set(),
  };
  lies: readonly Lie[] = [];
  readonly #directory: string;
  readonly #redisSocket: string;
  readonly #doors: Server[] = [];
  readonly #links = new Set<Link>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #seen: Uint8Array[] = [];
  #isHonest = false;

  /** @param directory where doors are made */
  constructor(directory: string, redisSocket: string) {
    this.#directory = directory;
    this.#redisSocket = redisSocket;
  }

  /** Makes a socket for one client, so that the hub knows who is who. @returns its path */
  async door(name: string): Promise<string> {
    const path = join(this.#directory, name);
    const server = createServer((client) => {
      const link = new Link(this, name, client, createConnection(this.#redisSocket));
      this.#links.add(link);
      client.on("close", () => this.#links.delete(link));
    });
    this.#doors.push(server);
    server.listen(path);
    await once(server, "listening");
    return path;
  }

  /** Every byte that came from a client or went to one. */
  get seen(): Uint8Array {
    return concat(...this.#seen);
  }

  /** Whether it did more than can be done to envelopes. */
  get hasBroken(): boolean {
    return this.lies.some(({ bytes, answer, hasFired }) => hasFired && (bytes ?? answer) !== undefined);
  }

  /** No lies from here on, and new connections for all. */
  repent(): void {
    this.#isHonest = true;
    for (const link of this.#links) link.cut();
  }

  /** Resolves when Redis has confirmed a subscription to the client of this door. */
  async listens(door: string): Promise<void> {
    for (let tries = 8_000; tries > 0; tries -= 1) {
      if ([...this.#links].some((link) => link.door === door && link.isListening)) return;
      await sleep(5);
    }
    throw new Error(`${door} does not come back`);
  }

  /** Publishes by itself; resolves when all is delivered. */
  async publish(channel: string, envelopes: readonly Uint8Array[]): Promise<void> {
    const commands = envelopes.map((envelope) => ["PUBLISH", channel, envelope]);
    await askRedis(this.#redisSocket, ...commands);
  }

  get toldNow(): readonly Lie[] {
    return this.#isHonest ? [] : this.lies;
  }

  note(bytes: Uint8Array): void {
    this.#seen.push(bytes);
  }

  after(milliseconds: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, milliseconds);
    this.#timers.add(timer);
  }

  slip(...words: readonly [string, string, Uint8Array]): void {
    // The schedule may be over, and Redis with it.
    askRedis(this.#redisSocket, words).catch(() => {});
  }

  pass(
    point: Point,
    door: string,
    envelope: Uint8Array,
    again: (envelope: Uint8Array) => void,
  ): readonly Uint8Array[] {
    const passage = {
      point,
      door,
      kept: this.kept,
      later: (late: Uint8Array, milliseconds: number) => this.after(milliseconds, () => again(late)),
      publish: (channel: string, one: Uint8Array) => this.slip("PUBLISH", channel, one),
    };
    return this.toldNow.reduce<readonly Uint8Array[]>(
      (envelopes, lie) => envelopes.flatMap((one) => lie.envelope?.(one, passage) ?? [one]),
      [envelope],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const link of this.#links) link.cut();
    const closed = this.#doors.map((server) => {
      server.close();
      return once(server, "close");
    });
    await Promise.all(closed);
  }
}

/**
 * A socket as ioredis sees it: every chunk has passed the guard before, and the first failure is kept.
 *
 * It stands between because there is no place to stand beside: ioredis prepends its own `data` listener, so
 * any other would see a chunk after the parser did.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { GarbageMeter } from "../core/garbage-meter.ts";
import type { BulkGuard } from "./bulk-guard.ts";
import { CLOSED, failureOf, HubFailure } from "./failure.ts";

type Done = (error?: Error | null) => void;

export class GuardedStream extends Duplex {
  readonly #socket: Socket;
  readonly #meter = new GarbageMeter();
  #failure: HubFailure | undefined;

  constructor(socket: Socket, guard: BulkGuard) {
    super();
    this.#socket = socket;
    // ioredis never pauses, so nothing piles up here and the socket needs no back-pressure.
    socket.on("data", (chunk: Uint8Array) => {
      if (this.destroyed) return;
      this.#meter.add(chunk.length);
      const passed = guard.scan(chunk);
      if (passed instanceof HubFailure) this.destroy(passed);
      else if (passed.length > 0) this.push(passed);
    });
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
    // Who waits here asks for `failure`; without a listener an error would end the process.
    this.on("error", () => {});
  }

  /** Why the stream ended, or would if it ended now. */
  get failure(): HubFailure {
    return this.#failure ?? new HubFailure("connection", CLOSED);
  }

  /**
   * Resolves when the socket can be used.
   *
   * @param event by which the socket says so: `connect`, or `secureConnect` of TLS
   * @throws {HubFailure} when it never will be
   */
  connected(event: "connect" | "secureConnect"): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once(event, resolve);
      this.once("close", () => reject(this.failure));
    });
  }

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay(on);
  }

  setKeepAlive(on: boolean, milliseconds: number): void {
    this.#socket.setKeepAlive(on, milliseconds);
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    this.#send(chunk, done);
  }

  /** Commands written together leave together. */
  override _writev(chunks: readonly { readonly chunk: Uint8Array }[], done: Done): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: Done): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: Done): void {
    if (error !== null) this.#failure ??= failureOf(error);
    this.#socket.destroy();
    done(error);
  }

  #send(bytes: Uint8Array, done: Done): void {
    this.#meter.add(bytes.length);
    this.#socket.write(bytes, done);
  }
}

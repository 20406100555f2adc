/** The other end of sd_notify(3): a datagram socket as systemd has one. */

import { dlopen } from "bun:ffi";
import { rmSync } from "node:fs";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
});

export class NotifySocket implements Disposable {
  readonly path: string;
  readonly #descriptor: number;
  readonly #received: string[] = [];

  constructor(path: string) {
    this.path = path;
    this.#descriptor = Number(libc.socket(AF_UNIX, SOCK_DGRAM, 0));
    const address = Uint8Array.from([AF_UNIX, 0, ...Buffer.from(path), 0]);
    if (Number(libc.bind(this.#descriptor, address, address.length)) !== 0) {
      throw new Error(`Cannot bind ${path}`);
    }
  }

  /** All messages so far, each with its lines joined by blanks. */
  get messages(): readonly string[] {
    const buffer = new Uint8Array(4_096);
    for (;;) {
      const length = Number(libc.recv(this.#descriptor, buffer, buffer.length, MSG_DONTWAIT));
      if (length < 0) return this.#received;
      this.#received.push(Buffer.from(buffer.subarray(0, length)).toString().replaceAll("\n", " "));
    }
  }

  [Symbol.dispose](): void {
    libc.close(this.#descriptor);
    rmSync(this.path);
  }
}

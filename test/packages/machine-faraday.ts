/**
 * The small Faraday server of the tests, as http://localhost:5985 of a booted machine, which has no network but its
 * loopback.
 *
 *   dispatcher ── 127.0.0.1:5985 ── systemd-socket-proxyd ──│── /root/faraday.sock ── relay ── server
 *                                                 machine   │   this process
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { FaradayServer } from "../support/faraday-server.ts";
import type { Machine } from "./machine.ts";

/** For the machine. */
export const FARADAY_URL = "http://localhost:5985";

const SOCKET = "/root/faraday.sock";
const PROXY = `/usr/lib/systemd/systemd-socket-proxyd ${SOCKET}`;

export class MachineFaraday implements AsyncDisposable {
  readonly server: FaradayServer;
  readonly #relay: Server;
  readonly #connections = new Set<Socket>();

  private constructor(server: FaradayServer, socket: string) {
    this.server = server;
    this.#relay = createServer((inner) => {
      const outer = connect(Number(server.url.port), "localhost");
      for (const [one, other] of [
        [inner, outer],
        [outer, inner],
      ] as const) {
        this.#connections.add(one);
        // A server that was stopped is one that nobody answers for.
        one.on("error", () => {});
        one.on("close", () => {
          this.#connections.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    this.#relay.listen(socket);
  }

  static async start(machine: Machine): Promise<MachineFaraday> {
    const faraday = new MachineFaraday(await FaradayServer.start(), join(machine.root, SOCKET));
    await machine.ok(
      `systemd-run --quiet --unit=faraday-relay --socket-property=ListenStream=127.0.0.1:5985 ${PROXY}`,
    );
    return faraday;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#relay.close(resolve));
    for (const connection of this.#connections) connection.destroy();
    await closed;
    await this.server.stop();
  }
}

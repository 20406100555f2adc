/**
 * Many subscribers in one process, each with a connection of its own, that get their turn one after another.
 *
 * Redis takes 511 connections that nobody has accepted yet, and Bun calls one too many ECONNREFUSED: so they
 * are opened in groups. What is published comes to all of them in one turn of the event loop; were all of it
 * handled there, nobody's answer would leave before the last one was ready. Hence turns of a few.
 */
import { RespSocket } from "./resp.ts";

/** Connections that are opened at a time. */
const GROUP = 200;
/** Messages that are handled in one turn of the event loop. */
const PER_TURN = 4;

export class ManySockets {
  readonly #sockets: RespSocket[] = [];
  #work: (() => void)[] = [];

  /**
   * @param count how many subscribers
   * @param onMessage told whose message it is, from 0 on
   * @returns when Redis has confirmed every subscription
   */
  static async subscribe(
    socketPath: string,
    channel: string,
    count: number,
    onMessage: (index: number, message: Uint8Array) => void,
  ): Promise<ManySockets> {
    const many = new ManySockets();
    const subscribe = async (index: number) => {
      const socket = await RespSocket.open(socketPath, (message) =>
        many.#whenItIsTheirTurn(() => onMessage(index, message)),
      );
      many.#sockets.push(socket);
      await socket.ask(["SUBSCRIBE", channel]);
    };
    try {
      for (let first = 0; first < count; first += GROUP) {
        const group = Array.from({ length: Math.min(GROUP, count - first) }, (_, index) => first + index);
        await Promise.all(group.map(subscribe));
      }
    } catch (error) {
      many.destroy();
      throw error;
    }
    return many;
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #whenItIsTheirTurn(work: () => void): void {
    if (this.#work.length === 0) setImmediate(() => this.#turn());
    this.#work.push(work);
  }

  #turn(): void {
    for (const work of this.#work.slice(0, PER_TURN)) work();
    this.#work = this.#work.slice(PER_TURN);
    if (this.#work.length > 0) setImmediate(() => this.#turn());
  }
}

/** The agents' side of the floor: the connections, cryptography and Redis commands of a fleet, and nothing else. */

import { hex } from "../../src/protocol/bytes.ts";
import type { KeyPair } from "../../src/protocol/crypto.ts";
import { randomBytes, signKeyPair } from "../../src/protocol/crypto.ts";
import { pushCommands } from "./fleet.ts";
import { answer, CHANNEL } from "./floor-wire.ts";
import { ManySockets } from "./many-sockets.ts";
import { RespSocket } from "./resp.ts";

export class FloorFleet implements Disposable {
  readonly #subscribers: ManySockets;
  readonly #pushing: RespSocket;

  private constructor(subscribers: ManySockets, pushing: RespSocket) {
    this.#subscribers = subscribers;
    this.#pushing = pushing;
  }

  static async start(
    socketPath: string,
    count: number,
    network: KeyPair,
    station: Uint8Array,
  ): Promise<FloorFleet> {
    const pushing = await RespSocket.open(socketPath);
    const keys = Array.from({ length: count }, () => signKeyPair(randomBytes(32)));
    const subscribers = await ManySockets.subscribe(socketPath, CHANNEL, count, (index, request) => {
      const { address, replies } = answer(request, network, station, keys[index] as KeyPair);
      const [list, presence] = [`floor:reply:${hex(address)}`, `floor:station:${hex(address)}`];
      // Two pushes, as an agent makes them: what it says at once, and what its command said.
      for (const envelopes of [replies.slice(0, 1), replies.slice(1)]) {
        void pushing.ask(...pushCommands(list, presence, envelopes));
      }
    });
    return new FloorFleet(subscribers, pushing);
  }

  [Symbol.dispose](): void {
    this.#subscribers.destroy();
    this.#pushing.destroy();
  }
}

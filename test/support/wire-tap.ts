/**
 * Stands between programs and Redis, and keeps every byte that passes: whatever a hub can see, this has seen.
 *
 * A subscription would do for requests, but Redis counts it as a receiver, and stations would wait for it.
 */
import { once } from "node:events";
import { createConnection, createServer, type ListenOptions, type Server, type Socket } from "node:net";

export class WireTap {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #seen: Uint8Array[] = [];
  readonly #sent: Uint8Array[] = [];
  /** Milliseconds that everything takes on its way, as through a long wire. */
  delay = 0;

  private constructor(redisSocket: string) {
    this.#server = createServer((client) => {
      const redis = createConnection(redisSocket);
      this.#join(client, redis, (data) => {
        this.#seen.push(data);
        this.#sent.push(data);
      });
      this.#join(redis, client, (data) => this.#seen.push(data));
    });
  }

  /** @param place where programs connect instead */
  static async open(
    place: Pick<ListenOptions, "path" | "host" | "port">,
    redisSocket: string,
  ): Promise<WireTap> {
    const tap = new WireTap(redisSocket);
    tap.#server.listen(place);
    await once(tap.#server, "listening");
    return tap;
  }

  /** Where it listens, if not on a socket file. */
  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("It has no port");
    return address.port;
  }

  /** Ends all connections, not the tap. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Every byte in both directions, in the order of its passing. */
  get bytes(): Uint8Array {
    return Buffer.concat(this.#seen);
  }

  /** What was given to PUBLISH so far. */
  get requests(): readonly Uint8Array[] {
    const sent = Buffer.concat(this.#sent);
    const publish = /publish\r\n\$\d+\r\n[^\r]+\r\n\$(\d+)\r\n/gi;
    return [...sent.toString("latin1").matchAll(publish)].map(({ 0: head, 1: length, index }) => {
      const start = index + head.length;
      return sent.subarray(start, start + Number(length));
    });
  }

  close(): void {
    this.#server.close();
    this.cut();
  }

  #join(from: Socket, to: Socket, onData: (data: Uint8Array) => void): void {
    this.#sockets.add(from);
    from.on("data", (data: Uint8Array) => {
      onData(data);
      if (this.delay === 0) to.write(data);
      else setTimeout(() => to.write(data), this.delay);
    });
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroySoon();
    });
  }
}

type Command = readonly (string | Uint8Array)[];

/**
 * Sends commands to Redis by hand; each must have an answer of one line.
 *
 * @returns the last answer, such as `:3` or `+OK`
 */
export async function askRedis(socketPath: string, ...commands: readonly Command[]): Promise<string> {
  const socket = createConnection(socketPath);
  try {
    socket.write(Buffer.concat(commands.map(encode)));
    let answers = "";
    while (answers.split("\r\n").length <= commands.length)
      answers += (await once(socket, "data")).toString();
    return answers.split("\r\n").at(-2) ?? "";
  } finally {
    socket.destroy();
  }
}

function encode(command: Command): Uint8Array {
  const parts = command.map((argument) => Buffer.from(argument));
  const strings = parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from("\r\n")]);
  return Buffer.concat([Buffer.from(`*${command.length}\r\n`), ...strings]);
}

/**
 * A connection to Redis with nothing around it: commands out, answers in, in their order (RESP2).
 *
 * A fleet in one process needs thousands of them, and what stands beside `cb` in a bench must cost next to
 * nothing: a connection of ioredis takes ten times as long to open and 25 KB. It trusts its Redis.
 * Source: https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";

export type Answer = string | number | Uint8Array | null | readonly Answer[];
export type Command = readonly (string | number | Uint8Array)[];

type Waiting = {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
};

/** An array whose elements have not all come. */
type OpenArray = { readonly elements: (Answer | Error)[]; missing: number };

const CRLF = Buffer.from("\r\n");

export class RespSocket {
  readonly #socket: Socket;
  readonly #onMessage: (message: Uint8Array) => void;
  readonly #waiting: Waiting[] = [];
  readonly #open: OpenArray[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #outgoing: Uint8Array[] = [];

  private constructor(socket: Socket, onMessage: (message: Uint8Array) => void) {
    this.#socket = socket;
    this.#onMessage = onMessage;
    socket.on("data", (data) => this.#read(data as Buffer));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("Redis has closed the connection")));
  }

  /** @param onMessage told what comes for a subscription; the bytes are its to keep */
  static async open(
    socketPath: string,
    onMessage: (message: Uint8Array) => void = () => {},
  ): Promise<RespSocket> {
    const socket = createConnection(socketPath);
    await once(socket, "connect");
    return new RespSocket(socket, onMessage);
  }

  /**
   * Sends commands, together with whatever else this turn of the event loop sends.
   *
   * @returns the answer to the last one
   * @throws {Error} what Redis refused
   */
  async ask(...commands: readonly Command[]): Promise<Answer> {
    if (this.#outgoing.length === 0) setImmediate(() => this.#flush());
    this.#outgoing.push(...commands.flatMap(encode));
    const answers = commands.map(
      () => new Promise<Answer>((resolve, reject) => this.#waiting.push({ resolve, reject })),
    );
    return (await Promise.all(answers)).at(-1) ?? null;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #flush(): void {
    this.#socket.write(Buffer.concat(this.#outgoing));
    this.#outgoing = [];
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #read(data: Buffer): void {
    const bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    let at = 0;
    for (;;) {
      const end = bytes.indexOf(CRLF, at);
      if (end === -1) break;
      const type = bytes.toString("latin1", at, at + 1);
      const text = bytes.toString("latin1", at + 1, end);
      const start = end + CRLF.length;
      if (type === "$" && text !== "-1") {
        const next = start + Number(text) + CRLF.length;
        if (next > bytes.length) break;
        this.#take(new Uint8Array(bytes.subarray(start, next - CRLF.length)));
        at = next;
        continue;
      }
      at = start;
      if (type === "*" && Number(text) > 0) this.#open.push({ elements: [], missing: Number(text) });
      else this.#take(simple(type, text));
    }
    this.#rest = bytes.subarray(at);
  }

  /** Puts an element where it belongs, and hands the answer out that it completes. */
  #take(element: Answer | Error): void {
    const array = this.#open.at(-1);
    if (array === undefined) {
      this.#deliver(element);
      return;
    }
    array.elements.push(element);
    array.missing -= 1;
    if (array.missing > 0) return;
    this.#open.pop();
    this.#take(array.elements.find((one) => one instanceof Error) ?? (array.elements as Answer[]));
  }

  #deliver(answer: Answer | Error): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      if (answer instanceof Error) waiting.reject(answer);
      else waiting.resolve(answer);
    } else if (Array.isArray(answer) && answer[2] instanceof Uint8Array) this.#onMessage(answer[2]);
  }
}

function simple(type: string, text: string): Answer | Error {
  if (type === "-") return new Error(text);
  if (type === ":") return Number(text);
  if (type === "+") return text;
  return type === "*" && text === "0" ? [] : null;
}

function encode(command: Command): readonly Uint8Array[] {
  const strings = command.flatMap((argument) => {
    const bytes = typeof argument === "object" ? argument : Buffer.from(String(argument));
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF];
  });
  return [Buffer.from(`*${command.length}\r\n`), ...strings];
}

/** The strings of an answer that is a list of them. */
export function byteStrings(answer: Answer): readonly Uint8Array[] {
  if (Array.isArray(answer) && answer.every((item): item is Uint8Array => item instanceof Uint8Array)) {
    return answer;
  }
  throw new Error("Redis has not answered with a list of strings");
}

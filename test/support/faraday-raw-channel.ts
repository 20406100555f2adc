/**
 * The command channel of Faraday 3 and 4 for `faraday-server.ts`: JSON in a WebSocket, as autobahn and the server's
 * handlers were seen to deal with it in 3.19.0 and 4.6.2. Nothing of it is shared with `src/`.
 *
 * Frames are dealt with one after the other, whatever a handler takes: so a ping is answered when what came before it
 * is done. A handler that raises ends the connection without a word, and no handler answers.
 */
import type { Server as HttpServer, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { ChannelRecord, TOKEN_MS, type ToldStatus } from "./faraday-channel.ts";
import type { Agent, FaradayServer } from "./faraday-server.ts";
import { closeFrame, frame, Opcode, readFrames, switchingProtocols } from "./websocket-server.ts";

type Message = Readonly<Record<string, unknown>>;

export class FaradayRawChannel extends ChannelRecord {
  /** What agents have sent, as it came. */
  readonly messages: Message[] = [];
  /** Words of close frames of agents. */
  readonly goodbyes: string[] = [];
  /** Pings of agents. */
  pings = 0;
  /** Reads everything and answers nothing, as a process that was stopped. */
  isMute = false;
  /** Milliseconds that a handler takes; nothing else is dealt with meanwhile. */
  handlerDelay: (action: string, message: Message) => number = () => 0;
  /** Whether a good join is refused all the same. */
  refuses: () => boolean = () => false;
  readonly #server: FaradayServer;
  readonly #generation: 3 | 4;
  readonly #sockets = new Set<Duplex>();
  readonly #joined = new Map<Duplex, Agent>();

  /** @param path of the WebSocket, where `http` has others; the server's own port takes any */
  constructor(http: HttpServer, path: string | undefined, server: FaradayServer, generation: 3 | 4) {
    super();
    this.#server = server;
    this.#generation = generation;
    http.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
      socket.on("error", () => {});
      if (path === undefined || request.url === path) this.#accept(request, socket);
      else socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
  }

  override get online(): boolean {
    return this.#joined.size > 0;
  }

  /** WebSockets that are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  override takeOver(before: ChannelRecord): void {
    super.takeOver(before);
    if (!(before instanceof FaradayRawChannel)) return;
    const { messages, goodbyes, handlerDelay, refuses, pings } = before;
    this.messages.push(...messages);
    this.goodbyes.push(...goodbyes);
    Object.assign(this, { handlerDelay, refuses, pings });
  }

  /** Brought into the form of the generation where it is a run of a single workspace. */
  override sendRun(payload: unknown): void {
    const { execution_ids: ids, workspaces, plugin_args, ...rest } = payload as Message;
    const isOld = this.#generation === 3 && Array.isArray(ids) && Array.isArray(workspaces);
    const singular = isOld && { execution_id: ids[0], workspace: workspaces[0] };
    const plural = { execution_ids: ids, workspaces, plugin_args };
    this.sendRaw(JSON.stringify({ ...(singular || plural), ...rest, agent_id: 1, action: "RUN" }));
  }

  /** To the agent that joined last, as it is. */
  sendRaw(text: string | Uint8Array, opcode: number = Opcode.text): void {
    [...this.#joined.keys()].at(-1)?.write(frame(text, opcode));
  }

  /** Ends all connections with a close frame. */
  dismiss(code: number, reason: string): void {
    for (const socket of this.#sockets) socket.end(closeFrame(code, reason));
  }

  override cut(): void {
    for (const socket of [...this.#sockets]) socket.destroy();
  }

  override shutDown(): void {
    this.#joined.clear();
    this.cut();
  }

  #accept(request: IncomingMessage, socket: Duplex): void {
    socket.write(switchingProtocols(request));
    this.#sockets.add(socket);
    // Node leaves its own half open.
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#joined.delete(socket);
    });
    let done = Promise.resolve();
    readFrames(socket, (opcode, payload) => {
      done = done.then(() => this.#onFrame(socket, opcode, payload)).catch(() => void socket.destroy());
    });
  }

  async #onFrame(socket: Duplex, opcode: number, payload: Uint8Array): Promise<void> {
    if (this.isMute || socket.destroyed) return;
    if (opcode === Opcode.ping) {
      this.pings += 1;
      socket.write(frame(payload, Opcode.pong));
    } else if (opcode === Opcode.close) {
      this.goodbyes.push(Buffer.from(payload.subarray(2)).toString());
      socket.end(closeFrame(1000, ""));
    } else if (opcode === Opcode.text) {
      const message: Message = JSON.parse(Buffer.from(payload).toString());
      const action = message["action"];
      if (typeof action !== "string") throw new TypeError("action");
      this.messages.push(message);
      this.events.push(action);
      const delay = this.handlerDelay(action, message);
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
      this.#handle(socket, action, message);
    }
  }

  #handle(socket: Duplex, action: string, message: Message): void {
    switch (action) {
      case "JOIN_AGENT":
        this.#join(socket, message);
        break;
      case "LEAVE_AGENT":
        if (!this.#joined.delete(socket)) throw new Error("it has not joined");
        break;
      case "RUN_STATUS":
        this.#status(socket, message);
    }
  }

  #join(socket: Duplex, { token, executors }: Message): void {
    if (token === undefined || executors === undefined) {
      socket.end(closeFrame(1000, "Invalid JOIN_AGENT message"));
      return;
    }
    const issue = this.tokens.get(String(token));
    const isFresh = issue !== undefined && Date.now() - issue.at <= TOKEN_MS;
    if (!isFresh || !this.#server.agents.has(issue.agent.token) || this.refuses()) {
      socket.end(closeFrame(1000, "Invalid agent token!"));
      return;
    }
    this.joins.push({ agent: issue.agent, executors: executors as readonly unknown[] });
    // The last one to join gets the runs.
    this.#joined.delete(socket);
    this.#joined.set(socket, issue.agent);
  }

  /** What is missing is written as nothing. */
  #status(socket: Duplex, message: Message): void {
    if (!("executor_name" in message)) return;
    if (!this.#joined.has(socket)) throw new Error("it has not joined");
    const { execution_id, execution_ids, running = null, successful = null, message: words = "" } = message;
    const ids = this.#generation === 3 ? execution_id !== undefined && [execution_id] : execution_ids;
    if (!Array.isArray(ids)) throw new Error("no execution");
    if (String(words).includes("\0")) throw new Error("the database takes no NUL");
    this.statuses.push({ ...message, execution_ids: ids } as unknown as ToldStatus);
    for (const id of ids) {
      const execution = this.#server.executions.get(id);
      if (execution !== undefined) Object.assign(execution, { running, successful, message: words });
    }
  }
}

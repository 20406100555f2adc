/**
 * The command channel of `faraday-server.ts`: Socket.IO by hand on Engine.IO, as python-socketio speaks it. Nothing
 * of it is shared with `src/`.
 *
 * What is broadcast by the real one is broadcast here: the greeting, "Agent joined correctly …", and the event
 * `disconnect` for a join that is refused. Acknowledgements come after what a handler sends.
 */
import type { Server as HttpServer } from "node:http";
import { Server as EngineServer, type Socket } from "engine.io";
import type { Agent, FaradayServer } from "./faraday-server.ts";

export type ToldStatus = {
  readonly execution_ids: readonly number[];
  readonly executor_name: string;
  readonly running: boolean | null;
  readonly successful: boolean | null;
  readonly message: string;
};

type Join = { readonly agent: Agent; readonly executors: readonly unknown[] };

const WELCOME = "Agent joined correctly to dispatcher namespace";
/** Milliseconds that a token is good for. */
export const TOKEN_MS = 60_000;

/** What is known of a channel, whichever protocol it speaks. */
export abstract class ChannelRecord {
  readonly joins: Join[] = [];
  readonly statuses: ToldStatus[] = [];
  /** Sent by agents, in order. */
  readonly events: string[] = [];
  /** Tokens given out, with the time. */
  readonly tokens = new Map<string, { readonly agent: Agent; readonly at: number }>();

  /** Whether an agent is. */
  abstract get online(): boolean;
  /** A `run` as the real one sends it, or anything else. */
  abstract sendRun(payload: unknown): void;
  /** All connections break, and the server notices. */
  abstract cut(): void;
  /** It ends without a word, and what was running stays so, as after a signal to the real one. */
  abstract shutDown(): void;

  /** What is remembered over a restart. */
  takeOver({ joins, statuses, events, tokens }: ChannelRecord): void {
    this.joins.push(...joins);
    this.statuses.push(...statuses);
    this.events.push(...events);
    for (const [token, issue] of tokens) this.tokens.set(token, issue);
  }

  newToken(agent: Agent): string {
    const token = `${agent.id}.${this.tokens.size}.${Math.random().toString(36).slice(2)}`;
    this.tokens.set(token, { agent, at: Date.now() });
    return token;
  }
}

export class FaradayChannel extends ChannelRecord {
  /** Those of before 5.0 or so do not. */
  acknowledges = true;
  /** Milliseconds that a handler takes; they run side by side. */
  handlerDelay: (event: string, argument: unknown) => number = () => 0;
  /** Whether it is Faraday 5 or newer. */
  hasNamespace = true;
  /** Whether a good join is refused all the same. */
  refuses: () => boolean = () => false;
  readonly #engine: EngineServer;
  readonly #server: FaradayServer;
  readonly #members = new Set<Socket>();
  /** Whose `run` it will be: the last to join. */
  #agentSocket: Socket | undefined;

  constructor(http: HttpServer, path: string, server: FaradayServer) {
    super();
    this.#server = server;
    const { transports, pingInterval = 60_000, pingTimeout = 220_000 } = server.options;
    this.#engine = new EngineServer({
      pingInterval,
      pingTimeout,
      maxHttpBufferSize: 1_000_000,
      ...(transports !== undefined && { transports: [...transports] }),
    });
    this.#engine.attach(http, { path, destroyUpgrade: true });
    this.#engine.on("connection", (socket: Socket) => {
      socket.on("message", (text: unknown) => this.#onMessage(socket, String(text)));
      socket.on("close", () => this.#leave(socket));
    });
  }

  override get online(): boolean {
    return this.#agentSocket !== undefined;
  }

  /** Connections in the namespace. */
  get members(): number {
    return this.#members.size;
  }

  override takeOver(before: ChannelRecord): void {
    super.takeOver(before);
    if (!(before instanceof FaradayChannel)) return;
    const { acknowledges, handlerDelay, refuses, hasNamespace } = before;
    Object.assign(this, { acknowledges, handlerDelay, refuses, hasNamespace });
  }

  override sendRun(payload: unknown): void {
    const about =
      typeof payload === "object" && payload !== null ? { agent_id: 1, action: "RUN", ...payload } : payload;
    this.#agentSocket?.send(packet("run", about));
  }

  /** A text to all in the namespace, as it is: a Socket.IO packet or none. */
  broadcastRaw(text: string): void {
    for (const member of this.#members) member.send(text);
  }

  strangerJoins(): void {
    this.broadcastRaw(packet("message", "Connected to faraday websocket"));
    this.broadcastRaw(packet("message", WELCOME));
  }

  strangerIsRefused(): void {
    this.broadcastRaw(packet("disconnect", { reason: "Invalid agent token!" }));
  }

  override cut(): void {
    for (const member of [...this.#members]) member.close(true);
  }

  /** It lives on and is mute, as a process that was stopped. */
  stopPinging(): void {
    for (const member of this.#members) {
      // Of engine.io 6.6, which has no other way.
      const { pingIntervalTimer, pingTimeoutTimer } = member as unknown as Record<string, NodeJS.Timeout>;
      clearTimeout(pingIntervalTimer);
      clearTimeout(pingTimeoutTimer);
    }
  }

  override shutDown(): void {
    this.#agentSocket = undefined;
    this.cut();
    this.#engine.close();
  }

  #onMessage(socket: Socket, text: string): void {
    const [, type, namespace = "/", id, data = ""] = /^(\d)(?:(\/[^,]*),?)?(\d+)?(.*)$/s.exec(text) ?? [];
    if (type === "0") {
      this.#connect(socket, namespace);
    } else if (type === "1") {
      this.#leave(socket);
    } else if (type === "2" && this.#members.has(socket)) {
      const [event = "", ...args] = JSON.parse(data) as [string, ...unknown[]];
      this.events.push(event);
      void this.#handle(socket, event, args, id);
    }
  }

  #connect(socket: Socket, namespace: string): void {
    if (namespace === "/") socket.send(`0{"sid":"${Math.random()}"}`);
    else if (namespace !== "/dispatcher" || !this.hasNamespace)
      socket.send(`4${namespace},"Unable to connect"`);
    else {
      this.#members.add(socket);
      this.broadcastRaw(packet("message", "Connected to faraday websocket"));
      socket.send(`0/dispatcher,{"sid":"${Math.random()}"}`);
    }
  }

  /** No acknowledgement where the handler raised. */
  async #handle(
    socket: Socket,
    event: string,
    args: readonly unknown[],
    id: string | undefined,
  ): Promise<void> {
    const delay = this.handlerDelay(event, args[0]);
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    const hasReturned = this.#call(socket, event, args);
    if (hasReturned && id !== undefined && this.acknowledges) socket.send(`3/dispatcher,${id}[]`);
  }

  #call(socket: Socket, event: string, args: readonly unknown[]): boolean {
    switch (event) {
      case "join_agent":
        return this.#join(socket, args[0]);
      case "run_status":
        return this.#status(args[0]);
      case "leave_agent":
        if (args.length > 0) return false;
        this.#leave(socket);
        socket.send("1/dispatcher,");
        return true;
      default:
        return true;
    }
  }

  #join(socket: Socket, message: unknown): boolean {
    const { token, executors } = message as { token?: string; executors?: unknown[] };
    const issue = this.tokens.get(token ?? "");
    const isGood =
      issue !== undefined && Date.now() - issue.at <= TOKEN_MS && this.#server.agents.has(issue.agent.token);
    if (token === undefined || executors === undefined) {
      this.broadcastRaw(packet("disconnect", { reason: "Invalid join agent message" }));
    } else if (!isGood || this.refuses()) {
      this.strangerIsRefused();
    } else {
      this.joins.push({ agent: issue.agent, executors });
      this.#agentSocket = socket;
      this.broadcastRaw(packet("message", WELCOME));
    }
    return true;
  }

  /** Takes only text, and no NUL, as the database has none. */
  #status(text: unknown): boolean {
    if (typeof text !== "string" || text.includes("\\u0000")) return false;
    const status: ToldStatus = JSON.parse(text);
    this.statuses.push(status);
    for (const id of status.execution_ids) {
      const execution = this.#server.executions.get(id);
      if (execution === undefined) continue;
      execution.running = status.running ?? execution.running;
      execution.successful = status.successful ?? execution.successful;
      execution.message = status.message ?? execution.message;
    }
    return true;
  }

  #leave(socket: Socket): void {
    this.#members.delete(socket);
    if (this.#agentSocket !== socket) return;
    this.#agentSocket = undefined;
    for (const execution of this.#server.executions.values()) {
      if (execution.running !== true) continue;
      const message = "Execution terminated due to agent disconnection.";
      Object.assign(execution, { running: false, successful: false, message });
    }
  }
}

function packet(event: string, argument: unknown): string {
  return `2/dispatcher,${JSON.stringify([event, argument])}`;
}

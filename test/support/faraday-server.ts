/**
 * A small Faraday server of a test's own, in the same process: REST and channel as 5.25.2 was seen to have
 * them, odd answers and order of checks included; or, with a `generation`, as 3.19.0 or 4.6.2 were.
 *
 * Engine.IO is that of the `engine.io` package; the Socket.IO on top is in `faraday-channel.ts`. It has a memory and
 * no database: `stop()` and `start()` restart it on the same port, as a real one is.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { Duplex } from "node:stream";
import { type ChannelRecord, FaradayChannel } from "./faraday-channel.ts";
import { FaradayRawChannel } from "./faraday-raw-channel.ts";
import { frame, Opcode, switchingProtocols } from "./websocket-server.ts";

export type Agent = { readonly id: number; readonly name: string; readonly token: string };

/** An accepted or refused `bulk_create`. */
export type Post = {
  readonly workspace: string;
  readonly status: number;
  /** As it came; undefined where it was no JSON. */
  readonly body: PostedBody | undefined;
  /** Since the start of the process, in milliseconds. */
  readonly at: number;
};
export type PostedBody = Readonly<Record<string, unknown>> & {
  readonly execution_id?: number;
  readonly hosts?: readonly Readonly<Record<string, unknown>>[];
  readonly command?: Readonly<Record<string, unknown>>;
};

/** A row of `agent_execution`, as its three columns are written. */
export type Execution = {
  readonly workspace: string;
  readonly commandId: number;
  running: boolean | null;
  successful: boolean | null;
  message: string;
};

/** What happens to a request in place of an answer. `delay` is in milliseconds and comes before a true answer. */
export type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | { readonly delay: number }
  | "hang"
  | "drop";

export type Asked = {
  readonly method: string;
  /** Without the base route. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
};

export type FaradayOptions = {
  /** As in `/faraday`: everything is below it. */
  readonly baseRoute?: string;
  readonly tls?: ServerOptions;
  /** Of an old server, whose channel is no Socket.IO. */
  readonly generation?: 3 | 4;
  /** Whether an old server is behind a reverse proxy, with its channel at the same port. */
  readonly isProxied?: boolean;
  readonly transports?: readonly ("polling" | "websocket")[];
  /** Milliseconds. */
  readonly pingInterval?: number;
  readonly pingTimeout?: number;
};

type Reply = { readonly status: number; readonly type: string; readonly body: string };

/** Names that a workspace may have (5.25.2). */
const WORKSPACE = /^[A-Za-z0-9][A-Za-z0-9_$()+-]{0,250}$/;

export class FaradayServer implements AsyncDisposable {
  readonly options: FaradayOptions;
  readonly agents = new Map<string, Agent>();
  readonly workspaces = new Map<string, { active: boolean; readonly: boolean }>();
  readonly executions = new Map<number, Execution>();
  readonly posts: Post[] = [];
  /** Every REST request, in order. */
  readonly asked: Asked[] = [];
  /** Good for any number of registrations. */
  registrationCode = "123456";
  /** Decides on a request before the server does; undefined leaves it to the server. */
  fault: (asked: Asked, body: string) => Fault | undefined = () => undefined;
  /** Whichever channel it has. */
  record: ChannelRecord;
  #http: Server;
  #port = 0;
  /** Of an old server's channel, where that is another. */
  #channelHttp: Server | undefined;
  #channelPort = 0;
  #lastId = 0;

  private constructor(options: FaradayOptions) {
    this.options = options;
    [this.#http, this.record] = this.#create();
  }

  static async start(options: FaradayOptions = {}): Promise<FaradayServer> {
    const server = new FaradayServer(options);
    await server.#listen();
    return server;
  }

  get url(): URL {
    const scheme = this.options.tls === undefined ? "http" : "https";
    return new URL(`${scheme}://localhost:${this.#port}${this.options.baseRoute ?? ""}`);
  }

  /** Up again after `stop()`. */
  async start(): Promise<void> {
    const before = this.record;
    [this.#http, this.record] = this.#create();
    this.record.takeOver(before);
    await this.#listen();
  }

  /** Of a server of today. */
  get channel(): FaradayChannel {
    assert(this.record instanceof FaradayChannel);
    return this.record;
  }

  /** Of an old server. */
  get rawChannel(): FaradayRawChannel {
    assert(this.record instanceof FaradayRawChannel);
    return this.record;
  }

  /** Where an old server has its channel, if not at the same port. */
  get channelUrl(): URL {
    const url = new URL(this.url);
    url.port = String(this.#channelPort);
    return url;
  }

  /** Gone, with all connections; what it knows stays, and what runs stays running, as with the real one. */
  async stop(): Promise<void> {
    this.record.shutDown();
    for (const http of this.#servers) {
      const closed = once(http, "close");
      http.close();
      http.closeAllConnections();
      await closed;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  addAgent(name = "agent"): Agent {
    this.#lastId += 1;
    const token = randomBytes(48).toString("base64").replaceAll(/[+/]/g, "x");
    const agent = { id: this.#lastId, name, token };
    this.agents.set(token, agent);
    return agent;
  }

  addWorkspace(name: string): void {
    this.workspaces.set(name, { active: true, readonly: false });
  }

  /**
   * Sends `run` to the agent that joined last.
   *
   * @returns the executions, one for each workspace
   */
  run(
    executor: string,
    args: object = {},
    workspaces: readonly string[] = ["w1"],
    pluginArgs?: object,
  ): number[] {
    const ids = workspaces.map((workspace) => {
      if (!this.workspaces.has(workspace)) this.addWorkspace(workspace);
      this.#lastId += 1;
      const state = { running: null, successful: null, message: "" };
      this.executions.set(this.#lastId, { workspace, commandId: 1000 + this.#lastId, ...state });
      return this.#lastId;
    });
    const plugin = { ignore_info: false, resolve_hostname: true, ...pluginArgs };
    this.record.sendRun({ execution_ids: ids, workspaces, executor, args, plugin_args: plugin });
    return ids;
  }

  /** What was accepted for an execution, closing posts included. */
  accepted(executionId: number): readonly PostedBody[] {
    const posts = this.posts.filter(
      ({ status, body }) => status === 201 && body?.execution_id === executionId,
    );
    return posts.flatMap(({ body }) => (body === undefined ? [] : [body]));
  }

  get #servers(): readonly Server[] {
    return this.#channelHttp === undefined ? [this.#http] : [this.#http, this.#channelHttp];
  }

  #create(): [Server, ChannelRecord] {
    const onRequest = (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request, response).catch(() => request.destroy());
    };
    const { baseRoute = "", generation, isProxied, transports } = this.options;
    const http = this.#newServer();
    if (generation !== undefined) {
      http.on("request", onRequest);
      if (isProxied) return [http, new FaradayRawChannel(http, `${baseRoute}/websockets`, this, generation)];
      this.#channelHttp = this.#newServer();
      this.#channelHttp.on("request", (_: IncomingMessage, response: ServerResponse) => {
        response.writeHead(200, { "content-type": "text/html; charset=UTF-8" }).end(PORT_PAGE);
      });
      return [http, new FaradayRawChannel(this.#channelHttp, undefined, this, generation)];
    }
    const channel = new FaradayChannel(http, `${baseRoute}/socket.io/`, this);
    http.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
      const isEngine = request.url?.startsWith(`${baseRoute}/socket.io/`);
      if (isEngine && transports?.includes("websocket") !== false) return;
      if (isEngine) return void socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
      // gevent makes a WebSocket of anything, and ends it when the application has answered as if it were none.
      socket.on("error", () => {});
      socket.end(Buffer.concat([Buffer.from(switchingProtocols(request)), frame("", Opcode.close)]));
    });
    // After Engine.IO, which answers what is below its path, and passes on everything else.
    http.on("request", (request: IncomingMessage, response: ServerResponse) => {
      if (!request.url?.startsWith(`${baseRoute}/socket.io/`)) onRequest(request, response);
    });
    return [http, channel];
  }

  #newServer(): Server {
    const { tls } = this.options;
    return (tls === undefined ? createServer() : createTlsServer(tls)) as Server;
  }

  async #listen(): Promise<void> {
    this.#port = await listen(this.#http, this.#port);
    if (this.#channelHttp !== undefined)
      this.#channelPort = await listen(this.#channelHttp, this.#channelPort);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    const path = url.slice(this.options.baseRoute?.length ?? 0);
    const asked = { method, path, headers };
    this.asked.push(asked);
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const fault = this.fault(asked, text);
    if (fault === "hang") return;
    if (fault === "drop") {
      request.socket.destroy();
      return;
    }
    if (fault !== undefined && "status" in fault) {
      const { status, headers: more = {}, body = page(status, "A fault") } = fault;
      response.writeHead(status, { "content-type": "text/html; charset=utf-8", ...more }).end(body);
      return;
    }
    if (fault !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delay));
    const isBelow = url.startsWith(`${this.options.baseRoute ?? ""}/`);
    const { status, type, body } = isBelow ? this.#reply(asked, text) : html(404, "Not Found");
    response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
  }

  #reply({ method, path, headers }: Asked, text: string): Reply {
    const route = `${method} ${path}`;
    const workspace = /^POST \/_api\/v3\/ws\/([^/]+)\/bulk_create$/.exec(route)?.[1];
    if (workspace !== undefined) return this.#bulkCreate(decodeURIComponent(workspace), headers, text);
    const { generation } = this.options;
    switch (route) {
      case "GET /_api/config":
        return json(200, generation === undefined ? { sso_enabled: false } : this.#config(generation));
      case "GET /_api/v3/info":
        if (generation === undefined) break;
        return json(200, { "Faraday Server": "Running", Version: VERSIONS[generation] });
      case "POST /_api/v3/agents":
        if (generation === 3) break;
        return this.#register(headers, text);
      case "POST /_api/v3/agent_websocket_token":
        return this.#token(headers);
    }
    // Everything else is the single-page application, or wants a login.
    return method === "GET" && !path.startsWith("/_api") ? html(200, "Faraday") : html(401, UNAUTHORIZED);
  }

  #config(generation: 3 | 4): object {
    const port = this.#channelPort === 0 ? 9000 : this.#channelPort;
    // A text where the port was given on the command line.
    const websocket_port = generation === 3 ? port : String(port);
    return { show_vulns_by_price: false, smtp_enabled: false, ver: VERSIONS[generation], websocket_port };
  }

  #register(headers: Asked["headers"], text: string): Reply {
    const body = headers["content-type"] === "application/json" ? parse(text) : undefined;
    const missing = ["name", "token"].filter((field) => typeof body?.[field] !== "string");
    if (missing.length > 0) {
      const problems = missing.map((field) => [field, ["Missing data for required field."]]);
      return json(400, { messages: { json: Object.fromEntries(problems) } });
    }
    if (body?.["token"] !== this.registrationCode) return html(401, "Invalid Token");
    const { id, name, token } = this.addAgent(String(body["name"]));
    return json(201, { id, name, token, description: body["description"] ?? "" });
  }

  #token(headers: Asked["headers"]): Reply {
    const agent = this.#agentOf(headers);
    if (agent === "none") return html(401, UNAUTHORIZED);
    if (agent === "unknown") {
      return this.options.generation === 3 ? html(403, FORBIDDEN) : json(403, { message: FORBIDDEN });
    }
    return json(200, { token: this.record.newToken(agent) });
  }

  #agentOf({ authorization = "" }: Asked["headers"]): Agent | "none" | "unknown" {
    const token = /^agent (.+)$/i.exec(authorization)?.[1];
    return token === undefined ? "none" : (this.agents.get(token) ?? "unknown");
  }

  #bulkCreate(workspace: string, headers: Asked["headers"], text: string): Reply {
    const body = parse(text);
    const reply = this.#judgePost(workspace, headers, body);
    this.posts.push({ workspace, status: reply.status, body, at: performance.now() });
    return reply;
  }

  /** The first rule that is broken decides. */
  #judgePost(name: string, headers: Asked["headers"], body: PostedBody | undefined): Reply {
    const workspace = WORKSPACE.test(name) ? this.workspaces.get(name) : undefined;
    const { generation } = this.options;
    if (generation !== undefined && workspace === undefined) return html(404, `No such workspace: ${name}`);
    if (!workspace?.active) return html(401, UNAUTHORIZED);
    if (workspace.readonly) return json(403, { message: "Altering a readonly workspace is not allowed" });
    const agent = this.#agentOf(headers);
    if (agent === "none") return html(401, UNAUTHORIZED);
    if (agent === "unknown") return json(403, { message: FORBIDDEN });
    if (body === undefined)
      return html(400, "The browser (or proxy) sent a request that this server could not understand.");
    const problems = problemsOf(body, generation);
    if (problems !== undefined) return json(400, { messages: { json: problems } });
    if (body.execution_id === undefined) return html(400, "argument expected: execution_id");
    const execution = this.executions.get(body.execution_id);
    if (execution === undefined) return html(400, "Can not find an agent execution with that id");
    if (execution.workspace !== name) return html(400, "Trying to write to the incorrect workspace");
    return json(201, { message: "Created", command_id: execution.commandId });
  }
}

/** @returns the port */
async function listen(http: Server, port: number): Promise<number> {
  http.listen(port, "localhost");
  await once(http, "listening");
  const address = http.address();
  assert(typeof address === "object" && address !== null);
  return address.port;
}

const PORT_PAGE = "This is a websocket port.";
const VERSIONS = { 3: "3.19.0", 4: "4.6.2" } as const;

const UNAUTHORIZED = "The server could not verify that you are authorized to access the URL requested.";
const FORBIDDEN = "You don't have the permission to access the requested resource.";

/** Of the schema, what tells a body that was never checked from one that was. */
function problemsOf({ hosts, command }: PostedBody, generation: 3 | 4 | undefined): object | undefined {
  const required = ["Missing data for required field."];
  const missing = (object: Readonly<Record<string, unknown>>, fields: readonly string[]) => {
    const found = fields.filter((field) => typeof object[field] !== "string");
    return found.length === 0 ? undefined : Object.fromEntries(found.map((field) => [field, required]));
  };
  const inHosts = (hosts ?? []).map(
    (host) => missing(host, ["ip", "description"]) ?? (generation === 3 ? inReferences(host) : undefined),
  );
  const inCommand = command === undefined ? required : missing(command, ["tool", "command", "start_date"]);
  const problems = {
    ...(hosts === undefined && { hosts: required }),
    ...(inHosts.some(Boolean) && { hosts: { ...inHosts } }),
    ...(inCommand !== undefined && { command: inCommand }),
  };
  return Object.keys(problems).length === 0 ? undefined : problems;
}

/** Faraday 3 takes texts; of what is wrong it tells one for each object. */
function inReferences({ vulnerabilities }: Readonly<Record<string, unknown>>): object | undefined {
  const all = Array.isArray(vulnerabilities) ? vulnerabilities : [];
  const references = all.flatMap(
    (vulnerability: { readonly refs?: readonly unknown[] }) => vulnerability.refs ?? [],
  );
  const bad = references.findIndex((reference) => typeof reference !== "string");
  return bad < 0 ? undefined : { vulnerabilities: { refs: { [bad]: ["Not a valid string."] } } };
}

function parse(text: string): PostedBody | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function json(status: number, value: unknown): Reply {
  return { status, type: "application/json", body: `${JSON.stringify(value)}\n` };
}

function html(status: number, words: string): Reply {
  return { status, type: "text/html; charset=utf-8", body: page(status, words) };
}

/** As werkzeug writes them. */
function page(status: number, words: string): string {
  return `<!doctype html>\n<html lang=en>\n<title>${status}</title>\n<p>${words.replaceAll("'", "&#39;")}</p>\n`;
}

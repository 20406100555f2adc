/**
 * HTTP and WebSockets to Faraday's server; the only door to undici.
 *
 * undici, because the clients that Node, Bun and Deno have built in differ in proxies, authorities and client
 * certificates, and not all of them take such for a WebSocket. By its file, as Bun would put a stub of its own in
 * place of the package by name.
 *
 * Traps of undici 7.30 that are met here:
 * - EnvHttpProxyAgent reads the environment of the process where it is given no text, an empty one included in
 *   what counts, and sends https:// through HTTP_PROXY where there is no HTTPS_PROXY;
 * - it forgets the options for WebSockets, so that a message might have 128 MB;
 * - a WebSocket that was closed waits for the server to close, too, for ever; so all sockets are known;
 * - a pool whose last socket ends is forgotten by `destroy()`, though it may connect again: see `#known`.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { rootCertificates } from "node:tls";
import { buildConnector, EnvHttpProxyAgent, Pool, ping, request, WebSocket } from "undici/index.js";
import { CbError } from "../core/errors.ts";
import { seconds } from "../core/text.ts";
import { failureOf, ServerFailure } from "./server-failure.ts";

export type TlsOptions = {
  /** Authorities in PEM, in place of those that the runtime knows. */
  readonly ca: Uint8Array | undefined;
  /**
   * Whether a chain may end at any certificate of `ca`, and not only at one that has signed itself: those were named
   * for this server, and its own may be among them. Deno, and Node before 20.18, know nothing of it and verify more.
   */
  readonly partial: boolean;
  readonly certificate: Uint8Array | undefined;
  readonly key: Uint8Array | undefined;
  /** False trusts whoever answers. */
  readonly verify: boolean;
};

/** The texts of HTTPS_PROXY, HTTP_PROXY and NO_PROXY; an empty one is as good as none. */
export type ProxyOptions = {
  readonly https: string | undefined;
  readonly http: string | undefined;
  readonly exceptions: string | undefined;
};

export type HttpOptions = {
  /** With the base route, if there is one. */
  readonly server: URL;
  /** What `/socket.io/` is below; usually the same. */
  readonly channel: URL;
  readonly tls: TlsOptions;
  readonly proxy: ProxyOptions;
  /** Milliseconds for a connection, and again for one answer. */
  readonly timeout: number;
  /** Looks at each connection to the server, proxy or not, before anything is said on it; a failure ends it. */
  readonly judge?: (socket: Socket) => ServerFailure | undefined;
};

export type HttpRequest = {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Milliseconds for the whole answer; without it, the client's, and more for a long body. */
  readonly timeout?: number;
  readonly signal: AbortSignal;
};

export type HttpAnswer = {
  readonly status: number;
  /** In small letters, without parameters: `text/html`. */
  readonly mediaType: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What is no UTF-8 in it is U+FFFD. */
  readonly text: string;
  /** The server had more to say than `MAX_ANSWER_BYTES`. */
  readonly isCut: boolean;
};

/** Bytes of one answer or WebSocket message, at most: a `run` with its parameters is a thousandth of it. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
/** A body of 5 MB on a line of 400 kbit/s is no reason to give up. */
const SLOWEST_BYTES_PER_MS = 50;

export class HttpClient {
  readonly server: URL;
  readonly channel: URL;
  readonly timeout: number;
  readonly #options: HttpOptions;
  readonly #sockets = new Set<Socket>();
  /** By scheme, as each has a proxy of its own. */
  readonly #routes: ReadonlyMap<string, Routes>;
  #isClosed = false;

  /** @throws {CbError} `setting` for a proxy that cannot be used; certificates and key are taken as they are */
  constructor(options: HttpOptions) {
    const { server, channel, timeout, proxy } = options;
    this.server = server;
    this.channel = channel;
    this.timeout = timeout;
    this.#options = options;
    const [https, http] = [proxyUrl("HTTPS_PROXY", proxy.https), proxyUrl("HTTP_PROXY", proxy.http)];
    this.#routes = new Map([
      ["https:", this.#newRoutes(https)],
      ["http:", this.#newRoutes(http)],
    ]);
  }

  /** Another client with the same options and connections of its own, which end with it. */
  sibling(): HttpClient {
    return new HttpClient(this.#options);
  }

  /** The URL of a path that begins with a slash, below the base route. */
  at(path: string): URL {
    return below(this.server, path);
  }

  /**
   * The answer, whatever its status; redirections are not followed, as a token would go with them.
   *
   * @throws {ServerFailure} `connection` where no whole answer came in time
   * @throws the reason of `signal`
   */
  async request({ method, url, headers = {}, body, timeout, signal }: HttpRequest): Promise<HttpAnswer> {
    signal.throwIfAborted();
    const patience = timeout ?? this.timeout + (body?.length ?? 0) / SLOWEST_BYTES_PER_MS;
    const end = new AbortController();
    const onAbort = () => end.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const timer = setTimeout(() => {
      end.abort(new ServerFailure("connection", `no answer within ${seconds(patience)}`));
    }, patience);
    try {
      const options = { method, headers, body: body ?? null, signal: end.signal };
      const dispatcher = this.#routesTo(url);
      const answer = await request(url, { ...options, dispatcher, headersTimeout: 0, bodyTimeout: 0 });
      return { ...(await readBody(answer.body)), ...headOf(answer.statusCode, answer.headers) };
    } catch (error) {
      // What undici throws then differs with how far it was.
      if (end.signal.aborted) throw end.signal.reason;
      throw failureOf(error, url, this.#options.tls.certificate !== undefined);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** A WebSocket with the same TLS and the same proxies. The reason of its failure cannot be had from it. */
  webSocket(url: string): WebSocket {
    const scheme = url.startsWith("wss:") ? "https:" : "http:";
    return new WebSocket(url, { dispatcher: this.#routes.get(scheme) as Routes });
  }

  /** Ends all connections at once, whatever they are about. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([...this.#routes.values()].map((routes) => routes.destroy()));
  }

  #routesTo({ protocol }: URL): Routes {
    return this.#routes.get(protocol) as Routes;
  }

  #newRoutes(proxy: string): Routes {
    const { tls, proxy: texts, timeout } = this.#options;
    const serverTls = {
      timeout,
      rejectUnauthorized: tls.verify,
      allowPartialTrustChain: tls.partial,
      ...(tls.ca !== undefined && { ca: asBuffer(tls.ca) }),
      ...(tls.certificate !== undefined && { cert: asBuffer(tls.certificate) }),
      ...(tls.key !== undefined && { key: asBuffer(tls.key) }),
    };
    // Whoever trusts the server blindly has not said so of the proxy, which may have a certificate that anybody knows.
    const authorities = tls.ca === undefined ? {} : { ca: [...rootCertificates, asBuffer(tls.ca)] };
    return new Routes({
      connect: this.#known(buildConnector(serverTls)),
      requestTls: serverTls,
      proxyTls: { timeout, ...authorities },
      // For each server, whichever way leads there; `clientFactory` is for the proxy alone.
      factory: (origin, options) => {
        const { connect } = options as { readonly connect: buildConnector.connector };
        return new Pool(origin, { ...options, connect: this.#judged(connect) });
      },
      clientFactory: (origin, options) => {
        const { connect } = options as { readonly connect: buildConnector.connector };
        return new Pool(origin, { connect: this.#known(connect, "the proxy: "), headersTimeout: timeout });
      },
      httpsProxy: proxy,
      httpProxy: proxy,
      noProxy: texts.exceptions ?? "",
      // For WebSockets, as requests have a deadline.
      headersTimeout: timeout,
    });
  }

  /** As `connect`, unless somebody wants to see the socket first. */
  #judged(connect: buildConnector.connector): buildConnector.connector {
    const { judge } = this.#options;
    if (judge === undefined) return connect;
    return (options, callback) => {
      connect(options, (...outcome) => {
        const [error, socket] = outcome;
        const failure = error === null ? judge(socket) : undefined;
        if (failure === undefined) return callback(...outcome);
        socket?.destroy();
        callback(failure, null);
      });
    };
  }

  /** As `connect`, and `close()` knows of the sockets. */
  #known(connect: buildConnector.connector, subject = ""): buildConnector.connector {
    return (options, callback) => {
      // Or undici connects again and again, be it for a request that was aborted: each socket ends at once.
      if (this.#isClosed) return callback(new ServerFailure("connection", "closed"), null);
      connect(options, (...[error, socket]) => {
        if (error !== null) {
          const url = new URL(`${options.protocol}//${options.host ?? options.hostname}`);
          const failure = failureOf(error, url, this.#options.tls.certificate !== undefined);
          callback(subject === "" ? error : new ServerFailure("connection", subject + failure.message), null);
          return;
        }
        this.#sockets.add(socket);
        socket.once("close", () => this.#sockets.delete(socket));
        if (this.#isClosed) socket.destroy();
        callback(null, socket);
      });
    };
  }
}

/** Chooses between a proxy and the direct way, by NO_PROXY. */
class Routes extends EnvHttpProxyAgent {
  /** What WebSocket asks its dispatcher for. */
  get webSocketOptions(): object {
    return { maxPayloadSize: MAX_ANSWER_BYTES, maxFragments: 4096 };
  }
}

/** Sends a ping, at once and behind all texts that were sent before it. @param payload at most 125 bytes */
export function sendPing(socket: WebSocket, payload: string): void {
  ping(socket, Buffer.from(payload));
}

/** Where undici tells of every pong of every WebSocket. */
const PONGS = "undici:websocket:pong";

/** Calls `onPong` with the payload of each pong. @returns what ends that */
export function listenForPongs(socket: WebSocket, onPong: (payload: string) => void): () => void {
  const listener = (message: unknown) => {
    const { websocket, payload } = message as { readonly websocket: unknown; readonly payload: Uint8Array };
    if (websocket === socket) onPong(Buffer.from(payload).toString("latin1"));
  };
  subscribe(PONGS, listener);
  return () => unsubscribe(PONGS, listener);
}

/** The URL of a path that begins with a slash, below another that may end in one. */
export function below(base: URL, path: string): URL {
  return new URL(`${base.origin}${base.pathname.replace(/\/+$/, "")}${path}`);
}

/** As undici wants it; "" for none. */
function proxyUrl(name: string, text: string | undefined): string {
  if (!text) return "";
  const withScheme = text.includes("://") ? text : `http://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url.href;
  // Without the text, which may have a password in it.
  throw new CbError("setting", `Cannot use ${name}: expected a URL such as http://proxy.example:3128`);
}

function headOf(
  status: number,
  headers: HttpAnswer["headers"],
): Pick<HttpAnswer, "status" | "mediaType" | "headers"> {
  const type = headers["content-type"];
  const mediaType = typeof type === "string" ? (type.split(";")[0] ?? "").trim().toLowerCase() : "";
  return { status, mediaType, headers };
}

async function readBody(
  body: AsyncIterable<Uint8Array> & { destroy(): void },
): Promise<Pick<HttpAnswer, "text" | "isCut">> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) break; // which destroys it
  }
  const bytes = Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES);
  return { text: new TextDecoder().decode(bytes), isCut: length > MAX_ANSWER_BYTES };
}

/** The same bytes, as the types of undici want them. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

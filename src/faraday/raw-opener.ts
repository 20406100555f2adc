/**
 * Finds the WebSocket of Faraday 3.14 to 4.6, and opens it.
 *
 * Such a server has it at a port of its own, 9000 if nobody has changed that; a reverse proxy in front, as Faraday
 * configures one, at `/websockets` below the server's URL. So it is looked for there first. The other port is the one
 * that the server names, and is tried without TLS alone: the server has none at it, and a token is for nobody else.
 */
import type { Log } from "../core/log.ts";
import type { FaradayApi } from "./api.ts";
import { type ChannelObserver, type ChannelWaits, type OpenChannel, WAITS } from "./command-channel.ts";
import { below, type HttpClient } from "./http-client.ts";
import { RawChannel } from "./raw-channel.ts";
import { VAGUE_REASONS } from "./raw-socket.ts";
import { isWebPage, refusalOf } from "./server-answer.ts";
import { describeServer, ServerFailure } from "./server-failure.ts";

/** The one for old servers, over connections of its own. */
export function rawOpener(
  http: HttpClient,
  api: Pick<FaradayApi, "channelPort">,
  log: Log,
  waits = WAITS,
): OpenChannel {
  const opener = new RawOpener(http, api, log, waits);
  return (observer, signal) => opener.open(observer, signal);
}

class RawOpener {
  readonly #http: HttpClient;
  readonly #api: Pick<FaradayApi, "channelPort">;
  readonly #log: Log;
  readonly #waits: ChannelWaits;
  /** Where it was the last time. */
  #known: URL | undefined;

  constructor(http: HttpClient, api: Pick<FaradayApi, "channelPort">, log: Log, waits: ChannelWaits) {
    this.#http = http;
    this.#api = api;
    this.#log = log;
    this.#waits = waits;
  }

  /** @throws {ServerFailure} `connection` @throws the reason of `signal` */
  async open(observer: ChannelObserver, signal: AbortSignal): Promise<RawChannel> {
    const parts = { observer, log: this.#log, waits: this.#waits };
    let failure = new ServerFailure("connection", "it has no command channel");
    for await (const place of this.#places(signal)) {
      try {
        const channel = await RawChannel.open(this.#http, webSocketUrl(place), parts, signal);
        this.#known = place;
        return channel;
      } catch (error) {
        if (!(error instanceof ServerFailure)) throw error;
        failure = await this.#explained(place, error, signal);
      }
    }
    throw failure;
  }

  /** With the schemes of HTTP. */
  async *#places(signal: AbortSignal): AsyncGenerator<URL> {
    const { server, channel } = this.#http;
    const usual = below(channel, "/websockets");
    if (this.#known !== undefined) yield this.#known;
    if (this.#known?.href !== usual.href) yield usual;
    if (channel.href !== server.href || server.protocol !== "http:") return;
    const port = await this.#api.channelPort(signal).catch((error: unknown) => {
      if (error instanceof ServerFailure) return undefined;
      throw error;
    });
    if (port === undefined) return;
    const other = below(server, "/websockets");
    other.port = String(port);
    if (other.href !== usual.href && other.href !== this.#known?.href) yield other;
  }

  /** A WebSocket does not say why there is none; a plain request does. */
  async #explained(place: URL, { message }: ServerFailure, signal: AbortSignal): Promise<ServerFailure> {
    const why = VAGUE_REASONS.includes(message) ? await this.#reason(place, signal) : message;
    return new ServerFailure("connection", `no WebSocket at "${describeServer(place)}": ${why}`);
  }

  async #reason(place: URL, signal: AbortSignal): Promise<string> {
    try {
      const answer = await this.#http.request({ method: "GET", url: place, signal });
      return isWebPage(answer) ? "it answers with a web page" : refusalOf(answer);
    } catch (error) {
      if (error instanceof ServerFailure) return error.message;
      throw error;
    }
  }
}

function webSocketUrl(place: URL): URL {
  const url = new URL(place);
  url.protocol = place.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

/**
 * Opens a command channel by the protocol that the server speaks.
 *
 * It is tried as it worked the last time, at first by Socket.IO, so that nothing is asked where nothing is wrong. Where
 * that fails, or does not answer (the other port of an old server takes any WebSocket, and then says nothing), one
 * request finds out whether it is the other protocol. Only a channel that has opened is remembered, and before an old
 * server is taken for one again, it is asked again: what stands in front of a server for a while must not decide for ever.
 */
import type { Log } from "../core/log.ts";
import type { FaradayApi } from "./api.ts";
import { channelOpener } from "./channel.ts";
import { PROBE_PATH, protocolOf } from "./channel-protocol.ts";
import {
  type ChannelObserver,
  type ChannelProtocol,
  type CommandChannel,
  type OpenChannel,
  WAITS,
} from "./command-channel.ts";
import type { EngineTransport } from "./engine-socket.ts";
import { below, type HttpClient } from "./http-client.ts";
import { rawOpener } from "./raw-opener.ts";
import { ServerFailure } from "./server-failure.ts";

type OpenerParts = {
  readonly http: HttpClient;
  readonly api: Pick<FaradayApi, "channelPort">;
  readonly log: Log;
  readonly protocol: ChannelProtocol | "auto";
  /** Of Socket.IO. */
  readonly transport: EngineTransport;
  readonly waits?: typeof WAITS;
};

/** By the protocol that is set, or that is found. */
export function openerFor(parts: OpenerParts): OpenChannel {
  const { http, api, log, protocol, transport, waits = WAITS } = parts;
  const openers = {
    "socket.io": channelOpener(http, log, waits, transport),
    legacy: rawOpener(http, api, log, waits),
  };
  if (protocol !== "auto") return openers[protocol];
  const finder = new ProtocolFinder(http, openers, waits.doubt);
  return (observer, signal) => finder.open(observer, signal);
}

const WORDS: Readonly<Record<ChannelProtocol, string>> = {
  "socket.io": "by Socket.IO",
  legacy: "as before Faraday 5",
};

class ProtocolFinder {
  readonly #http: HttpClient;
  readonly #openers: Readonly<Record<ChannelProtocol, OpenChannel>>;
  readonly #doubt: number;
  /** Of the last channel that has opened. */
  #last: ChannelProtocol = "socket.io";

  constructor(http: HttpClient, openers: Readonly<Record<ChannelProtocol, OpenChannel>>, doubt: number) {
    this.#http = http;
    this.#openers = openers;
    this.#doubt = doubt;
  }

  /** @throws {ServerFailure} `connection` @throws the reason of `signal` */
  async open(observer: ChannelObserver, signal: AbortSignal): Promise<CommandChannel> {
    // An old server may have become a new one; that way nothing keeps us from finding out.
    if (this.#last === "legacy" && (await this.#spoken(signal)) === "socket.io") this.#last = "socket.io";
    const usual = this.#last;
    const other = usual === "legacy" ? "socket.io" : "legacy";
    let spoken: Promise<ChannelProtocol | undefined> | undefined;
    const isOther = async () => {
      spoken ??= this.#spoken(signal);
      return (await spoken) === other;
    };
    const doubt = new AbortController();
    const onDoubt = (is: boolean) => is && doubt.abort(new ServerFailure("connection", "no answer"));
    const timer = setTimeout(() => void isOther().then(onDoubt, () => {}), this.#doubt);
    try {
      return await this.#openers[usual](observer, AbortSignal.any([signal, doubt.signal]));
    } catch (error) {
      clearTimeout(timer);
      if (!(error instanceof ServerFailure) || !(await isOther())) throw error;
      const failure = `${WORDS[usual]}: ${error.message}`;
      const channel = await this.#openers[other](observer, signal).catch((second: unknown) => {
        if (!(second instanceof ServerFailure)) throw second;
        throw new ServerFailure("connection", `${failure}; ${WORDS[other]}: ${second.message}`);
      });
      this.#last = other;
      return channel;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Undefined where that cannot be said now. @throws the reason of `signal` */
  async #spoken(signal: AbortSignal): Promise<ChannelProtocol | undefined> {
    try {
      const url = below(this.#http.channel, PROBE_PATH);
      return protocolOf(await this.#http.request({ method: "GET", url, signal }));
    } catch (error) {
      if (error instanceof ServerFailure) return undefined;
      throw error;
    }
  }
}

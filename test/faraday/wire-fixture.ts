/** A client and a link for tests of the wire, and the log that they write. */
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../src/core/clock.ts";
import type { Log } from "../../src/core/log.ts";
import { FaradayApi } from "../../src/faraday/api.ts";
import { openerFor } from "../../src/faraday/channel-opener.ts";
import type { ChannelProtocol, ChannelWaits } from "../../src/faraday/command-channel.ts";
import { CommandLink, type LinkWaits } from "../../src/faraday/command-link.ts";
import { HttpClient, type HttpOptions } from "../../src/faraday/http-client.ts";

export const NEVER = new AbortController().signal;

export const NO_PROXY = { https: undefined, http: undefined, exceptions: undefined };
export const PLAIN_TLS = {
  ca: undefined,
  certificate: undefined,
  key: undefined,
  verify: true,
  partial: false,
};

/** @param url of server and channel */
export function client(url: URL, options: Partial<HttpOptions> = {}): HttpClient {
  return new HttpClient({
    server: url,
    channel: url,
    tls: PLAIN_TLS,
    proxy: NO_PROXY,
    timeout: 5_000,
    ...options,
  });
}

/** What was logged: level, fields, message. */
export class LogBook {
  readonly lines: string[] = [];
  readonly log: Log;

  constructor() {
    const write = (level: string) => (fields: object, message: string) => {
      this.lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
    };
    const levels = ["error", "warn", "info", "debug", "trace"] as const;
    this.log = Object.fromEntries(levels.map((level) => [level, write(level)])) as unknown as Log;
  }

  has(words: string): boolean {
    return this.lines.some((line) => line.includes(words));
  }
}

/** Short where what is waited for does not come, long where it does, on a machine that is busy. */
export const HURRY: LinkWaits & ChannelWaits = {
  firstPause: 10,
  lastPause: 100,
  good: 10_000,
  nextJoin: 20,
  firstPatience: 1_000,
  lastPatience: 1_000,
  acknowledge: 5_000,
  settle: 100,
  leave: 2_000,
  ping: 30_000,
  doubt: 5_000,
};

export const EXECUTORS = [
  { executor_name: "scan", category: ["Port scan"], tool: "nmap", args: {} },
  { executor_name: "other", category: [], tool: "", args: {} },
];

/** A link that runs, with what it was told. What the server speaks is found out, if it is not given. */
export class RunningLink {
  readonly book = new LogBook();
  readonly runs: unknown[] = [];
  joined = 0;
  readonly link: CommandLink;
  readonly #http: HttpClient;
  readonly #stopping = new AbortController();
  readonly ended: Promise<"deleted" | "stopped">;

  constructor(
    url: URL,
    agentToken: string,
    options: Partial<HttpOptions> = {},
    waits = HURRY,
    protocol: ChannelProtocol | "auto" = "auto",
  ) {
    const http = client(url, options);
    this.#http = http;
    const { log } = this.book;
    const api = new FaradayApi(http);
    this.link = new CommandLink({
      api,
      openChannel: openerFor({ http, api, log, waits, protocol, transport: "auto" }),
      agentToken,
      announcements: EXECUTORS,
      clock: systemClock,
      log,
      onRun: (payload) => this.runs.push(payload),
      onJoined: () => {
        this.joined += 1;
      },
      waits,
    });
    this.ended = this.link.run(this.#stopping.signal);
  }

  async stop(): Promise<"deleted" | "stopped"> {
    this.#stopping.abort();
    const how = await this.ended;
    await this.#http.close();
    return how;
  }
}

/** Waits for what is bound to come, on a machine that is busy. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + 15_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Not within 15 s: ${what}`);
    await sleep(5);
  }
}

/**
 * `--output raw`: the bytes of one agent, as they come and as they are, standard error to standard error. On a terminal
 * control characters are shown instead of passed on, as everywhere; newlines and tabs stay.
 */
import type { Identity } from "../core/names.ts";
import { printable } from "../core/text.ts";
import { utf8 } from "../protocol/bytes.ts";
import { STREAMS, type Stream } from "../protocol/reply.ts";
import type { Sink } from "./line-renderer.ts";
import type { View } from "./view.ts";

export class RawView implements View {
  readonly #sinks: Readonly<Record<Stream, Sink>>;
  /** Of a character the beginning may come with one message and the rest with the next. */
  readonly #decoders = { stdout: newDecoder(), stderr: newDecoder() };
  #shown: Identity | undefined;
  readonly #others = new Set<Identity>();

  constructor(stdout: Sink, stderr: Sink) {
    this.#sinks = { stdout, stderr };
  }

  get losses(): readonly string[] {
    return [...this.#others].map(
      (identity) =>
        `${identity}: its output is not shown: --output raw is for one agent, and shows ${this.#shown}`,
    );
  }

  async start(): Promise<void> {}
  async hello(): Promise<void> {}

  async output(identity: Identity, stream: Stream, data: Uint8Array): Promise<void> {
    this.#shown ??= identity;
    if (identity === this.#shown) await this.#show(stream, data);
    else this.#others.add(identity);
  }

  async exit(): Promise<void> {}

  /** Shows what was a character's beginning, and nothing came after it. */
  async flush(): Promise<void> {
    for (const stream of STREAMS) await this.#show(stream);
  }

  async conclude(): Promise<void> {}

  async #show(stream: Stream, data?: Uint8Array): Promise<void> {
    const sink = this.#sinks[stream];
    if (!sink.isTerminal) return data && sink.write(data);
    const text = this.#decoders[stream].decode(data, { stream: data !== undefined });
    if (text !== "") await sink.write(utf8(text.split("\n").map(printable).join("\n")));
  }
}

function newDecoder() {
  return new TextDecoder("utf-8", { ignoreBOM: true });
}

/** `--output quiet`: the summary alone, which every form has. */
export const QUIET: View = {
  losses: [],
  start: async () => {},
  hello: async () => {},
  output: async () => {},
  exit: async () => {},
  flush: async () => {},
  conclude: async () => {},
};

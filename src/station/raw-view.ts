/** `--output raw`: the bytes of one agent, as they come and as they are, standard error to standard error. */
import type { Identity } from "../core/names.ts";
import type { Stream } from "../protocol/reply.ts";
import type { Sink } from "./line-renderer.ts";
import type { View } from "./view.ts";

export class RawView implements View {
  readonly #sinks: Readonly<Record<Stream, Sink>>;
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
    if (identity === this.#shown) await this.#sinks[stream].write(data);
    else this.#others.add(identity);
  }

  async exit(): Promise<void> {}
  async flush(): Promise<void> {}
  async conclude(): Promise<void> {}
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

/** `--output live`: lines as they come, each with the name of who wrote it. */
import type { Identity } from "../core/names.ts";
import type { Exit, Hello, Stream } from "../protocol/reply.ts";
import { LineRenderer, type Sink } from "./line-renderer.ts";
import type { View } from "./view.ts";

export class LiveView implements View {
  readonly losses: readonly string[] = [];
  readonly #renderer: LineRenderer;

  constructor(stdout: Sink, stderr: Sink) {
    this.#renderer = new LineRenderer(stdout, stderr);
  }

  async start(): Promise<void> {}

  async hello({ identity, disposition }: Hello): Promise<void> {
    if (disposition.is === "running" || disposition.is === "queued") this.#renderer.expect(identity);
  }

  output(identity: Identity, stream: Stream, data: Uint8Array): Promise<void> {
    return this.#renderer.output(identity, stream, data);
  }

  exit(identity: Identity, _exit: Exit): Promise<void> {
    return this.#renderer.finish(identity);
  }

  flush(): Promise<void> {
    return this.#renderer.finishAll();
  }

  async conclude(): Promise<void> {}
}

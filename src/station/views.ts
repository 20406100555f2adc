/** Several views of one session: those beside the form of output, such as a directory or a page, and the form. */
import type { Identity } from "../core/names.ts";
import type { Exit, Hello, Stream } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";
import type { KeptOutputs } from "./kept-outputs.ts";
import type { RolloutProgress } from "./rollout-report.ts";
import type { ConclusionOf, View } from "./view.ts";

/** What there is beside the form. */
export type Beside = {
  /** What may lose something, which the form then counts in. */
  readonly before: readonly View[];
  /** What is read after the form's end. */
  readonly after: readonly View[];
  /** Where one of the former keeps outputs, for a form that needs them too. */
  readonly kept?: KeptOutputs | undefined;
};

export class Views {
  readonly #views: readonly View[];

  constructor({ before, after }: Beside, form: View) {
    this.#views = [...before, form, ...after];
  }

  get losses(): readonly string[] {
    return this.#views.flatMap(({ losses }) => losses);
  }

  get hasNamedMissing(): boolean {
    return this.#views.some(({ hasNamedMissing = false }) => hasNamedMissing);
  }

  async start(request: Request): Promise<void> {
    for (const view of this.#views) await view.start(request);
  }

  async hello(hello: Hello, roundTrip: number): Promise<void> {
    for (const view of this.#views) await view.hello(hello, roundTrip);
  }

  async release(identities: readonly Identity[], progress: RolloutProgress): Promise<void> {
    for (const view of this.#views) await view.release?.(identities, progress);
  }

  async output(identity: Identity, stream: Stream, data: Uint8Array): Promise<void> {
    for (const view of this.#views) await view.output(identity, stream, data);
  }

  async exit(identity: Identity, exit: Exit): Promise<void> {
    for (const view of this.#views) await view.exit(identity, exit);
  }

  async flush(): Promise<void> {
    for (const view of this.#views) await view.flush();
  }

  /** Each with what those before it have lost. */
  async conclude(conclusionOf: ConclusionOf): Promise<void> {
    for (const view of this.#views) {
      const spilled = this.#views.reduce((sum, one) => sum + (one.spilled ?? 0), 0);
      await view.conclude({ ...conclusionOf(this.losses), spilled });
    }
  }
}

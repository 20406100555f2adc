/** What an output form does with a session as it happens, and at its end. */
import type { Identity } from "../core/names.ts";
import type { Exit, Hello, Stream } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";
import type { MissingAgent } from "./attendance.ts";
import type { Outcome } from "./outcome.ts";
import type { RolloutProgress } from "./rollout-report.ts";
import type { AgentRecord } from "./roster.ts";

/** The forms: `--output`. */
export const OUTPUT_FORMS = ["live", "folded", "both", "raw", "ndjson", "quiet"] as const;
export type OutputForm = (typeof OUTPUT_FORMS)[number];

/** What the session came to. */
export type Conclusion = {
  readonly outcome: Outcome;
  /** What is not here, or could not be kept, a sentence each; a part of the exit status as well. */
  readonly losses: readonly string[];
  /** Of the program, all told. */
  readonly status: number;
  readonly agents: readonly AgentRecord[];
  readonly missing: readonly MissingAgent[];
  /** Milliseconds from the request to the end. */
  readonly elapsed: number;
  /** Bytes of output that waited for the end on disk, in all views. */
  readonly spilled?: number;
};

/** What all that was shown until then has come to, with the losses of the views so far counted in. */
export type ConclusionOf = (losses: readonly string[]) => Conclusion;

/** Every method resolves when there is room for more. */
export interface View {
  /** The request is out. */
  start(request: Request): Promise<void>;
  hello(hello: Hello, roundTrip: number): Promise<void>;
  /** These may start now; the first time for each. */
  release?(identities: readonly Identity[], progress: RolloutProgress): Promise<void>;
  output(identity: Identity, stream: Stream, data: Uint8Array): Promise<void>;
  exit(identity: Identity, exit: Exit): Promise<void>;
  /** Nothing more comes of anybody; not called where the operator has left at once. */
  flush(): Promise<void>;
  conclude(conclusion: Conclusion): Promise<void>;
  /** What of the output this form has not shown, a sentence each; known once all has been shown. */
  readonly losses: readonly string[];
  /** Whether it has named at its end who is missing, and since when. */
  readonly hasNamedMissing?: boolean;
  /** Bytes of output that it has kept on disk until the end, for memory has a limit. */
  readonly spilled?: number;
}

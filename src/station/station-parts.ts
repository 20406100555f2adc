/** What a run of a station needs, and what its operator may want of it meanwhile. */
import type { StationHub } from "../hub/station-hub.ts";
import type { NetworkPublicKey, StationKeyPair } from "../protocol/keys.ts";
import type { AgentStore } from "./agent-store.ts";
import type { Sink } from "./line-renderer.ts";
import type { Sender } from "./messages.ts";
import type { ShownForm } from "./output-form.ts";
import type { Plan } from "./plan-text.ts";
import type { RecordView } from "./record-view.ts";
import type { WaitPolicy } from "./session.ts";
import type { Beside } from "./views.ts";

export type StationParts = Sender & {
  readonly waits: WaitPolicy;
  readonly network: NetworkPublicKey;
  readonly keyPair: StationKeyPair;
  readonly hub: StationHub;
  readonly store: AgentStore;
  /** Whether a known agent that could be meant and does not answer is a failure. */
  readonly failMissing: boolean;
  /** Fewer answers are a failure. */
  readonly expected?: number | undefined;
  /** A ping is to tell who would be asked for this. */
  readonly plan?: Plan | undefined;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly output: ShownForm;
  /** What else keeps or shows the session: a directory, a page, figures. */
  readonly beside: Beside;
  /** What the program ends with, where the session comes to this: a signal has a status of its own. */
  readonly finalStatus: (status: number) => number;
  /** Of the terminal now. */
  readonly columns: () => number;
  /** Whether a line at the bottom of the terminal says how things are. */
  readonly showsProgress: boolean;
  /** Keeps what became of a run; a view as well, the first of those beside the form. */
  readonly record?: Pick<RecordView, "prepare" | "failures"> | undefined;
  /** How much the report says: problems alone, remarks and the summary too, or every agent. */
  readonly verbosity: "errors" | "normal" | "verbose";
};

/** What the operator wants when it takes too long. */
export type Interruption = {
  /** Agents are asked to end the command; what comes until they have is shown and reported. */
  readonly end: AbortSignal;
  /** Nothing is waited for any more. */
  readonly leave: AbortSignal;
};

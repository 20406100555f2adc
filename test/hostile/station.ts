/** Runs a station, the product's own, and watches what it takes, shows and says. */

import { parseConnectionString } from "../../src/hub/connection-string.ts";
import { connectStationHub } from "../../src/hub/station-hub.ts";
import { concat } from "../../src/protocol/bytes.ts";
import type { Sink } from "../../src/station/line-renderer.ts";
import type { Task } from "../../src/station/messages.ts";
import type { WaitPolicy } from "../../src/station/session.ts";
import { runStation } from "../../src/station/station.ts";
import type { StationParts } from "../../src/station/station-parts.ts";

export type Question = {
  readonly task: Task;
  /** Whether only those are asked that have the tag. */
  readonly isTargeted: boolean;
  /** Whether the operator asks for an end once something is shown, and leaves soon after. */
  readonly isInterrupted: boolean;
  readonly waits: WaitPolicy;
};

/** What became of a station. */
export type Told = Outcome & {
  readonly question: Question;
  readonly door: string;
  /** How many agents it knew before. */
  readonly known: number;
};

type Outcome = {
  /** Undefined where it failed. */
  readonly status: number | undefined;
  readonly failure: unknown;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** The replies that it took, in order. */
  readonly taken: readonly Taken[];
  /** Milliseconds from its start to its end. */
  readonly elapsed: number;
};

/** A reply, and when: milliseconds from the start of the station. */
export type Taken = { readonly envelope: Uint8Array; readonly at: number };

/** What nobody may take, with all waits, those for Redis and for the last release to expire, in milliseconds. */
const HANGS = 70_000;

const never = new AbortController().signal;

/** @param socket where the station finds its hub */
export async function runWatched(
  { task, isInterrupted }: Question,
  parts: Omit<StationParts, "hub" | "stdout" | "stderr">,
  socket: string,
): Promise<Outcome> {
  const stdout = new Paper();
  const stderr = new Paper();
  const taken: Taken[] = [];
  const start = performance.now();
  const run = async () => {
    const hub = await connectStationHub(parseConnectionString(`unix://${socket}`), parts.channel);
    const replies = hub.replies.bind(hub);
    hub.replies = async function* watched(...args) {
      for await (const batch of replies(...args)) {
        yield batch;
        // Whoever comes back for the next batch has taken this one.
        const at = performance.now() - start;
        taken.push(...batch.map((envelope) => ({ envelope, at })));
      }
    };
    const signals = isInterrupted ? interruption(stdout) : { end: never, leave: never };
    return runStation(task, { ...parts, hub, stdout, stderr }, signals);
  };
  const [outcome] = await Promise.allSettled([inTime(run())]);
  return {
    status: outcome.status === "fulfilled" ? outcome.value : undefined,
    failure: outcome.status === "rejected" ? outcome.reason : undefined,
    stdout: stdout.bytes,
    stderr: stderr.bytes,
    taken,
    elapsed: performance.now() - start,
  };
}

/** @throws {Error} where the work hangs */
export async function inTime<Result>(work: Promise<Result>): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came of it within ${HANGS / 1000} s`)), HANGS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Keeps what is written. */
class Paper implements Sink {
  readonly isTerminal = false;
  readonly hasColors = false;
  readonly #written: Uint8Array[] = [];
  onFirst = () => {};

  get bytes(): Uint8Array {
    return concat(...this.#written);
  }

  readonly write = async (bytes: Uint8Array): Promise<void> => {
    this.#written.push(Uint8Array.from(bytes));
    this.onFirst();
  };
}

/** Ctrl-C at the first output, or soon where none comes, and another one a little later. */
function interruption(stdout: Paper) {
  const end = new AbortController();
  const leave = new AbortController();
  const interrupt = () => {
    if (end.signal.aborted) return;
    end.abort();
    setTimeout(() => leave.abort(), 300);
  };
  stdout.onFirst = interrupt;
  setTimeout(interrupt, 250);
  return { end: end.signal, leave: leave.signal };
}

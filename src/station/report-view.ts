/** `--report`: keeps the session, and makes one page of it at the end; its file is `cli/report-file.ts`. */
import { CbError } from "../core/errors.ts";
import { compareNames } from "../core/name-set.ts";
import type { Identity } from "../core/names.ts";
import type { Stream } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";
import { KeptOutputs, type OutputKeeping } from "./kept-outputs.ts";
import { OutputComparison } from "./output-comparison.ts";
import { outputs } from "./report-outputs.ts";
import { reportPage } from "./report-page.ts";
import { answeredRow, missingRow, REPORT_STATUSES, type ReportRow } from "./report-row.ts";
import { timeline } from "./report-timeline.ts";
import type { Conclusion, View } from "./view.ts";

export class ReportView implements View {
  readonly #write: (page: string) => void;
  readonly #version: string;
  readonly #kept: KeptOutputs;
  readonly #keeping: OutputKeeping;
  #request: Request | undefined;
  #failure: string | undefined;

  /**
   * @param write where the page goes; a CbError of its is a loss
   * @param version of the program
   */
  constructor(write: (page: string) => void, version: string, kept = new KeptOutputs()) {
    this.#kept = kept;
    this.#keeping = kept.join();
    this.#write = write;
    this.#version = version;
  }

  get spilled(): number {
    return this.#keeping.spilled();
  }

  get losses(): readonly string[] {
    const failure = this.#failure ?? this.#kept.trouble;
    return failure === undefined ? [] : [failure];
  }

  async start(request: Request): Promise<void> {
    this.#request = request;
  }

  async hello(): Promise<void> {}

  async output(identity: Identity, stream: Stream, data: Uint8Array): Promise<void> {
    this.#keeping.add(identity, stream, data);
  }

  async exit(): Promise<void> {}
  async flush(): Promise<void> {}

  async conclude(conclusion: Conclusion): Promise<void> {
    const request = this.#request;
    this.#trying(() => {
      if (request !== undefined) this.#write(this.#page(conclusion, request));
    });
    this.#keeping.leave();
  }

  #page({ outcome, losses, status, agents, missing, elapsed }: Conclusion, request: Request): string {
    const verdicts = new Map(outcome.agents.map((verdict) => [verdict.identity, verdict]));
    const answered = agents.flatMap((agent) => {
      const verdict = verdicts.get(agent.hello.identity);
      return (verdict && answeredRow(agent, verdict)) ?? [];
    });
    const now = request.issued + elapsed;
    const rows = [...answered, ...missing.map((agent) => missingRow(agent, now))].sort(troubleFirst);
    const comparison = new OutputComparison(
      this.#kept.store,
      answered.map(({ identity, status: its }) => {
        const trouble = verdicts.get(identity)?.trouble;
        return { identity, digest: this.#kept.store.digest(identity), trouble, status: its };
      }),
    );
    const groups = comparison.groups.flatMap(({ agents: ones }, number) => {
      return ones.map(({ identity }) => [identity, number] as const);
    });
    const groupOf = new Map(groups);
    const { page, isCut } = outputs(this.#kept.store, comparison);
    return reportPage({
      request,
      version: this.#version,
      elapsed,
      exitStatus: status,
      summary: outcome.summary,
      // Whoever was meant and did not do it is among what went wrong here, be it a failure or not.
      problems: [...outcome.problems, ...outcome.absences, ...losses],
      remarks: outcome.remarks.filter((sentence) => !outcome.absences.includes(sentence)),
      rows,
      timeline: timeline(rows, elapsed, ({ identity }) => groupOf.get(identity)),
      outputs: page,
      isCut,
    });
  }

  /** The session goes on without a page. */
  #trying(action: () => void): void {
    if (this.#kept.trouble !== undefined) return;
    try {
      action();
    } catch (error) {
      if (!(error instanceof CbError)) throw error;
      this.#failure = error.message;
    }
  }
}

function troubleFirst(one: ReportRow, other: ReportRow): number {
  const rank = ({ status }: ReportRow) => REPORT_STATUSES.indexOf(status);
  return rank(one) - rank(other) || compareNames(one.identity, other.identity);
}

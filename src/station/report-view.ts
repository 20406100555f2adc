/** `--report`: keeps the session, and writes it as one page at the end. */
import { CbError } from "../core/errors.ts";
import { isMissing, readBeginning, refuseIfNotWritable, writeAtomically } from "../core/files.ts";
import { compareNames } from "../core/name-set.ts";
import type { Identity } from "../core/names.ts";
import { printable } from "../core/text.ts";
import { utf8 } from "../protocol/bytes.ts";
import type { Stream } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";
import { OutputComparison } from "./output-comparison.ts";
import { OutputStore } from "./output-store.ts";
import { outputs } from "./report-outputs.ts";
import { REPORT_MARK, reportPage } from "./report-page.ts";
import { answeredRow, missingRow, REPORT_STATUSES, type ReportRow } from "./report-row.ts";
import { timeline } from "./report-timeline.ts";
import type { Conclusion, View } from "./view.ts";

/** Outputs may hold what is not for everybody: whoever shows the page to others decides so. */
const MODE = 0o600;

export class ReportView implements View {
  readonly #path: string;
  readonly #version: string;
  readonly #store = new OutputStore();
  #request: Request | undefined;
  #failure: string | undefined;

  /**
   * @param version of the program
   * @throws {CbError} `file`, where something is there that is no report: that is never replaced
   */
  constructor(path: string, version: string) {
    this.#path = path;
    this.#version = version;
    refuseIfNotWritable(path);
    refuseIfOther(path);
  }

  get spilled(): number {
    return this.#store.spilled;
  }

  get losses(): readonly string[] {
    return this.#failure === undefined ? [] : [this.#failure];
  }

  async start(request: Request): Promise<void> {
    this.#request = request;
  }

  async hello(): Promise<void> {}

  async output(identity: Identity, stream: Stream, data: Uint8Array): Promise<void> {
    this.#trying(() => this.#store.add(identity, stream, data));
  }

  async exit(): Promise<void> {}
  async flush(): Promise<void> {}

  async conclude(conclusion: Conclusion): Promise<void> {
    const request = this.#request;
    this.#trying(() => {
      if (request === undefined) return;
      const page = this.#page(conclusion, request);
      // Once more: much may have happened since.
      refuseIfOther(this.#path);
      writeAtomically(this.#path, utf8(page), MODE);
    });
    this.#store[Symbol.dispose]();
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
      this.#store,
      answered.map(({ identity, status: its }) => {
        const trouble = verdicts.get(identity)?.trouble;
        return { identity, digest: this.#store.digest(identity), trouble, status: its };
      }),
    );
    const groups = comparison.groups.flatMap(({ agents: ones }, number) => {
      return ones.map(({ identity }) => [identity, number] as const);
    });
    const groupOf = new Map(groups);
    const { page, isCut } = outputs(this.#store, comparison);
    return reportPage({
      request,
      version: this.#version,
      elapsed,
      exitStatus: status,
      summary: outcome.summary,
      problems: [...outcome.problems, ...losses],
      remarks: outcome.remarks,
      rows,
      timeline: timeline(rows, elapsed, ({ identity }) => groupOf.get(identity)),
      outputs: page,
      isCut,
    });
  }

  /** The session goes on without a page. */
  #trying(action: () => void): void {
    if (this.#failure !== undefined) return;
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

function refuseIfOther(path: string): void {
  try {
    const mark = utf8(REPORT_MARK);
    const beginning = readBeginning(path, mark.length);
    if (Buffer.compare(beginning, mark) === 0) return;
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  const why = "there is a file that is no report of cb, name another one";
  throw new CbError("file", `Cannot write "${printable(path)}": ${why}`);
}

/**
 * `--output folded`: each output once, at the end; and `--output both`: live besides.
 *
 * After live output the end repeats nothing that it does not make clearer: not the output of a single agent, not single
 * lines of which all are the same, or all different, and no long output of agents that did well: of that it says who
 * printed the same.
 */
import { ago } from "../core/ago.ts";
import type { Identity } from "../core/names.ts";
import { count, seconds } from "../core/text.ts";
import type { Exit, Hello, Stream } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";
import { lastSeenText, type MissingAgent } from "./attendance.ts";
import { type Absent, FoldedReport, type Reported } from "./folded-report.ts";
import { KeptOutputs, type OutputKeeping } from "./kept-outputs.ts";
import type { Sink } from "./line-renderer.ts";
import type { LiveView } from "./live-view.ts";
import { groupOutputs } from "./output-groups.ts";
import { outputLines } from "./output-lines.ts";
import { runTimesOf } from "./run-times.ts";
import type { Conclusion, View } from "./view.ts";

/** How many different times since when agents are missing a terminal gets. */
const MAX_SPANS = 5;

export class FoldedView implements View {
  readonly #kept: KeptOutputs;
  readonly #keeping: OutputKeeping;
  readonly #stdout: Sink;
  readonly #columns: () => number;
  readonly #live: LiveView | undefined;
  #startedAt = 0;
  #hasNamedMissing = false;

  /** @param live for `both` */
  constructor(stdout: Sink, columns: () => number, live?: LiveView, kept = new KeptOutputs()) {
    this.#kept = kept;
    this.#keeping = kept.join();
    this.#stdout = stdout;
    this.#columns = columns;
    this.#live = live;
  }

  async start({ issued }: Request): Promise<void> {
    this.#startedAt = issued;
  }

  async hello(hello: Hello): Promise<void> {
    await this.#live?.hello(hello);
  }

  async output(identity: Identity, stream: Stream, data: Uint8Array): Promise<void> {
    this.#keeping.add(identity, stream, data);
    await this.#live?.output(identity, stream, data);
  }

  get spilled(): number {
    return this.#keeping.spilled();
  }

  get losses(): readonly string[] {
    return this.#keeping.losses();
  }

  get hasNamedMissing(): boolean {
    return this.#hasNamedMissing;
  }

  async exit(identity: Identity, exit: Exit): Promise<void> {
    await this.#live?.exit(identity, exit);
  }

  async flush(): Promise<void> {
    await this.#live?.flush();
  }

  async conclude({ outcome, agents, missing, elapsed }: Conclusion): Promise<void> {
    const runTimes = new Map(
      runTimesOf(agents).map(({ identity, milliseconds }) => [identity, milliseconds]),
    );
    const reported = outcome.agents
      .filter(({ verdict }) => verdict !== "not targeted")
      .map(({ identity, trouble }): Reported => {
        const runTime = runTimes.get(identity);
        const after = runTime === undefined ? undefined : seconds(runTime);
        const hasRun = trouble === undefined || runTime !== undefined;
        return { identity, ...this.#kept.compared(identity), trouble, after, hasRun };
      });
    const spans = this.#stdout.isTerminal ? MAX_SPANS : Infinity;
    const absent = absentSince(missing, this.#startedAt + elapsed, spans);
    try {
      if (this.#isKnown(reported)) return;
      const isRepeated = this.#live !== undefined;
      const report = new FoldedReport(this.#kept.store, this.#stdout, this.#columns(), isRepeated);
      await report.write(reported, absent);
      this.#hasNamedMissing = true;
    } finally {
      this.#keeping.leave();
    }
  }

  /** Whether all of it was clear from the live output. */
  #isKnown(reported: readonly Reported[]): boolean {
    if (this.#live === undefined) return false;
    if (reported.length < 2) return true;
    const groups = groupOutputs(reported);
    // Where some differ, it is to be seen who.
    const hasFolds = groups.length > 1 && groups.length < reported.length;
    if (hasFolds || groups.some(({ trouble }) => trouble !== undefined)) return false;
    return groups.every(({ agents: [first] }) => this.#hasOneLine(first.identity));
  }

  #hasOneLine(identity: Identity): boolean {
    const lines = outputLines(this.#kept.store.pieces(identity));
    lines.next();
    return lines.next().done === true;
  }
}

/** Those who were last seen as long ago as each other, together; all of them where that would be more groups. */
function absentSince(missing: readonly MissingAgent[], now: number, maxSpans: number): readonly Absent[] {
  const bySince = new Map<string, Identity[]>();
  for (const { identity, lastSeen } of missing) {
    const since = lastSeenText(lastSeen, now);
    const names = bySince.get(since) ?? [];
    bySince.set(since, names);
    names.push(identity);
  }
  if (bySince.size <= maxSpans) return [...bySince].map(([since, names]) => ({ names, since }));
  const seen = missing.flatMap(({ lastSeen }) => lastSeen ?? []).sort((one, other) => other - one);
  const [latest = now, earliest = now] = [seen[0], seen.at(-1)];
  const since = `last seen ${ago(now - latest).replace(" ago", "")} to ${ago(now - earliest)}`;
  const names = missing.map(({ identity }) => identity);
  return [{ names, since: `${count(names.length, "agent")}, ${since}` }];
}

/** How a session is, in one line: `37/40 done · 2 running (web7, web9) · 1 failed · 0 missing · 12.4 s`. */
import { compareNames, foldNames } from "../core/name-set.ts";
import type { RolloutDriver } from "./rollout-driver.ts";
import type { RolloutProgress, RolloutStage } from "./rollout-report.ts";
import type { AgentRecord } from "./roster.ts";
import { fitting } from "./text-width.ts";

export type Progress = {
  readonly agents: readonly AgentRecord[];
  /** Known agents that could be meant and have not answered. */
  readonly awaited: number;
  /** Whether they are missing by now, or may still answer. */
  readonly isRollCalled: boolean;
  /** Of a rollout. */
  readonly rollout?: Pick<RolloutDriver, "inFlight" | "progress"> | undefined;
  /** Milliseconds. */
  readonly elapsed: number;
  /** Of a rollout, too. */
  readonly stage?: RolloutStage | undefined;
};

/** Agents that run and are named, folded, at most: to fold more takes longer than the line may. */
const MAX_NAMED = 200;
/** Columns of names that say anything. */
const MIN_NAMES = 8;

/** @param columns that there are; the names are what gives way */
export function statusLine(
  { agents, awaited, isRollCalled, rollout, elapsed, stage }: Progress,
  columns: number,
): string {
  const meant = agents.filter(({ hello }) => hello.disposition.is !== "not-targeted");
  const waiting = (is: "running" | "queued" | "held") => (agent: AgentRecord) =>
    agent.hello.disposition.is === is && agent.exit === undefined && !agent.isSilenced;
  const held = meant.filter((agent) => waiting("held")(agent));
  const flying = held.filter(({ hello }) => rollout?.inFlight.has(hello.identity) === true);
  const running = meant.filter((agent) => waiting("running")(agent) || waiting("queued")(agent));
  const active = [...running, ...flying];
  const idle = held.length - flying.length;
  const failed = meant.filter(hasFailed).length;
  const line = (names: string) =>
    [
      `${meant.length - active.length - idle}/${meant.length + awaited} done`,
      ...(rollout === undefined ? [] : stageWords(rollout.progress, stage)),
      ...(stage?.nextBatchIn === undefined ? [`${active.length} running${names && ` (${names})`}`] : []),
      ...(idle === 0 ? [] : [`${idle} waiting`]),
      `${failed} failed`,
      `${awaited} ${isRollCalled ? "missing" : "awaited"}`,
      `${(elapsed / 1000).toFixed(1)} s`,
    ].join(" · ");
  const room = columns - line("").length - " ()".length;
  if (active.length === 0 || active.length > MAX_NAMED || room < MIN_NAMES) return line("");
  const names = foldNames(active.map(({ hello }) => hello.identity).sort(compareNames));
  return line(fitting(names.join(", "), room));
}

function hasFailed({ hello: { disposition }, exit, isSilenced }: AgentRecord): boolean {
  if (disposition.is === "refused" || disposition.is === "declined" || isSilenced) return true;
  return exit !== undefined && (exit.ending !== "exited" || exit.status !== 0);
}

/** Before anybody is released there is no batch. */
function stageWords({ batch, batches }: RolloutProgress, stage: RolloutStage | undefined): readonly string[] {
  const where = stage?.isCanary ? "canary" : `batch ${batch}/${batches}`;
  if (stage?.nextBatchIn === undefined) return batch === 0 ? [] : [where];
  // Never "in 0 s": it is not there yet.
  return [where, `next batch in ${Math.max(1, Math.ceil(stage.nextBatchIn / 1000))} s`];
}

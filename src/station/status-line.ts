/** How a session is, in one line: `37/40 done · 2 running (web7, web9) · 1 failed · 0 missing · 12.4 s`. */
import type { RolloutDriver } from "./rollout-driver.ts";
import type { RolloutProgress, RolloutStage } from "./rollout-report.ts";
import type { AgentRecord } from "./roster.ts";
import { type Listening, runnerNames, runnerOf } from "./silence.ts";
import { fitting } from "./text-width.ts";
import { type Verdict, verdictSoFar } from "./verdict.ts";

export type Progress = {
  readonly agents: readonly AgentRecord[];
  /** Known agents that could be meant and have not answered. */
  readonly awaited: number;
  /** Whether they are missing by now, or may still answer. */
  readonly isRollCalled: boolean;
  /** Of a rollout. */
  readonly rollout?: Pick<RolloutDriver, "inFlight" | "lost" | "hasReleased" | "progress"> | undefined;
  readonly listening: Listening;
  /** Milliseconds. */
  readonly elapsed: number;
  /** Of a rollout, too. */
  readonly stage?: RolloutStage | undefined;
};

/** Columns of names that say anything. */
const MIN_NAMES = 8;
/** As in the summary at the end; failures are counted also where there are none. */
const SOMETIMES = ["refused", "not run", "unfinished"] as const;

/** @param columns that there are; the names are what gives way */
export function statusLine(
  { agents, awaited, isRollCalled, rollout, listening, elapsed, stage }: Progress,
  columns: number,
): string {
  const states = agents.map((agent) => ({ agent, state: stateOf(agent, rollout) }));
  const number = (wanted: State) => states.filter(({ state }) => state === wanted).length;
  const meant = agents.length - number("not targeted");
  const active = states.flatMap(({ agent, state }) => {
    if (state !== "active") return [];
    return [runnerOf(agent, listening, rollout?.inFlight.get(agent.hello.identity))];
  });
  const idle = number("waiting");
  const line = (names: string) =>
    [
      `${meant - active.length - idle}/${meant + awaited} done`,
      ...(rollout === undefined ? [] : stageWords(rollout.progress, stage)),
      ...(stage?.nextBatchIn === undefined ? [`${active.length} running${names && ` (${names})`}`] : []),
      ...(idle === 0 ? [] : [`${idle} waiting`]),
      `${number("failed")} failed`,
      ...SOMETIMES.flatMap((verdict) => (number(verdict) > 0 ? [`${number(verdict)} ${verdict}`] : [])),
      `${awaited} ${isRollCalled ? "missing" : "awaited"}`,
      `${(elapsed / 1000).toFixed(1)} s`,
    ].join(" · ");
  const room = columns - line("").length - " ()".length;
  return line(room < MIN_NAMES ? "" : fitting(runnerNames(active), room));
}

type State = Verdict | "active" | "waiting";

function stateOf(agent: AgentRecord, rollout: Progress["rollout"]): State {
  const { identity, disposition } = agent.hello;
  const isUnreleased = disposition.is === "held" && rollout?.hasReleased(identity) !== true;
  // What was held is cancelled where its rollout is over.
  if (isUnreleased && agent.exit?.ending === "cancelled") return "not run";
  const verdict = verdictSoFar(agent);
  if (verdict !== undefined) return verdict;
  if (isUnreleased) return "waiting";
  return rollout?.lost.has(identity) ? "unfinished" : "active";
}

/** Before anybody is released there is no batch. */
function stageWords({ batch, batches }: RolloutProgress, stage: RolloutStage | undefined): readonly string[] {
  const where = stage?.isCanary ? "canary" : `batch ${batch}/${batches}`;
  if (stage?.nextBatchIn === undefined) return batch === 0 ? [] : [where];
  // Never "in 0 s": it is not there yet.
  return [where, `next batch in ${Math.max(1, Math.ceil(stage.nextBatchIn / 1000))} s`];
}

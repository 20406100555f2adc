/** How a session is, in one line: `37/40 done · 2 running (web7, web9) · 1 failed · 0 missing · 12.4 s`. */
import { compareNames, foldNames } from "../core/name-set.ts";
import type { RolloutDriver } from "./rollout-driver.ts";
import type { AgentRecord } from "./roster.ts";

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
};

/** Names of agents that run, at most; then their number says it. */
const MAX_NAMES = 3;

export function statusLine({ agents, awaited, isRollCalled, rollout, elapsed }: Progress): string {
  const meant = agents.filter(({ hello }) => hello.disposition.is !== "not-targeted");
  const waiting = (is: "running" | "queued" | "held") => (agent: AgentRecord) =>
    agent.hello.disposition.is === is && agent.exit === undefined && !agent.isSilenced;
  const held = meant.filter((agent) => waiting("held")(agent));
  const flying = held.filter(({ hello }) => rollout?.inFlight.has(hello.identity) === true);
  const running = meant.filter((agent) => waiting("running")(agent) || waiting("queued")(agent));
  const active = [...running, ...flying];
  const idle = held.length - flying.length;
  const failed = meant.filter(hasFailed).length;
  const names = foldNames(active.map(({ hello }) => hello.identity).sort(compareNames));
  const named = active.length > 0 && names.length <= MAX_NAMES ? ` (${names.join(", ")})` : "";
  return [
    `${meant.length - active.length - idle}/${meant.length + awaited} done`,
    ...(rollout === undefined ? [] : [`batch ${rollout.progress.batch}/${rollout.progress.batches}`]),
    `${active.length} running${named}`,
    ...(idle === 0 ? [] : [`${idle} held`]),
    `${failed} failed`,
    `${awaited} ${isRollCalled ? "missing" : "awaited"}`,
    `${(elapsed / 1000).toFixed(1)} s`,
  ].join(" · ");
}

function hasFailed({ hello: { disposition }, exit, isSilenced }: AgentRecord): boolean {
  if (disposition.is === "refused" || disposition.is === "declined" || isSilenced) return true;
  return exit !== undefined && (exit.ending !== "exited" || exit.status !== 0);
}

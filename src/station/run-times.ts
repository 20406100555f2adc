/** How long commands ran on the agents that started them; pure. */
import type { Identity } from "../core/names.ts";
import { seconds } from "../core/text.ts";
import type { Ending, Exit } from "../protocol/reply.ts";
import type { AgentRecord } from "./roster.ts";

export type RunTime = {
  readonly identity: Identity;
  /** By the agent's clock. */
  readonly milliseconds: number;
};

/** With fewer, every time is in sight anyway. */
const MIN_TYPICAL = 3;
const NEVER_RAN: readonly Ending[] = ["not-started", "never-started", "never-released", "state"];
/** How a command can end that waits for its turn, too. */
const ANY_TIME: readonly Ending[] = ["cancelled", "stopped", "time-limit"];

/** How a command ended that was started at all. */
export function endOfRun({ exit, startedAfter }: AgentRecord): Exit | undefined {
  if (exit === undefined || NEVER_RAN.includes(exit.ending)) return undefined;
  return ANY_TIME.includes(exit.ending) && startedAfter === undefined ? undefined : exit;
}

/** Those of commands that ran and have ended, the shortest first. */
export function runTimesOf(agents: readonly AgentRecord[]): readonly RunTime[] {
  return agents
    .flatMap((agent) => {
      const exit = endOfRun(agent);
      return exit === undefined ? [] : [{ identity: agent.hello.identity, milliseconds: exit.runTime }];
    })
    .sort((one, other) => one.milliseconds - other.milliseconds);
}

/** Milliseconds that half of them took at most. @param runTimes sorted, at least one */
export function medianOf(runTimes: readonly RunTime[]): number {
  const middle = (runTimes.length - 1) / 2;
  const at = (index: number) => runTimes[index]?.milliseconds ?? Number.NaN;
  return (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
}

/** `median 0.40 s, slowest web9 12.8 s`, or nothing. @param runTimes sorted */
export function typicalAndSlowest(runTimes: readonly RunTime[]): readonly string[] {
  const slowest = runTimes.at(-1);
  if (slowest === undefined || runTimes.length < MIN_TYPICAL) return [];
  return [
    `median ${seconds(medianOf(runTimes))}, slowest ${slowest.identity} ${seconds(slowest.milliseconds)}`,
  ];
}

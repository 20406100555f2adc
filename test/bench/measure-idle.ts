/** What agents cost that have nothing to do, beside the same runtime with no program at all. */
import { setTimeout as sleep } from "node:timers/promises";
import { EXECUTABLE } from "../../build/paths.ts";
import { RunningProgram } from "../support/running-program.ts";
import { cpuTime, ENVIRONMENT, memory } from "./programs.ts";
import type { Row } from "./table.ts";

/** Programs beside the agents, and milliseconds for which both are watched. */
const BARE_PROGRAMS = 10;
const WATCH = 10_000;

/** @param agents their process ids */
export async function idleAgents(agents: readonly number[]): Promise<readonly Row[]> {
  // The same file as theirs, so that the two share what is shared.
  const nothing = [EXECUTABLE, "-e", "setInterval(() => {}, 2 ** 30)"];
  const environment = { ...ENVIRONMENT, BUN_BE_BUN: "1" };
  const programs = Array.from({ length: BARE_PROGRAMS }, () => new RunningProgram(nothing, environment));
  try {
    const bare = programs.map(({ pid }) => pid);
    await sleep(1_000); // until they have started
    const before = [cpuTime(agents), cpuTime(bare)] as const;
    await sleep(WATCH);
    const used = [cpuTime(agents) - before[0], cpuTime(bare) - before[1]] as const;
    const beside = "the runtime alone";
    return [
      ...(["Rss", "Pss"] as const).map(
        (field): Row => ({
          what: `idle agent, ${field.toUpperCase()}`,
          unit: "MB",
          beside,
          ours: agents.map((pid) => memory(pid, field)),
          theirs: bare.map((pid) => memory(pid, field)),
        }),
      ),
      {
        what: "idle agent, CPU",
        unit: "% of a core",
        beside,
        ours: [(100 * used[0]) / WATCH / agents.length],
        theirs: [(100 * used[1]) / WATCH / bare.length],
      },
    ];
  } finally {
    await Promise.all(programs.map((program) => program.end()));
  }
}

/** `--stats`: how long commands ran and how much they printed, on standard error, before the report's sentences. */
import { bytesText, count, seconds } from "../core/text.ts";
import { utf8 } from "../protocol/bytes.ts";
import { type Bars, histogram } from "./histogram.ts";
import type { Sink } from "./line-renderer.ts";
import { QUIET } from "./raw-view.ts";
import type { AgentRecord } from "./roster.ts";
import { medianOf, runTimesOf } from "./run-times.ts";
import type { View } from "./view.ts";

/** Agents that printed the most, of which it is said how much. */
const MOST = 3;

export function statisticsView(stderr: Sink, bars: () => Bars): View {
  return {
    ...QUIET,
    conclude: async ({ agents, spilled = 0 }) => {
      const disk = spilled === 0 ? [] : [`kept on disk until the end: ${bytesText(spilled)} of it`];
      const lines = [...runTimeLines(agents, bars()), ...byteLines(agents), ...disk];
      if (lines.length > 0) await stderr.write(utf8(lines.map((line) => `${line}\n`).join("")));
    },
  };
}

function runTimeLines(agents: readonly AgentRecord[], bars: Bars): readonly string[] {
  const runTimes = runTimesOf(agents);
  const [shortest, slowest] = [runTimes.at(0), runTimes.at(-1)];
  if (shortest === undefined || slowest === undefined) return [];
  const range = [
    `${seconds(shortest.milliseconds)} to ${seconds(slowest.milliseconds)}`,
    `median ${seconds(medianOf(runTimes))}`,
  ];
  return [
    `run times of ${count(runTimes.length, "agent")}: ${range.join(", ")}`,
    ...histogram(runTimes, bars),
  ];
}

function byteLines(agents: readonly AgentRecord[]): readonly string[] {
  const printed = agents.flatMap(({ hello: { identity }, exit }) => {
    return exit === undefined ? [] : [{ identity, stdout: exit.stdout, stderr: exit.stderr }];
  });
  if (printed.length === 0) return [];
  const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
  const [stdout, stderr] = [sum(printed.map((one) => one.stdout)), sum(printed.map((one) => one.stderr))];
  const most = printed
    .map((one) => ({ identity: one.identity, bytes: one.stdout + one.stderr }))
    .filter(({ bytes }) => bytes > 0)
    .sort((one, other) => other.bytes - one.bytes)
    .slice(0, MOST)
    .map(({ identity, bytes }) => `${identity} ${bytesText(bytes)}`);
  const who = printed.length > 1 && most.length > 0 ? `; most by ${most.join(", ")}` : "";
  return [`printed: ${bytesText(stdout)} to stdout, ${bytesText(stderr)} to stderr${who}`];
}

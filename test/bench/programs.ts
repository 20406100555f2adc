/** Running programs to be measured: how long, whether all came, and what they cost the machine. */
import { readFileSync } from "node:fs";
import { type Finished, RunningProgram } from "../support/running-program.ts";

/** All that a program here needs of ours. */
export const ENVIRONMENT = { PATH: process.env["PATH"] ?? "" };

/** @returns milliseconds from the start of a program to its end, which must be a good one */
export async function milliseconds(...command: readonly string[]): Promise<number> {
  return completed(await new RunningProgram(command, ENVIRONMENT).finished);
}

/**
 * @param shown lines, in any order
 * @returns milliseconds that a program took which ended well and showed all that was wanted, and nothing else
 */
export function completed(
  { status, stderr, seconds }: Finished,
  wanted: readonly string[] = [],
  shown: readonly string[] = [],
): number {
  const isComplete = status === 0 && wanted.toSorted().join("\n") === shown.toSorted().join("\n");
  if (!isComplete) throw new Error(`${shown.length} of ${wanted.length} lines, status ${status}:\n${stderr}`);
  return seconds * 1000;
}

/** Megabytes of a process. @param field of proc(5), smaps_rollup, such as `Rss` */
export function memory(pid: number, field: string): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const [, kilobytes] = new RegExp(`^${field}: +(\\d+) kB`, "m").exec(rollup) ?? [];
  return (Number(kilobytes) * 1024) / 1e6;
}

/** Milliseconds of CPU that processes have used, which the kernel counts in tens for each (proc(5), stat). */
export function cpuTime(pids: readonly number[]): number {
  const times = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return 10 * (Number(fields[11]) + Number(fields[12]));
  });
  return times.reduce((sum, time) => sum + time, 0);
}

/** What the kernel counts of a process; source: proc(5). */
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunningProgram } from "./running-program.ts";

const MEGABYTE = 1_000_000;
/** USER_HZ, which is the same on every machine that we run on. */
const TICKS_PER_SECOND = 100;

/** Megabytes of memory that a process has ever had in use; 0 for one that has ended. */
export function peakMemory(pid: number): number {
  const path = `/proc/${pid}/status`;
  if (!existsSync(path)) return 0;
  // Nobody has waited for it yet: it has a status, and no memory.
  const [, kilobytes = 0] = /VmHWM:\s+(\d+)/.exec(readFileSync(path, "utf8")) ?? [];
  return (Number(kilobytes) * 1024) / MEGABYTE;
}

/** `peakMemory` of a program until it ends; `look` is called again and again meanwhile. */
export async function peakUntilEnd(
  program: RunningProgram,
  look: () => Promise<void> = async () => {},
): Promise<number> {
  let hasEnded = false;
  const finished = program.finished.finally(() => {
    hasEnded = true;
  });
  let peak = 0;
  while (!hasEnded) {
    await look();
    peak = Math.max(peak, peakMemory(program.pid));
    await Promise.race([sleep(20), finished]);
  }
  return peak;
}

/** Seconds of processor time that a process and its threads have had so far. */
export function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name, in brackets, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user = Number.NaN, system = Number.NaN] = fields.slice(11, 13).map(Number);
  return (user + system) / TICKS_PER_SECOND;
}

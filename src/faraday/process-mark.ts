/**
 * Which process this was: a process id alone comes back, with its start time and the boot it does not.
 *
 * Sources: proc(5) on /proc/pid/stat (field 22, clock ticks since boot), /proc/pid/environ and /proc/sys/kernel/random/boot_id.
 */
import { readdirSync, readFileSync } from "node:fs";
import { processStat } from "../exec/process-stat.ts";

export type ProcessMark = {
  /** Also the id of its process group. */
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
};

/** @param pid of a process that lives, or was not yet waited for */
export function markOf(pid: number): ProcessMark {
  return { pid, startTime: startTimeOf(pid) ?? "", bootId: bootId() };
}

/** Whether that very process is there; of a group whose leader is gone, `groupsWith` tells. */
export function isThere({ pid, startTime, bootId: boot }: ProcessMark): boolean {
  return startTime !== "" && boot === bootId() && startTimeOf(pid) === startTime;
}

/**
 * The process groups in which somebody has this directory for TMPDIR, as the executor of one run and its children have
 * and nobody else: also where their leader has ended, or was started in the very moment in which we were killed.
 */
export function groupsWith(temporaryDirectory: string): readonly number[] {
  const groups = new Set<number>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const environment = read(`/proc/${pid}/environ`).split("\0");
    const group = Number(statOf(pid)[2]);
    if (environment.includes(`TMPDIR=${temporaryDirectory}`) && group > 1) groups.add(group);
  }
  return [...groups];
}

function startTimeOf(pid: number): string | undefined {
  // The start time is field 22, the 20th behind the name.
  return statOf(`${pid}`)[19];
}

/** Empty where it has gone. */
function statOf(pid: string): readonly string[] {
  try {
    return processStat(pid);
  } catch {
    return [];
  }
}

function bootId(): string {
  return read("/proc/sys/kernel/random/boot_id").trim();
}

/** Empty where it has gone meanwhile, or is another user's. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/**
 * Which process this was: a process id alone comes back, with its start time and the boot it does not.
 *
 * Sources: proc(5) on /proc/pid/stat (field 22, clock ticks since boot) and /proc/sys/kernel/random/boot_id.
 */
import { readFileSync } from "node:fs";

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

/** Whether that very process is there; a group whose leader is gone is nobody's that we could tell. */
export function isThere({ pid, startTime, bootId: boot }: ProcessMark): boolean {
  return startTime !== "" && boot === bootId() && startTimeOf(pid) === startTime;
}

function startTimeOf(pid: number): string | undefined {
  try {
    // `pid (name) state …`: the name may hold blanks and parentheses. The start time is field 22, the 20th behind it.
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return "";
  }
}

/**
 * A process group as a whole: kill(2) with a negative id, and whether anybody in it still lives.
 *
 * A group outlives its leader, and its members may ignore SIGTERM. Who left it by setsid(2) is out of reach:
 * only a control group holds those. A member that died but was not waited for still counts for kill(2), and
 * where the agent itself is process 1 (a container) nobody waits for orphans: hence the look into /proc.
 * Sources: kill(2), setsid(2), proc(5) on /proc/pid/stat.
 */
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { systemCode } from "../core/errors.ts";
import { processStat } from "./process-stat.ts";

const POLL = 50;
/** After SIGKILL: nothing ends a member in uninterruptible sleep, so nothing is gained by waiting longer. */
const KILL_WAIT = 1000;

/**
 * Ends every member: SIGTERM, after `grace` SIGKILL. Resolves when none lives, at the latest a second after
 * SIGKILL.
 *
 * @param group a group that exists: its id is free for others once its last member was waited for
 * @param grace milliseconds
 */
export async function endGroup(group: number, grace: number): Promise<void> {
  if (!signalGroup(group, "SIGTERM")) return;
  if (await gone(group, grace)) return;
  signalGroup(group, "SIGKILL");
  await gone(group, KILL_WAIT);
}

async function gone(group: number, wait: number): Promise<boolean> {
  const deadline = performance.now() + wait;
  while (isAlive(group)) {
    const left = deadline - performance.now();
    if (left <= 0) return false;
    await sleep(Math.min(POLL, left));
  }
  return true;
}

/** @returns false if the group has no members */
function signalGroup(group: number, signal: "SIGTERM" | "SIGKILL" | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    // EPERM: members that now run as another user (setuid). They are there, and not ours to end.
    return systemCode(error) !== "ESRCH";
  }
}

function isAlive(group: number): boolean {
  if (!signalGroup(group, 0)) return false;
  if (stateIn(group, `${group}`) === "alive") return true; // the leader: spares reading all of /proc
  const states = processes().map((pid) => stateIn(group, pid));
  // Members that /proc hides (hidepid) are believed to live; kill(2) has just found them.
  return states.includes("alive") || !states.includes("dead");
}

function stateIn(group: number, pid: string): "alive" | "dead" | "elsewhere" {
  try {
    const [state, , processGroup] = processStat(pid);
    if (processGroup !== `${group}`) return "elsewhere";
    return state === "Z" || state === "X" ? "dead" : "alive";
  } catch {
    return "elsewhere";
  }
}

function processes(): readonly string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

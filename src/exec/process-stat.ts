/** What the kernel says of a process in one line: proc(5), /proc/pid/stat. */
import { readFileSync } from "node:fs";

/**
 * `state parent group session …`: what stands behind the name, which may hold blanks and parentheses.
 *
 * @throws what the system says where there is no such process
 */
export function processStat(pid: string): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** What a scanner finds around it: all that our own caller gave us, and what lets nmap use rights that it has. */
import { readFileSync } from "node:fs";
import type { Environment } from "../core/settings.ts";

/** CAP_NET_RAW (capabilities(7)). */
const NET_RAW = 13n;

/**
 * nmap takes anybody but root for one who may open no raw sockets, and then scans by connect(2) without a look at the
 * system. Where a service was given the capability, NMAP_PRIVILEGED says so (nmap(1), --privileged).
 */
export function scannerEnvironment(own: Environment): Readonly<Record<string, string>> {
  const all = Object.entries(own).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const isSaid = ["NMAP_PRIVILEGED", "NMAP_UNPRIVILEGED"].some((name) => own[name] !== undefined);
  const environment = Object.fromEntries(all);
  return isSaid || !hasRawSockets() ? environment : { ...environment, NMAP_PRIVILEGED: "1" };
}

/** Whether our children will have it: only ambient ones outlast an execve(2) that is not root's. */
function hasRawSockets(): boolean {
  try {
    const mask = /^CapAmb:\s+(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
    return ((BigInt(`0x${mask}`) >> NET_RAW) & 1n) === 1n;
  } catch {
    return false;
  }
}

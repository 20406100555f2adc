/** The reports of test/fixtures/nmap, and readers for tests. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { agentOptions } from "../../src/scanners/agent-options.ts";
import { type NmapEvent, type NmapHost, NmapReport } from "../../src/scanners/nmap-report.ts";
import { hostResult } from "../../src/scanners/nmap-result.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/nmap");

export const REPORTS = [
  "aggressive",
  "down",
  "hostile",
  "hostscripts",
  "interrupted",
  "ipv6",
  "no-such-script",
  "plain",
  "silent",
  "timed-out",
  "unresolved",
  "versions",
  "vulners",
  "vulns",
] as const;
export type ReportName = (typeof REPORTS)[number];

export function reportBytes(name: ReportName): Uint8Array {
  return readFileSync(join(FIXTURES, `${name}.xml`));
}

export type Reading = { readonly events: readonly NmapEvent[]; readonly problem: string | undefined };

/** All that a report says, read in pieces. */
export function read(...pieces: readonly Uint8Array[]): Reading {
  const report = new NmapReport();
  const events = [...pieces.flatMap((piece) => report.push(piece)), ...report.end()];
  return { events, problem: report.problem };
}

export function hostsIn({ events }: Reading): readonly NmapHost[] {
  return events.flatMap((event) => (event.kind === "host" ? [event.host] : []));
}

export type Vulnerability = {
  readonly type: string;
  readonly name: string;
  readonly severity: string;
  readonly desc: string;
  readonly data: string;
  readonly external_id: string;
  readonly refs: readonly { readonly name: string; readonly type: string }[];
  readonly cve: readonly string[];
  readonly cvss2: object;
  readonly website?: string;
  readonly tags?: readonly string[];
};
export type Service = {
  readonly port: number;
  readonly protocol: string;
  readonly name: string;
  readonly status: string;
  readonly version: string;
  readonly description: string;
  readonly vulnerabilities: readonly Vulnerability[];
  readonly tags?: readonly string[];
};
export type Host = {
  readonly ip: string;
  readonly description: string;
  readonly os?: string;
  readonly mac?: string;
  readonly hostnames: readonly string[];
  readonly services: readonly Service[];
  readonly vulnerabilities: readonly Vulnerability[];
  readonly tags?: readonly string[];
};

/** What would be posted of a report. */
export function results(
  name: ReportName,
  environment: Readonly<Record<string, string>> = {},
): readonly Host[] {
  const options = agentOptions(environment);
  return hostsIn(read(reportBytes(name))).flatMap((host) => {
    const result = hostResult(host, options);
    return result === undefined ? [] : [result.host as Host];
  });
}

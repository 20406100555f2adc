/**
 * A host of nmap's report as Faraday's bulk_create takes it.
 *
 * The same host of two scans gives the same services and vulnerabilities in the same order; what changes with every
 * scan, such as its uptime, is left out.
 */
import type { AgentOptions } from "./agent-options.ts";
import { isAddress } from "./host-name.ts";
import type { HostResult } from "./host-result.ts";
import { findingsOf } from "./nmap-findings.ts";
import type { NmapHost, NmapPort, NmapScript } from "./nmap-report.ts";
import { distinct, rank, vulnerability } from "./vulnerability.ts";

/**
 * @returns undefined for a host that there is nothing to say of: one that is down, that was said to be up (-Pn) and
 *   answered nothing, or whose address is none
 */
export function hostResult(host: NmapHost, options: AgentOptions): HostResult | undefined {
  if (!host.isUp || !isAddress(host.ip) || hasNotAnswered(host)) return undefined;
  const ports = host.ports.toSorted(byProtocolAndPort);
  const services = ports.map((port) => ({
    ...service(port),
    vulnerabilities: vulnerabilities(port.scripts, options, host.ip),
    ...tagged(options.serviceTags),
  }));
  const own = vulnerabilities(host.scripts, options);
  const [system] = host.systems;
  const os = system?.name || ports.find(({ service: { osType } }) => osType !== "")?.service.osType;
  const found = services.reduce((sum, { vulnerabilities: { length } }) => sum + length, own.length);
  return {
    services: services.length,
    vulnerabilities: found,
    host: {
      ip: host.ip,
      description: description(host),
      ...(os === undefined ? {} : { os }),
      hostnames: host.hostnames,
      ...(host.mac === "" ? {} : { mac: host.mac }),
      services,
      vulnerabilities: own,
      ...tagged(options.hostTags),
    },
  };
}

function hasNotAnswered({ reason, ports, otherPorts, scripts }: NmapHost): boolean {
  const isSilent = (state: string) => /\bfiltered$/.test(state);
  const isAnswer = ({ state, reason: why, scripts: found }: NmapPort) =>
    !isSilent(state) || why !== "no-response" || found.length > 0;
  return (
    reason === "user-set" &&
    scripts.length === 0 &&
    !ports.some(isAnswer) &&
    otherPorts.every(({ state }) => isSilent(state))
  );
}

function byProtocolAndPort(one: NmapPort, other: NmapPort): number {
  if (one.protocol !== other.protocol) return one.protocol < other.protocol ? -1 : 1;
  return one.port - other.port;
}

function service({ protocol, port, state, reason, service: found }: NmapPort): object {
  const { name, product, version, extraInfo, tunnel, method, osType, deviceType, cpes } = found;
  const status = statusOf(state);
  const isTunnel = tunnel === "ssl" && method === "probed";
  const about = [
    ...(status === state ? [] : [`${state} (${reason})`]),
    ...cpes,
    ...(deviceType === "" ? [] : [`device: ${deviceType}`]),
    ...(osType === "" ? [] : [`system: ${osType}`]),
  ];
  return {
    port,
    protocol,
    // As nmap shows it: what speaks HTTP within TLS is "ssl/http".
    name: name === "" ? "unknown" : isTunnel ? `ssl/${name}` : name,
    status,
    version: [product, version, extraInfo && `(${extraInfo})`].filter((text) => text !== "").join(" "),
    description: about.join("\n"),
  };
}

/** Faraday has three words: what may be open counts as filtered, what is only known to be reachable as closed. */
function statusOf(state: string): "open" | "closed" | "filtered" {
  if (state === "open") return "open";
  return state === "closed" || state === "unfiltered" ? "closed" : "filtered";
}

function vulnerabilities(
  scripts: readonly NmapScript[],
  { isWanted, vulnerabilityTags }: AgentOptions,
  website?: string,
): readonly object[] {
  const findings = distinct(scripts.flatMap((script) => findingsOf(script, website)));
  return findings
    .filter(({ severity }) => isWanted(severity))
    .toSorted((one, other) => rank(other.severity) - rank(one.severity))
    .map((finding) => vulnerability(finding, vulnerabilityTags));
}

function description({ vendor, systems, otherPorts }: NmapHost): string {
  const [system] = systems;
  const isGuess = system !== undefined && system.accuracy < 100;
  const others = otherPorts.filter(({ count }) => count > 0).map(({ state, count }) => `${count} ${state}`);
  return [
    ...(isGuess ? [`Operating system: ${system.name} (${system.accuracy} % certain)`] : []),
    ...(vendor === "" ? [] : [`Network card: ${vendor}`]),
    ...(others.length === 0 ? [] : [`Other ports: ${others.join(", ")}`]),
  ].join("\n");
}

function tagged(tags: readonly string[]): object {
  return tags.length === 0 ? {} : { tags };
}

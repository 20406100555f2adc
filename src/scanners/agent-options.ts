/**
 * What a Faraday server asks of every executor, whatever it scans with: the variables AGENT_CONFIG_*.
 *
 * One that is not set is one that nobody asked for; booleans are `True` or `False`, and lists have commas.
 */
import type { Environment } from "../core/settings.ts";
import { booleanIn, problem } from "./executor-parameters.ts";
import { rank, SEVERITIES, type Severity } from "./vulnerability.ts";

export type AgentOptions = {
  /** Whether vulnerabilities that are so severe are to be reported. */
  readonly isWanted: (severity: Severity) => boolean;
  readonly resolvesNames: boolean;
  readonly vulnerabilityTags: readonly string[];
  readonly serviceTags: readonly string[];
  readonly hostTags: readonly string[];
};

/** @throws {CbError} `setting` for a value that is none of those that there are */
export function agentOptions(environment: Environment): AgentOptions {
  const ignoresInfo = booleanIn(environment, "AGENT_CONFIG_IGNORE_INFO") ?? false;
  const least = rank(severityIn(environment, "AGENT_CONFIG_MIN_SEVERITY") ?? "unclassified");
  const most = rank(severityIn(environment, "AGENT_CONFIG_MAX_SEVERITY") ?? "critical");
  return {
    isWanted: (severity) =>
      rank(severity) >= least && rank(severity) <= most && !(ignoresInfo && severity === "info"),
    resolvesNames: booleanIn(environment, "AGENT_CONFIG_RESOLVE_HOSTNAME") ?? true,
    vulnerabilityTags: tagsIn(environment, "AGENT_CONFIG_VULN_TAG"),
    serviceTags: tagsIn(environment, "AGENT_CONFIG_SERVICE_TAG"),
    hostTags: tagsIn(environment, "AGENT_CONFIG_HOSTNAME_TAG"),
  };
}

const SYNONYMS: Readonly<Record<string, Severity>> = { medium: "med", informational: "info" };

function severityIn(environment: Environment, name: string): Severity | undefined {
  const text = environment[name]?.trim().toLowerCase() ?? "";
  if (text === "") return undefined;
  const severity = SEVERITIES.find((known) => known === text) ?? SYNONYMS[text];
  if (severity === undefined) throw problem(name, text, `expected ${SEVERITIES.join(", ")}`);
  return severity;
}

function tagsIn(environment: Environment, name: string): readonly string[] {
  const tags = (environment[name] ?? "").split(",").map((tag) => tag.trim());
  return tags.filter((tag) => tag !== "");
}

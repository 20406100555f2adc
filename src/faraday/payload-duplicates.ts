/**
 * One batch of vulnerabilities (those of a host, or of one of its services), as the server's one statement for
 * them wants it: no two of one identity, and all with the same names.
 *
 * With two of one identity the statement fails, after the 201, and all vulnerabilities of the host are lost. The
 * identity of a plain one is its name and desc alone, whatever else it has; absent counts as "" (seen with
 * 5.25.2, which took differing names; older servers drop some). Source: what is left after a bulk_create.
 */
import { IMPACTS } from "./payload-schema.ts";

type Fields = Record<string, unknown>;

const WEB_IDENTITY = ["method", "pname", "path", "website"];

/** What the server takes a name for that is absent; those without such a value stay as they are. */
const DEFAULTS: Readonly<Record<string, () => unknown>> = {
  ...Object.fromEntries(
    ["desc", "data", "resolution", "method", "path", "request", "response"].map((name) => [name, () => ""]),
  ),
  ...Object.fromEntries(["website", "params", "pname", "query"].map((name) => [name, () => ""])),
  ...Object.fromEntries(
    ["refs", "cve", "cwe", "policyviolations", "owasp", "credentials"].map((name) => [name, () => []]),
  ),
  ...Object.fromEntries(["cvss2", "cvss3", "cvss4", "custom_fields"].map((name) => [name, () => ({})])),
  ...Object.fromEntries(["external_id", "easeofresolution", "status_code"].map((name) => [name, () => null])),
  status: () => "open",
  confirmed: () => false,
  impact: () => Object.fromEntries(IMPACTS.map((impact) => [impact, false])),
};

/** From mild to bad; those in one place mean the same. */
const RANKS: Readonly<Record<string, number>> = {
  ...{ unclassified: 0, info: 1, informational: 1, low: 2, med: 3, medium: 3, high: 4, critical: 5 },
};

/** The batch with duplicates merged into the first of each, and the same names in all. */
export function batch(vulnerabilities: readonly Fields[], counts: { duplicates: number }): readonly Fields[] {
  const unique = new Map<string, Fields>();
  for (const vulnerability of vulnerabilities) {
    const id = identity(vulnerability);
    const first = unique.get(id);
    if (first === undefined) {
      unique.set(id, vulnerability);
    } else {
      merge(first, vulnerability);
      counts.duplicates += 1;
    }
  }
  return uniform([...unique.values()]);
}

function identity(vulnerability: Fields): string {
  const isWeb = vulnerability["type"] === "VulnerabilityWeb";
  const names = ["type", "name", "desc", ...(isWeb ? WEB_IDENTITY : [])];
  return JSON.stringify(names.map((name) => vulnerability[name] ?? ""));
}

/** Lists are joined, the worse severity stays, and what the first has not, it gets from the other. */
function merge(first: Fields, other: Fields): void {
  for (const [name, value] of Object.entries(other)) {
    const own = first[name];
    if (isAbsent(own)) first[name] = value;
    else if (Array.isArray(own) && Array.isArray(value)) first[name] = union(own, value);
    else if (name === "severity" && rank(value) > rank(own)) first[name] = value;
  }
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

function union(own: readonly unknown[], more: readonly unknown[]): readonly unknown[] {
  return [...new Map([...own, ...more].map((item) => [JSON.stringify(item), item])).values()];
}

function rank(severity: unknown): number {
  return RANKS[String(severity)] ?? -1;
}

/** Every name that one of them has, in all of them; web vulnerabilities and others each for themselves. */
function uniform(vulnerabilities: readonly Fields[]): readonly Fields[] {
  const names = new Map<unknown, Set<string>>();
  for (const vulnerability of vulnerabilities) {
    const seen = names.get(vulnerability["type"]) ?? new Set();
    for (const name of Object.keys(vulnerability)) seen.add(name);
    names.set(vulnerability["type"], seen);
  }
  return vulnerabilities.map((vulnerability) => {
    const whole: Fields = { ...vulnerability };
    for (const name of names.get(vulnerability["type"]) ?? []) {
      // Names are the executor's: "constructor" and its like are none of ours.
      const fallback = Object.hasOwn(DEFAULTS, name) ? DEFAULTS[name] : undefined;
      if (fallback !== undefined && !Object.hasOwn(whole, name)) whole[name] = fallback();
    }
    if (whole["impact"] !== undefined)
      whole["impact"] = { ...(DEFAULTS["impact"]?.() as Fields), ...(whole["impact"] as Fields) };
    return whole;
  });
}

/**
 * Mends in a result what the server would refuse, or take and lose, where its meaning is beyond doubt.
 *
 *   null where the server wants a value or nothing       left out; a host's description becomes ""
 *   "High", "vulnerability"                               the word in the server's own case
 *   refs as texts, or of an unknown type                  { name, type: "other" }; without a name left out
 *   run_date that is no time in seconds                   left out: else the host's vulnerabilities are lost
 *   id, command_id, metadata of anything                  left out: they are the server's own, and cost the object
 *   unknown names in `impact`                             left out
 *
 * Source: each row seen with server 5.25.2. Objects are changed in place.
 */
import {
  EASES,
  IMPACTS,
  REFERENCE_TYPES,
  SERVICE_STATUSES,
  SEVERITIES,
  STATUSES,
  TYPES,
} from "./payload-schema.ts";

export type MendingCounts = {
  /** Names that were left out since the server refuses or misuses them. */
  unknownKeys: number;
  /** Values that were changed or left out. */
  mended: number;
};

type Fields = Record<string, unknown>;

// Names that may be absent but not null; where null is as good, it stays.
const NOT_NULL = {
  payload: ["credentials"],
  host: ["os", "hostnames", "owned", "importance", "services", "vulnerabilities"],
  service: ["status", "owned", "vulnerabilities"],
  vulnerability: [
    ...["desc", "status", "confirmed", "impact", "refs", "cve", "cwe", "cvss2", "cvss3", "cvss4"],
    ...["policyviolations", "custom_fields", "tool", "run_date", "credentials"],
    ...["method", "path", "request", "response", "website", "params", "pname", "query", "owasp"],
  ],
  credential: ["endpoint", "owned"],
} as const;

/** The server's own names of an object: with one of them it takes the object for another, and loses it. */
const OWN = ["id", "command_id", "metadata"];

/** Python's first and last moment, the years 1 and 9999. Milliseconds are beyond. */
const FIRST_SECOND = -62_135_596_800;
const LAST_SECOND = 253_402_300_799;

/** Mends a payload that may still be anything at all. */
export function mend(payload: Fields, counts: MendingCounts): void {
  leaveOutNulls(payload, NOT_NULL.payload, counts);
  for (const host of objects(payload["hosts"])) mendHost(host, counts);
  for (const credential of objects(payload["credentials"])) mendCredential(credential, counts);
}

function mendHost(host: Fields, counts: MendingCounts): void {
  leaveOutUnknown(host, (name) => OWN.includes(name), counts);
  leaveOutNulls(host, NOT_NULL.host, counts);
  if (host["description"] === undefined || host["description"] === null) {
    host["description"] = "";
    counts.mended += 1;
  }
  for (const service of objects(host["services"])) mendService(service, counts);
  for (const vulnerability of objects(host["vulnerabilities"])) mendVulnerability(vulnerability, counts);
}

function mendService(service: Fields, counts: MendingCounts): void {
  leaveOutUnknown(service, (name) => OWN.includes(name), counts);
  leaveOutNulls(service, NOT_NULL.service, counts);
  mendWord(service, "status", SERVICE_STATUSES, counts);
  for (const vulnerability of objects(service["vulnerabilities"])) mendVulnerability(vulnerability, counts);
}

function mendVulnerability(vulnerability: Fields, counts: MendingCounts): void {
  leaveOutUnknown(vulnerability, (name) => OWN.includes(name), counts);
  leaveOutNulls(vulnerability, NOT_NULL.vulnerability, counts);
  if (vulnerability["easeofresolution"] === "") leaveOut(vulnerability, "easeofresolution", counts);
  mendWord(vulnerability, "type", TYPES, counts);
  mendWord(vulnerability, "severity", SEVERITIES, counts);
  mendWord(vulnerability, "status", STATUSES, counts);
  mendWord(vulnerability, "easeofresolution", EASES, counts);
  if ("run_date" in vulnerability && !isTime(vulnerability["run_date"]))
    leaveOut(vulnerability, "run_date", counts);
  const impact = vulnerability["impact"];
  if (isFields(impact)) {
    leaveOutUnknown(impact, (name) => !IMPACTS.some((known) => known === name), counts);
    leaveOutNulls(impact, IMPACTS, counts);
  }
  const references = vulnerability["refs"];
  if (Array.isArray(references)) vulnerability["refs"] = mendReferences(references, counts);
  for (const credential of objects(vulnerability["credentials"])) mendCredential(credential, counts);
}

function mendCredential(credential: Fields, counts: MendingCounts): void {
  leaveOutNulls(credential, NOT_NULL.credential, counts);
}

function mendReferences(references: readonly unknown[], counts: MendingCounts): readonly unknown[] {
  const mended: unknown[] = [];
  for (const reference of references) {
    if (typeof reference === "string") {
      counts.mended += 1;
      mended.push({ name: reference, type: "other" });
    } else if (!isFields(reference)) {
      mended.push(reference);
    } else if (reference["name"] === undefined || reference["name"] === null) {
      counts.mended += 1;
    } else {
      mendWord(reference, "type", REFERENCE_TYPES, counts, "other");
      mended.push(reference);
    }
  }
  return mended;
}

/** @param other stands for anything that is none of the words */
function mendWord(
  fields: Fields,
  name: string,
  words: readonly string[],
  counts: MendingCounts,
  other?: string,
): void {
  const value = fields[name];
  if (value === undefined || words.some((word) => word === value)) return;
  const lower = typeof value === "string" ? value.trim().toLowerCase() : undefined;
  const word = words.find((candidate) => candidate.toLowerCase() === lower) ?? other;
  if (word === undefined) return;
  fields[name] = word;
  counts.mended += 1;
}

function leaveOutNulls(fields: Fields, names: readonly string[], counts: MendingCounts): void {
  for (const name of names) if (fields[name] === null) leaveOut(fields, name, counts);
}

function leaveOut(fields: Fields, name: string, counts: MendingCounts): void {
  delete fields[name];
  counts.mended += 1;
}

function leaveOutUnknown(fields: Fields, isUnknown: (name: string) => boolean, counts: MendingCounts): void {
  for (const name of Object.keys(fields).filter(isUnknown)) {
    delete fields[name];
    counts.unknownKeys += 1;
  }
}

/** Seconds since 1970, as a number or in digits. */
function isTime(value: unknown): boolean {
  const isNumber =
    typeof value === "number" || /^\s*-?\d+(\.\d+)?\s*$/.test(typeof value === "string" ? value : "");
  return isNumber && Number(value) >= FIRST_SECOND && Number(value) <= LAST_SECOND;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objects(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

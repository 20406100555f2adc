/**
 * What Faraday's bulk_create takes: the shape of hosts, services, vulnerabilities and credentials.
 *
 * As loose as the server, which is to lose nothing that it would take: integers and booleans may be texts, names
 * that it does not know are passed over. Stricter only where it answers 201 and then drops what it took (a port
 * or a status code beyond 31 bits). Source: each rule tried with server 5.25.2.
 */
import * as v from "valibot";
import { abridged } from "../core/text.ts";

export const SEVERITIES = [
  "unclassified",
  "informational",
  "info",
  "low",
  "medium",
  "med",
  "high",
  "critical",
] as const;
export const STATUSES = ["open", "opened", "closed", "re-opened", "risk-accepted"] as const;
export const SERVICE_STATUSES = ["open", "closed", "filtered"] as const;
export const EASES = ["trivial", "simple", "moderate", "difficult", "infeasible"] as const;
export const TYPES = ["Vulnerability", "VulnerabilityWeb"] as const;
export const REFERENCE_TYPES = ["exploit", "patch", "other"] as const;
export const IMPACTS = ["accountability", "availability", "confidentiality", "integrity"] as const;

/** What Python's integers are limited to in the server's database. */
const MAX_INTEGER = 2 ** 31 - 1;

const text = v.string("expected a string");
const name = v.pipe(text, v.minLength(1, "expected a string that is not empty"));
const texts = v.array(text, "expected a list of strings");
const filled = v.pipe(text, v.regex(/\S/, "expected a string that is not blank"));

/** One of a few words; the message names them. */
function word(words: readonly string[]) {
  return v.picklist(words, `expected one of ${words.join(", ")}`);
}

function integer(minimum: number, maximum: number) {
  return v.custom<unknown>((value) => {
    const number = typeof value === "string" && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value;
    return typeof number === "number" && number >= minimum && Math.trunc(number) <= maximum;
  }, `expected an integer from ${minimum} to ${maximum}`);
}

// The words of marshmallow's Boolean, in the spellings that it knows.
const BOOLEANS: ReadonlySet<unknown> = new Set(
  ["t", "f", "y", "n", "true", "false", "yes", "no", "on", "off"]
    .flatMap((word): readonly unknown[] => [
      word,
      word.toUpperCase(),
      word.charAt(0).toUpperCase() + word.slice(1),
    ])
    .concat(["1", "0", 1, 0, true, false]),
);
const boolean = v.custom<unknown>((value) => BOOLEANS.has(value), "expected true or false");

/** An object with these fields, and any others. valibot takes an array for one. */
function fields<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(
    v.custom<object>(isObject, "expected an object"),
    v.looseObject(entries, "expected an object"),
  );
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// A type needs its offset or not, but never lacks the time of day.
const LEAK_DATE = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/;

const credential = fields({
  username: filled,
  password: filled,
  endpoint: v.optional(text),
  leak_date: v.nullish(v.pipe(text, v.regex(LEAK_DATE, "expected a date with a time"))),
  owned: v.optional(boolean),
});

const vector = fields({ vector_string: v.nullish(text) });

const common = {
  name,
  severity: word(SEVERITIES),
  desc: v.optional(text),
  status: v.optional(word(STATUSES)),
  confirmed: v.optional(boolean),
  resolution: v.nullish(text),
  data: v.nullish(text),
  external_id: v.nullish(text),
  easeofresolution: v.nullish(word(EASES)),
  impact: v.optional(fields(Object.fromEntries(IMPACTS.map((impact) => [impact, v.optional(boolean)])))),
  refs: v.optional(
    v.array(fields({ name: text, type: v.optional(word(REFERENCE_TYPES)) }), "expected a list of objects"),
  ),
  cve: v.optional(texts),
  cwe: v.optional(texts),
  cvss2: v.optional(vector),
  cvss3: v.optional(vector),
  cvss4: v.optional(vector),
  policyviolations: v.optional(texts),
  // A text or a number is answered with 500, for ever.
  custom_fields: v.optional(
    v.custom<object>((value) => typeof value === "object" && value !== null, "expected an object"),
  ),
  tool: v.optional(text),
  credentials: v.optional(v.array(credential, "expected a list of credentials")),
};

const vulnerability = fields({ type: v.literal("Vulnerability"), ...common });
const webVulnerability = fields({
  type: v.literal("VulnerabilityWeb"),
  ...common,
  method: v.optional(text),
  path: v.optional(text),
  request: v.optional(text),
  response: v.optional(text),
  website: v.optional(text),
  params: v.optional(text),
  pname: v.optional(text),
  query: v.optional(text),
  status_code: v.nullish(integer(-MAX_INTEGER - 1, MAX_INTEGER)),
  owasp: v.optional(texts),
});
/** What says only that the type is wrong. */
const typed = fields({ type: word(TYPES) });

function typeOf(value: unknown): unknown {
  return typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
}

const misplaced = fields({
  type: v.picklist(["Vulnerability"], 'expected "Vulnerability", a web vulnerability belongs to a service'),
});

const ofService = v.lazy((value) => {
  const type = typeOf(value);
  if (type === "VulnerabilityWeb") return webVulnerability;
  return type === "Vulnerability" ? vulnerability : typed;
});
const ofHost = v.lazy((value) => {
  const type = typeOf(value);
  if (type === "VulnerabilityWeb") return misplaced;
  return type === "Vulnerability" ? vulnerability : typed;
});

const service = fields({
  port: integer(0, MAX_INTEGER),
  protocol: name,
  name: v.nullish(text),
  version: v.nullish(text),
  description: v.nullish(text),
  status: v.optional(word(SERVICE_STATUSES)),
  owned: v.optional(boolean),
  vulnerabilities: v.optional(v.array(ofService, "expected a list of vulnerabilities")),
});

const host = fields({
  ip: text,
  description: text,
  os: v.optional(text),
  hostnames: v.optional(texts),
  mac: v.nullish(text),
  default_gateway: v.nullish(text),
  owned: v.optional(boolean),
  importance: v.optional(integer(0, 3)),
  services: v.optional(v.array(service, "expected a list of services")),
  vulnerabilities: v.optional(v.array(ofHost, "expected a list of vulnerabilities")),
});

const payload = fields({
  hosts: v.array(host, "expected a list of hosts"),
  credentials: v.optional(v.array(credential, "expected a list of credentials")),
});

/** The first thing that the server would refuse, with its path: `hosts[0].ip: expected a string, found a number`. */
export function problemIn(value: unknown): string | undefined {
  const [issue] = v.safeParse(payload, value, { abortEarly: true }).issues ?? [];
  if (issue === undefined) return undefined;
  const path = (issue.path ?? []).map(({ key }) =>
    typeof key === "number" ? `[${key}]` : `.${String(key)}`,
  );
  const where = path.join("").replace(/^\./, "");
  const what = issue.input === undefined ? "missing" : `${issue.message}, found ${found(issue)}`;
  return where === "" ? what : `${where}: ${what}`;
}

/** A value only where a word or a number of a few was expected: others may be passwords. */
function found({ type, input }: { readonly type: string; readonly input: unknown }): string {
  if (input === null) return "null";
  if (Array.isArray(input)) return "a list";
  if (typeof input === "string" && type === "picklist") return `"${abridged(input)}"`;
  if (typeof input === "number" && type === "custom") return String(input);
  return typeof input === "object" ? "an object" : `a ${typeof input}`;
}

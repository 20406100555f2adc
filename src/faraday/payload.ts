/**
 * Makes of a result that an executor printed what Faraday's bulk_create takes and keeps.
 *
 *   texts that the database can hold ─▶ known names only ─▶ mended ─▶ checked ─▶ no duplicates ─▶ split by host
 *
 * The server answers 201 as soon as the shape is right and imports later; what it stumbles over then is lost in
 * silence. Hence all of it before the first post. Source: what server 5.25.2 has kept of each.
 */
import { batch } from "./payload-duplicates.ts";
import { isFields, mend } from "./payload-mending.ts";
import { problemIn } from "./payload-schema.ts";
import { storable, TooDeep } from "./payload-text.ts";

type Fields = Record<string, unknown>;

/** What was changed on the way; all 0 for a result that was as it should be. */
export type PayloadCounts = {
  readonly unknownKeys: number;
  readonly duplicates: number;
  readonly nul: number;
  readonly mended: number;
};

export type Cleaned = { readonly bodies: readonly object[]; readonly counts: PayloadCounts };

/**
 * The bodies to post for one result, at least one, without `execution_id` and `command`, which every post has of
 * its own; or the first thing that the server would refuse, with its path.
 *
 * @param maxBytes of a body as JSON; a single host that is larger goes alone, since two posts of one host may be
 *   imported at once and trip over each other
 */
export function clean(
  value: unknown,
  { maxBytes }: { readonly maxBytes: number },
): Cleaned | { readonly problem: string } {
  const counts = { unknownKeys: 0, duplicates: 0, nul: 0, mended: 0 };
  const payload = known(value, counts);
  if ("problem" in payload) return payload;
  mend(payload.fields, counts);
  const problem = problemIn(payload.fields);
  if (problem !== undefined) return { problem };
  // As problemIn() has just seen.
  const hosts = payload.fields["hosts"] as readonly Fields[];
  for (const host of hosts) mergeDuplicates(host, counts);
  return { bodies: split(hosts, payload.fields["credentials"], maxBytes), counts };
}

/** Only the two names that are an executor's to give: with any other, server 5.25.2 answers 201 and imports nothing. */
function known(
  value: unknown,
  counts: { unknownKeys: number; nul: number; mended: number },
): { readonly fields: Fields } | { readonly problem: string } {
  if (!isFields(value)) return { problem: "expected an object" };
  const names = Object.keys(value).filter((name) => !["execution_id", "command"].includes(name));
  const wanted = names.filter((name) => ["hosts", "credentials"].includes(name));
  counts.unknownKeys += names.length - wanted.length;
  try {
    return { fields: Object.fromEntries(wanted.map((name) => [name, storable(value[name], counts)])) };
  } catch (error) {
    if (error instanceof TooDeep) return { problem: error.message };
    throw error;
  }
}

function mergeDuplicates(host: Fields, counts: { duplicates: number }): void {
  for (const parent of [host, ...((host["services"] ?? []) as readonly Fields[])]) {
    const vulnerabilities = parent["vulnerabilities"] as readonly Fields[] | undefined;
    if (vulnerabilities !== undefined) parent["vulnerabilities"] = batch(vulnerabilities, counts);
  }
}

/** Hosts in their order, in as few bodies as fit; the credentials with the first. */
function split(hosts: readonly Fields[], credentials: unknown, maxBytes: number): readonly object[] {
  const first = { hosts: [] as Fields[], ...(credentials === undefined ? {} : { credentials }) };
  const bodies = [first];
  let body = first;
  let size = bytes(first);
  for (const host of hosts) {
    const more = bytes(host) + 1;
    if (size + more > maxBytes && body.hosts.length > 0) {
      body = { hosts: [] };
      bodies.push(body);
      size = bytes(body);
    }
    body.hosts.push(host);
    size += more;
  }
  return bodies;
}

function bytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

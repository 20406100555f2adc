/**
 * References of vulnerabilities as Faraday before 4.1 wants them: a text each, in place of name and type; pure.
 *
 * Such a server is known by its refusal alone. Source: seen with the server 3.19.0.
 */
import { isJsonObject } from "../core/json.ts";
import type { HttpAnswer } from "./http-client.ts";

/** Whether it is a refusal of references that are no texts. Newer servers have other words for what is wrong there. */
export function wantsReferenceTexts({ status, text }: HttpAnswer): boolean {
  return status === 400 && /"refs":\s*\{\s*"\d+":\s*\["Not a valid string\."\]/.test(text);
}

/** A post with the names of its references alone; as it is where it is no post. */
export function withReferenceTexts(body: Uint8Array): Uint8Array {
  const post = parse(body);
  if (!isJsonObject(post) || !Array.isArray(post["hosts"])) return body;
  return Buffer.from(JSON.stringify({ ...post, hosts: post["hosts"].map(hostWithTexts) }));
}

function hostWithTexts(host: unknown): unknown {
  if (!isJsonObject(host) || !Array.isArray(host["services"])) return vulnerableWithTexts(host);
  return vulnerableWithTexts({ ...host, services: host["services"].map(vulnerableWithTexts) });
}

/** Of a host or a service. */
function vulnerableWithTexts(owner: unknown): unknown {
  if (!isJsonObject(owner) || !Array.isArray(owner["vulnerabilities"])) return owner;
  return { ...owner, vulnerabilities: owner["vulnerabilities"].map(vulnerabilityWithTexts) };
}

function vulnerabilityWithTexts(vulnerability: unknown): unknown {
  if (!isJsonObject(vulnerability) || !Array.isArray(vulnerability["refs"])) return vulnerability;
  const nameOf = (reference: unknown) => (isJsonObject(reference) ? reference["name"] : reference);
  return { ...vulnerability, refs: vulnerability["refs"].map(nameOf) };
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

/**
 * The form in which a server takes references of vulnerabilities: objects with name and type, or, before Faraday 4.1,
 * a text each. It is known by its refusal alone. Source: seen with the server 3.19.0.
 */
import { isJsonObject, parseJson } from "../core/json.ts";
import type { HttpAnswer } from "./http-client.ts";

type Post = (body: Uint8Array) => Promise<HttpAnswer>;

export class ReferenceForm {
  /** Whether those were taken the last time, and objects were not. */
  #isText = false;

  /** Posts in the form that was taken the last time, and where that is refused, in the other one. */
  async post(body: Uint8Array, post: Post): Promise<HttpAnswer> {
    const isText = this.#isText;
    const first = await post(isText ? withReferenceTexts(body) : body);
    if (isText ? first.status !== 400 : !wantsReferenceTexts(first)) return first;
    const second = await post(isText ? body : withReferenceTexts(body));
    // Something else is wrong: the words that count are those on the form that was right.
    if (second.status === 400) return isText ? first : second;
    this.#isText = !isText;
    return second;
  }
}

/** Whether it is a refusal of references that are no texts. Newer servers have other words for what is wrong there. */
export function wantsReferenceTexts({ status, text }: HttpAnswer): boolean {
  return status === 400 && /"refs":\s*\{\s*"\d+":\s*\["Not a valid string\."\]/.test(text);
}

/** A post with the names of its references alone; as it is where it is no post. */
export function withReferenceTexts(body: Uint8Array): Uint8Array {
  const post = parseJson(new TextDecoder().decode(body));
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

/**
 * The REST calls of an agent; each of them once, without a second try but for a post that wants another form.
 *
 * The answers are those of Faraday 5.25.2, and what differs in 3.19.0 and 4.6.2. Its errors come as HTML more often
 * than as JSON, so nothing but the status decides, with three exceptions: a 403 means a deleted agent only in
 * Faraday's own words, as a firewall may say 403, too; a 404 a missing workspace likewise; and a 200 counts only with
 * the JSON that belongs to it.
 */
import { printable } from "../core/text.ts";
import type { HttpAnswer, HttpClient } from "./http-client.ts";
import { ReferenceForm } from "./reference-form.ts";
import { isWebPage, objectOf, redirectionOf, refusalOf, wordsOf } from "./server-answer.ts";
import { ServerFailure } from "./server-failure.ts";

export type Registration = {
  /** Six digits, good for one or two minutes. */
  readonly code: string;
  /** Not unique: registering twice makes two agents. */
  readonly name: string;
  readonly description: string;
};

export type ChannelToken =
  | { readonly kind: "token"; readonly token: string }
  /** Faraday does not know the agent token, and never will again. */
  | { readonly kind: "deleted" }
  | { readonly kind: "refused"; readonly status: number; readonly words: string };

export type PostAnswer =
  | { readonly kind: "created"; readonly commandId: number | undefined }
  /** The same body may be accepted later. `status` is undefined where no answer came; `after` is in milliseconds. */
  | {
      readonly kind: "again";
      readonly status: number | undefined;
      readonly words: string;
      readonly after: number | undefined;
    }
  /** It never will be. */
  | { readonly kind: "rejected"; readonly status: number; readonly words: string };

/** The longest that a server may have us wait, in milliseconds. */
const LONGEST_AFTER_MS = 3_600_000;
/** Whether a text is an agent token, as Faraday makes them; such a one never expires. */
export function isAgentToken(text: string): boolean {
  return /^[A-Za-z0-9]{64}$/.test(text);
}

/** Faraday's words for an agent that it does not know; gateways have words of their own for a 403, in JSON too. */
const NO_PERMISSION = /\bpermission to access the requested resource\b/i;

/** Faraday's words for a registration code that is not, or no longer, good. */
const INVALID_TOKEN = /invalid token/i;

const OLD_REGISTRATION =
  "Register with its own dispatcher, then cb dispatcher import takes over the agent's token";
const CHECK_URL = "Check the server's URL and its base route";

export class FaradayApi {
  readonly #http: HttpClient;
  readonly #references = new ReferenceForm();

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /**
   * Whether the server can be reached: any HTTP answer will do, as some versions ask agents for a login here.
   *
   * @returns the status of the first answer, the version where the server tells it, and what is odd
   * @throws {ServerFailure} where there is no answer
   */
  async probe(
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly version: string | undefined; readonly oddity?: string }> {
    const answer = await this.#get("/_api/config", signal);
    const { status } = answer;
    const to = redirectionOf(answer);
    if (to !== undefined)
      return { status, version: undefined, oddity: `it leads to "${to}", ${lower(CHECK_URL)}` };
    if (isWebPage(answer)) {
      return { status, version: undefined, oddity: `it answers with a web page, ${lower(CHECK_URL)}` };
    }
    return { status, version: await this.#version(signal) };
  }

  /**
   * The port of the command channel, where it has one of its own: servers before 5.5 tell it.
   *
   * @returns 1 to 65535
   * @throws {ServerFailure} where there is no answer
   */
  async channelPort(signal: AbortSignal): Promise<number | undefined> {
    // A number, or a text where it came from the command line.
    const port = Number(objectOf(await this.#get("/_api/config", signal))?.["websocket_port"]);
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
  }

  /** Known to whom the server lets in, which agents are not since 5.10. */
  async #version(signal: AbortSignal): Promise<string | undefined> {
    try {
      const version = objectOf(await this.#get("/_api/v3/info", signal))?.["Version"];
      return typeof version === "string" ? version.slice(0, 40) : undefined;
    } catch (error) {
      if (error instanceof ServerFailure) return undefined;
      throw error;
    }
  }

  /**
   * Makes a new agent of the server.
   *
   * @throws {ServerFailure} with what to do
   */
  async register(
    { code, name, description }: Registration,
    signal: AbortSignal,
  ): Promise<{ readonly id: number; readonly token: string }> {
    const answer = await this.#http.request({
      method: "POST",
      url: this.#http.at("/_api/v3/agents"),
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token: code, name, description }),
      signal,
    });
    if (answer.status !== 201) {
      // Faraday says 401 to a POST to any path that it does not know.
      const isWrongCode = INVALID_TOKEN.test(wordsOf(answer));
      const version = answer.status === 401 && !isWrongCode ? await this.#version(signal) : undefined;
      throw registrationFailure(answer, version);
    }
    const { id, token } = objectOf(answer) ?? {};
    if (typeof id === "number" && token === undefined) {
      const why =
        "it made the agent and did not tell its token, as Faraday 5.25.2 does where several register at once";
      throw new ServerFailure(
        "answer",
        why,
        `Try again with a new code, and delete agent ${id} at the server`,
      );
    }
    if (typeof id !== "number" || !Number.isSafeInteger(id) || typeof token !== "string") {
      throw new ServerFailure("answer", "its answer to the registration is not that of Faraday", CHECK_URL);
    }
    // With such a one the next start would fail, and the code is spent.
    if (!isAgentToken(token)) {
      const length = `it has ${token.length} characters`;
      throw new ServerFailure(
        "answer",
        `it gave no usable agent token: ${length}, expected 64 letters and digits`,
      );
    }
    return { id, token };
  }

  /**
   * A token for one join of the command channel, good for 60 seconds.
   *
   * @throws {ServerFailure} where there is no answer
   */
  async channelToken(agentToken: string, signal: AbortSignal): Promise<ChannelToken> {
    const answer = await this.#http.request({
      method: "POST",
      url: this.#http.at("/_api/v3/agent_websocket_token"),
      headers: { authorization: `Agent ${agentToken}` },
      signal,
    });
    const { status } = answer;
    const object = objectOf(answer);
    if (status === 200 && typeof object?.["token"] === "string")
      return { kind: "token", token: object["token"] };
    if (status === 403 && NO_PERMISSION.test(ownWords(answer))) return { kind: "deleted" };
    // Faraday says 401 to a POST to any path that it does not know.
    const isFaraday = ![200, 401, 404, 405].includes(status) && !isWebPage(answer);
    const words = isFaraday ? refusalOf(answer) : `it is not Faraday's API that answers, ${lower(CHECK_URL)}`;
    return { kind: "refused", status, words };
  }

  /**
   * Posts results, or the end of them.
   *
   * @throws the reason of `signal`, and nothing else
   */
  async bulkCreate(
    workspace: string,
    body: Uint8Array,
    agentToken: string,
    signal: AbortSignal,
  ): Promise<PostAnswer> {
    // They would lead to another path; no workspace has such a name.
    if (/^\.{0,2}$/.test(workspace))
      return { kind: "rejected", status: 404, words: "no workspace has such a name" };
    const path = `/_api/v3/ws/${encodeURIComponent(workspace)}/bulk_create`;
    const headers = { authorization: `agent ${agentToken}`, "content-type": "application/json" };
    const url = this.#http.at(path);
    const post = (bytes: Uint8Array) =>
      this.#http.request({ method: "POST", url, headers, body: bytes, signal });
    try {
      return postAnswer(await this.#references.post(body, post));
    } catch (error) {
      if (!(error instanceof ServerFailure)) throw error;
      return { kind: "again", status: undefined, words: error.message, after: undefined };
    }
  }

  #get(path: string, signal: AbortSignal): Promise<HttpAnswer> {
    return this.#http.request({ method: "GET", url: this.#http.at(path), signal });
  }
}

/** What Faraday itself says in a refusal: in JSON, or before 4 in the page that its library makes. */
function ownWords(answer: HttpAnswer): string {
  const message = objectOf(answer)?.["message"];
  if (typeof message === "string") return message;
  return /<title>403 Forbidden<\/title>\s*<h1>Forbidden<\/h1>/.test(answer.text) ? wordsOf(answer) : "";
}

/** @param version where the server tells it */
function registrationFailure(answer: HttpAnswer, version: string | undefined): ServerFailure {
  const fail = (reason: string, hint?: string) => new ServerFailure("answer", reason, hint);
  const { status } = answer;
  const words = wordsOf(answer);
  const newCode = "Take a new code from the page of the agents in Faraday, it is good for a minute or two";
  const to = redirectionOf(answer);
  if (to !== undefined) return fail(`it leads to "${to}"`, CHECK_URL);
  if (status < 300 || status === 404 || status === 405) {
    const what = isWebPage(answer) ? "it answers with a web page" : refusalOf(answer);
    return fail(what, CHECK_URL);
  }
  switch (status) {
    case 401:
      if (INVALID_TOKEN.test(words)) return fail("the registration code is wrong or has expired", newCode);
      if (version?.startsWith("3."))
        return fail(
          `Faraday ${printable(version)} takes agents for named workspaces alone`,
          OLD_REGISTRATION,
        );
      return fail(
        "it does not accept the registration code, or has no such path",
        `${newCode}. ${CHECK_URL}`,
      );
    case 402:
      return fail(`its licence does not allow it: ${words}`, "Ask whoever runs the server about its licence");
    case 403:
      return fail(`it forbids the registration: ${words}`, "Ask whoever runs the server");
    case 429:
      return fail("it takes no more registrations for now", "Wait, then take a new code");
    default:
      return fail(refusalOf(answer), status >= 500 ? "Try again later, with a new code" : undefined);
  }
}

/** 401 is a workspace that is missing or not active, 402 the licence, 403 a workspace that is read-only: all may end. */
const PASSING: ReadonlySet<number> = new Set([401, 402, 403, 408, 425, 429]);
/** Said with 404, before Faraday 5, of a workspace that is missing; of an agent that has no part in it, before 4. */
const NO_WORKSPACE = /\bNo such workspace\b/;

function postAnswer(answer: HttpAnswer): PostAnswer {
  const { status } = answer;
  if (status === 201) {
    const id = objectOf(answer)?.["command_id"];
    return { kind: "created", commandId: typeof id === "number" ? id : undefined };
  }
  // What is neither created nor refused was not read by Faraday: a portal, a redirection, the page of another path.
  const isMissing = status === 404 && NO_WORKSPACE.test(answer.text);
  if (isMissing || PASSING.has(status) || status < 400 || status >= 500) {
    const words = isWebPage(answer) && !isMissing ? "it answers with a web page" : wordsOf(answer);
    return { kind: "again", status, words, after: retryAfter(answer) };
  }
  return { kind: "rejected", status, words: wordsOf(answer) };
}

/** The header in milliseconds: seconds, or a date by the server's own clock. */
function retryAfter({ headers }: HttpAnswer): number | undefined {
  const { "retry-after": text, date } = headers;
  if (typeof text !== "string") return undefined;
  const isSeconds = /^\d{1,9}$/.test(text.trim());
  const byDate = () => (text.endsWith("GMT") ? Date.parse(text) - Date.parse(String(date)) : Number.NaN);
  const after = isSeconds ? Number(text) * 1000 : byDate();
  return Number.isFinite(after) ? Math.min(Math.max(after, 0), LONGEST_AFTER_MS) : undefined;
}

function lower(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

/**
 * What an HTTP answer says, whoever gave it: Faraday as JSON or as a small page of HTML, or something in between,
 * such as a reverse proxy, a portal or a firewall, in HTML of its own.
 */
import { isJsonObject, parseJson } from "../core/json.ts";
import { printable } from "../core/text.ts";
import type { HttpAnswer } from "./http-client.ts";

/** Characters of the server's words that are kept. */
const MAX_WORDS = 2_000;

/** The object in an answer that is JSON; undefined for any other. */
export function objectOf({ mediaType, text }: HttpAnswer): Readonly<Record<string, unknown>> | undefined {
  if (mediaType !== "application/json") return undefined;
  const value = parseJson(text);
  return isJsonObject(value) ? value : undefined;
}

/**
 * Whether a page for people came where Faraday's API should be: Faraday sends its own, with 200, for every path
 * that it does not know, and reverse proxies send theirs.
 */
export function isWebPage({ mediaType, status }: HttpAnswer): boolean {
  return mediaType === "text/html" && (status < 300 || status === 404 || status === 405);
}

/** What it says of itself, in one harmless line; "" where it says nothing. */
export function wordsOf(answer: HttpAnswer): string {
  const line = printable(textOf(answer).replaceAll(/\s+/g, " ").trim());
  return line.length <= MAX_WORDS ? line : `${line.slice(0, MAX_WORDS)}…`;
}

function textOf(answer: HttpAnswer): string {
  const object = objectOf(answer);
  if (object !== undefined) {
    // {"message": "…"}, {"messages": {"json": {field: ["…"]}}}
    const { message, messages } = object;
    if (typeof message === "string") return message;
    const problems = isJsonObject(messages) ? (messages["json"] ?? messages) : object;
    return JSON.stringify(problems);
  }
  return answer.mediaType === "text/html" ? textOfPage(answer.text) : answer.text;
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  "#39": "'",
  "#34": '"',
};

/** Of `<title>401 …</title><h1>Unauthorized</h1><p>Invalid Token</p>` the last two. */
function textOfPage(page: string): string {
  return page
    .slice(0, 64 * 1024)
    .replaceAll(/<(title|script|style)\b[^>]*>[^<]*<\/\1>/gi, " ")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/&(#?\w+);/g, (entity, name: string) => ENTITIES[name] ?? entity);
}

/** `it answers 502: Bad Gateway`. */
export function refusalOf(answer: HttpAnswer): string {
  const words = wordsOf(answer);
  return words === "" ? `it answers ${answer.status}` : `it answers ${answer.status}: ${words}`;
}

/** Where a redirection leads; undefined for other answers. */
export function redirectionOf({ status, headers }: HttpAnswer): string | undefined {
  const { location } = headers;
  return status >= 300 && status < 400 && typeof location === "string" ? printable(location) : undefined;
}

/** Values as JSON.parse gives them. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** A value that has names: neither an array nor null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Arrays and objects in one another, at most; what Faraday sends has a handful. */
export const MAX_NESTING = 512;

/**
 * The value of a JSON text of somebody else's; undefined where it is none, or is nested deeper than `MAX_NESTING`.
 *
 * That is looked at first: a parser takes 8 MB of "[" for eight million arrays, a gigabyte of them, before it sees
 * that they have no end.
 */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** In one pass; exact as far as the text is JSON, which is how far a parser would get. */
function isTooDeep(text: string): boolean {
  if (text.length <= MAX_NESTING) return false;
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') isInString = !isInString;
    else if (isInString) {
      if (character === "\\") at += 1;
    } else if (character === "[" || character === "{") {
      depth += 1;
      if (depth > MAX_NESTING) return true;
    } else if (character === "]" || character === "}") depth -= 1;
  }
  return false;
}

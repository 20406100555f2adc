/** Values as JSON.parse gives them. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** A value that has names: neither an array nor null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

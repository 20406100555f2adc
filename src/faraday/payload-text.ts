/**
 * Text that Faraday's database can hold.
 *
 * A NUL or half of a surrogate pair anywhere in a host is answered with 201 and then loses the host or all its
 * vulnerabilities; in a credential it is a 500 for ever (seen with 5.25.2).
 */

/** Levels of objects and arrays in a result; some more end Python's parser (1000), or our own stack. */
const MAX_DEPTH = 500;

export type TextCounts = {
  /** Texts that held a NUL. */
  nul: number;
  /** Texts that held half of a surrogate pair, which U+FFFD has replaced. */
  mended: number;
};

/** Thrown for a value that is nested too deep. */
export class TooDeep extends Error {
  override readonly message = `nested deeper than ${MAX_DEPTH} levels`;
}

/** A deep copy of a JSON value without NUL and lone surrogates in texts and names. @throws {TooDeep} */
export function storable(value: unknown, counts: TextCounts, depth = 0): unknown {
  if (typeof value === "string") return storableText(value, counts);
  if (typeof value !== "object" || value === null) return value;
  if (depth === MAX_DEPTH) throw new TooDeep();
  if (Array.isArray(value)) return value.map((item) => storable(item, counts, depth + 1));
  // fromEntries, since an assignment to "__proto__" would do something else.
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      storableText(name, counts),
      storable(item, counts, depth + 1),
    ]),
  );
}

/** A text without NUL and lone surrogates. */
export function storableText(text: string, counts: TextCounts = { nul: 0, mended: 0 }): string {
  if (!/[\0\ud800-\udfff]/u.test(text)) return text;
  const whole = text.replace(/[\ud800-\udfff]/gu, "\ufffd");
  if (whole !== text) counts.mended += 1;
  if (whole.includes("\0")) counts.nul += 1;
  return whole.replaceAll("\0", "");
}

/**
 * Times as people type them: decimal seconds, down to a millisecond; milliseconds inside.
 *
 * Below a million seconds (11 days): the runtimes turn a timer of more than 2^31 - 1 ms into one of 1 ms.
 * The parsers differ in what 0 means, so each has its own name.
 */

const SECONDS = /^\d{1,6}(\.\d{1,3})?$/;

/**
 * How long to wait for something.
 *
 * @returns milliseconds, or `Infinity` for `0`
 * @throws {SyntaxError} for anything but decimal seconds, such as signs, exponents, units and spaces
 */
export function parseWait(text: string): number {
  return parse(text, "with 0 for no limit") || Infinity;
}

/**
 * The least time that a station listens: 0 is read as 1 second.
 *
 * @returns milliseconds
 * @throws {SyntaxError} as `parseWait`
 */
export function parseMinimumWait(text: string): number {
  return parse(text, "with 0 for 1") || 1000;
}

/**
 * A limit that ends something when it is over.
 *
 * @returns milliseconds, above 0
 * @throws {SyntaxError} as `parseWait`, and for `0`, which might be meant as "no limit" or "at once"
 */
export function parseLimit(text: string): number {
  const least = "at least 0.001";
  const milliseconds = parse(text, least);
  if (milliseconds === 0) throw new SyntaxError(expected(least));
  return milliseconds;
}

/**
 * Time that is left to something before it is ended; 0 leaves none.
 *
 * @returns milliseconds
 * @throws {SyntaxError} as `parseWait`
 */
export function parseGrace(text: string): number {
  return parse(text, "with 0 for none");
}

function parse(text: string, zero: string): number {
  if (!SECONDS.test(text)) throw new SyntaxError(expected(zero));
  return Math.round(Number(text) * 1000);
}

function expected(zero: string): string {
  return `expected seconds below 1000000, such as 120 or 0.5, ${zero}`;
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * How long something is kept: a whole number with a unit, `90s`, `30m`, `12h` or `7d`.
 *
 * @returns milliseconds, above 0 and at most 1000 days
 * @throws {SyntaxError} for anything else; a number alone might be meant as seconds or as days
 */
export function parseAge(text: string): number {
  const [, number, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const milliseconds = Number(number) * (UNITS[unit ?? ""] ?? Number.NaN);
  if (milliseconds > 0 && milliseconds <= 1000 * 86_400_000) return milliseconds;
  throw new SyntaxError("expected a number with a unit, such as 12h or 7d, at most 1000d");
}

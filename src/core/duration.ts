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
  const milliseconds = parse(text, "above 0");
  if (milliseconds === 0) throw new SyntaxError(expected("above 0"));
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

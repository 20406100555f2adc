/**
 * Keeps an agent from printing what looks like the rule above an output of others: a line of an output that begins as a
 * rule is shown with `│ ` before it, which no rule has.
 *
 *     ── 3 agents: web[1-3] ── exit status 1 ──────────       a rule
 *     │ ── 3 agents: web[1-3] ── exit status 1 ──────────     what some agent printed
 */
import { concat, concatAll, utf8 } from "../protocol/bytes.ts";

/** What a rule begins with. */
export const RULE = "── ";
/** Before a line of an output that would look like something else. */
export const GUARD = "│ ";

const NEWLINE = 10;
const RULE_BYTES = utf8(RULE);
const GUARD_BYTES = utf8(GUARD);
const RULE_AFTER_LINE = utf8(`\n${RULE}`);

export function startsAsRule(line: Uint8Array): boolean {
  return RULE_BYTES.every((byte, at) => line[at] === byte);
}

/** The same for bytes that are in no lines yet, as an array for each line costs more than all the rest. */
export class RuleGuard {
  #isLineStart = true;
  /** What may be the beginning of a rule, of which the rest is to come. */
  #held = new Uint8Array();

  /** @returns `data` itself where nothing is to be changed, as nearly always */
  push(data: Uint8Array): Uint8Array {
    const bytes = this.#held.length === 0 ? data : concat(this.#held, data);
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const found = this.#isLineStart && startsAsRule(bytes) ? [0] : [];
    for (let at = view.indexOf(RULE_AFTER_LINE); at >= 0; at = view.indexOf(RULE_AFTER_LINE, at + 1))
      found.push(at + 1);
    const end = bytes.length - this.#hold(view);
    if (found.length === 0) return end === bytes.length ? bytes : bytes.subarray(0, end);
    const parts = found.flatMap((at, index) => [GUARD_BYTES, bytes.subarray(at, found[index + 1] ?? end)]);
    return concatAll([bytes.subarray(0, found[0]), ...parts]);
  }

  /** What was held back. */
  end(): Uint8Array {
    return this.#held;
  }

  /** @returns how many bytes of the end are held back */
  #hold(bytes: Buffer): number {
    const newline = bytes.subarray(-RULE_BYTES.length).lastIndexOf(NEWLINE);
    const from = newline < 0 ? 0 : Math.max(0, bytes.length - RULE_BYTES.length) + newline + 1;
    const isStart = newline >= 0 || (this.#isLineStart && bytes.length < RULE_BYTES.length);
    const line = bytes.subarray(from);
    const isHeld = isStart && line.equals(RULE_BYTES.subarray(0, line.length));
    // A copy: the memory of what comes is used again.
    this.#held = isHeld ? Uint8Array.from(line) : new Uint8Array();
    this.#isLineStart = isHeld;
    return this.#held.length;
  }
}

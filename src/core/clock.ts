/**
 * The two clocks of a machine, behind one type, so that everything below `cli/` takes time as an argument.
 */

/** Wall time and monotonic time, both in milliseconds. */
export type Clock = {
  /** Since 1970-01-01 UTC; whole; may be set forward or back at any moment. */
  readonly wall: () => number;
  /** Since some fixed point of this process; fractions of a millisecond; never goes back. */
  readonly monotonic: () => number;
};

/** The machine's own clocks. */
export const systemClock: Clock = { wall: () => Date.now(), monotonic: () => performance.now() };

/** The longest time, in milliseconds, that setTimeout and setInterval count: in 31 bits. Beyond it they fire at once. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** How a rollout is to go: what the operator says before it begins. */

/** So many agents, or so many in a hundred of those that hold the command when the rollout begins. */
export type Share = { readonly count: number } | { readonly percent: number };

export type RolloutPlan = {
  /** At a time; undefined: as many as there are. */
  readonly parallel: Share | undefined;
  /** Those that go first, all of whom must do well; 0: nobody. */
  readonly canary: number;
  /** Failures at which nobody else is released; undefined: none stop it but a canary's. */
  readonly maxFailures: Share | undefined;
  /** Between two batches, in milliseconds; 0: whoever is next goes as soon as there is room. */
  readonly pause: number;
  /** How long an agent that was released may be silent, in milliseconds. */
  readonly replyWait: number;
};

/** An agent that runs what was released says so every five seconds: in less than two of them it is not silent. */
export const MIN_ROLLOUT_REPLY_WAIT = 10_000;

/**
 * A share of so many agents, never less than one.
 *
 * @param rounding of a share in a hundred: a bound is kept `at most`, a budget is used up `at least`
 */
export function countOf(share: Share, agents: number, rounding: "at most" | "at least"): number {
  if ("count" in share) return share.count;
  const exact = (agents * share.percent) / 100;
  return Math.max(1, rounding === "at most" ? Math.floor(exact) : Math.ceil(exact));
}

/**
 * `5` or `25%`.
 *
 * @throws {SyntaxError} for anything else, and for 0
 */
export function parseShare(text: string): Share {
  const [, digits, percent] = /^(\d{1,6})(%?)$/.exec(text) ?? [];
  const number = Number(digits ?? 0);
  if (number > 0 && percent === "") return { count: number };
  if (number > 0 && number <= 100) return { percent: number };
  throw new SyntaxError("expected a number of agents above 0, such as 5, or 1% to 100% of them");
}

/**
 * Whether a join succeeded, from hints: Faraday says so to everybody on the channel, and so it does of strangers'.
 *
 * Its words come before the acknowledgement of the join that they are about, so that an acknowledgement without any
 * rejection before it is a proof, as a `run` is. Nothing else is.
 */

/** What became of an event. */
export type Answer = "acknowledged" | "unanswered" | "lost";

/** What was heard since a join was sent, be it about ours or a stranger's. */
export type JoinEcho = {
  /** A `run` came, which only an agent gets. */
  isProven: boolean;
  hasWelcome: boolean;
  rejection: string | undefined;
};

/** What the answer to a join, and what was heard before it, amount to. */
export function verdictOf(answer: Answer, { isProven, hasWelcome, rejection }: JoinEcho): JoinVerdict {
  if (answer === "lost") return { kind: "lost" };
  if (isProven) return { kind: "joined" };
  if (rejection !== undefined)
    return hasWelcome ? { kind: "unsure" } : { kind: "refused", reason: rejection };
  return { kind: answer === "acknowledged" || hasWelcome ? "joined" : "unanswered" };
}

/**
 * What became of our join. A rejection may be a stranger's, as may the word that somebody joined:
 * - `joined`: acknowledged without a rejection before; or, without acknowledgements, somebody joined, nobody was refused;
 * - `unsure`: somebody joined and somebody was refused meanwhile;
 * - `refused`: somebody was refused and nobody joined;
 * - `unanswered`: nothing at all was said;
 * - `lost`: the connection ended.
 */
export type JoinVerdict =
  | { readonly kind: "joined" | "unsure" | "unanswered" | "lost" }
  | { readonly kind: "refused"; readonly reason: string };

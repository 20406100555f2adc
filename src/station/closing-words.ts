/** What a session ends with on standard error: its problems and remarks, and the summary; pure. */
import type { Outcome } from "./outcome.ts";
import type { StationParts } from "./station-parts.ts";

/**
 * @param lost what could not be shown or kept
 * @param failures what could not be remembered
 */
export function closingWords(
  { problems, remarks, successes, summary }: Outcome,
  lost: readonly string[],
  failures: Iterable<string>,
  verbosity: StationParts["verbosity"],
): string {
  const said = {
    errors: [...problems, ...lost],
    normal: [...problems, ...lost, ...failures, ...remarks],
    verbose: [...successes, ...problems, ...lost, ...failures, ...remarks],
  }[verbosity];
  const lines = said.map((sentence) => `cb: ${sentence}\n`);
  return [...lines, ...(verbosity === "errors" ? [] : [`${summary}\n`])].join("");
}

/**
 * How a run ended, as the server is told: one boolean and a short true sentence.
 *
 * Pure and total: every way in which a run can end has an answer here, so that none is left without a final status.
 * Source: the `run_status` event; what the original sends, and mostly does not, is why this is a table.
 */
import { count, printable, seconds } from "../core/text.ts";
import type { ExecutionEnd } from "../exec/execution.ts";

export type RunOutcome = {
  readonly successful: boolean;
  readonly message: string;
};

/** What became of the lines of stdout. */
export type LineCounts = {
  readonly results: number;
  /** Lines that are no JSON. */
  readonly garbage: number;
  /** JSON, but no object. */
  readonly notObjects: number;
  readonly tooLong: number;
  /** Objects that the server would not have taken. */
  readonly invalid: number;
};

export const NO_LINES: LineCounts = { results: 0, garbage: 0, notObjects: 0, tooLong: 0, invalid: 0 };

/** Characters of an executor's last words on stderr that go with the message. */
const MAX_TAIL = 200;

/**
 * @param timeLimit milliseconds, of the run
 * @param lastWords the end of stderr, from which secrets have been taken out
 */
export function outcomeOf(
  end: ExecutionEnd,
  lines: LineCounts,
  timeLimit: number | undefined,
  lastWords: string,
): RunOutcome {
  const found = count(lines.results, "result");
  const lost = losses(lines);
  const failure = failureOf(end, timeLimit);
  if (end.reason === "not-started") return { successful: false, message: failure ?? "not started" };
  if (failure !== undefined) {
    const said = lastWords === "" ? "" : `: ${lastWords}`;
    return { successful: false, message: [`${failure}, ${found}`, ...lost].join(", ") + said };
  }
  const ended = `finished in ${seconds(end.runTime)}, ${found}`;
  return { successful: lost.length === 0, message: [ended, ...lost].join(", ") };
}

/** The outcome once the server has answered to every post. */
export function withQuarantined(outcome: RunOutcome, quarantined: number): RunOutcome {
  if (quarantined === 0) return outcome;
  const refused = `${count(quarantined, "post")} refused by the server and set aside`;
  return { successful: false, message: `${outcome.message}, ${refused}` };
}

/** @param aside where the journal is kept as it was found; undefined for one that was whole */
export function withDamage(outcome: RunOutcome, aside: string | undefined): RunOutcome {
  if (aside === undefined) return outcome;
  return {
    successful: false,
    message: `${outcome.message}, results may be missing: its journal was damaged`,
  };
}

/** The last line of stderr with something in it, as a message may show it. */
export function lastWordsOf(stderr: string): string {
  const line = stderr.trimEnd().split("\n").at(-1)?.trim() ?? "";
  const characters = Array.from(printable(line));
  return characters.length <= MAX_TAIL ? characters.join("") : `…${characters.slice(1 - MAX_TAIL).join("")}`;
}

function failureOf(end: ExecutionEnd, timeLimit: number | undefined): string | undefined {
  switch (end.reason) {
    case "exited":
      return end.status === 0 ? undefined : `exit status ${end.status}`;
    case "signalled":
      return `ended by ${end.signal ?? "a signal"}`;
    case "time-limit":
      return `ended at its time limit of ${seconds(timeLimit ?? end.runTime)}`;
    case "cancelled":
      return "stopped by the operator";
    case "stopped":
      return "ended because the dispatcher stops";
    case "not-started":
      return `not started: ${end.detail ?? "refused by the system"}`;
  }
}

function losses({ garbage, notObjects, tooLong, invalid }: LineCounts): readonly string[] {
  const kinds: readonly (readonly [number, string])[] = [
    [garbage, "of no JSON"],
    [notObjects, "of JSON that is no object"],
    [tooLong, "longer than the manifest allows"],
    [invalid, "of a form that Faraday does not take"],
  ];
  return kinds.flatMap(([number, what]) => (number === 0 ? [] : [`${count(number, "line")} ${what}`]));
}

/**
 * What a session ends with on standard error: remarks, its problems, and the summary; pure.
 *
 * What went wrong stands where the eye is when the prompt is back: at the very end. A terminal gets so many sentences
 * as it can show, those about the most agents, and the names of whom else there is one.
 */
import { type Finding, namesIn, type Room, sentenceOf } from "./finding.ts";
import type { Outcome } from "./outcome.ts";
import { planSummary } from "./plan-text.ts";
import { shownNames } from "./shown-names.ts";
import type { StationParts } from "./station-parts.ts";

/** Sentences of one kind on a terminal. */
const MAX_SENTENCES = 12;
/** Lines of a terminal for names, and for a sentence with the last words of a command. */
const LINES = { nameLines: 3, lines: 2 };

type How = Pick<StationParts, "verbosity" | "plan" | "columns" | "output"> & {
  readonly stdout: Pick<StationParts["stdout"], "isTerminal">;
  readonly stderr: Pick<StationParts["stderr"], "isTerminal">;
  /** Whether the form of output has, on a terminal, who is missing. */
  readonly hasNamedMissing?: boolean;
};

/**
 * @param lost what could not be shown or kept
 * @param failures what could not be remembered
 */
export function closingWords(
  { findings, successes, agents, summary }: Outcome,
  lost: readonly string[],
  failures: Iterable<string>,
  { verbosity, plan, columns, output, stdout, stderr, hasNamedMissing = false }: How,
): string {
  const room = roomOf(stderr, columns);
  const problems = [...sentencesOf(findings.problems, room), ...lost];
  // That somebody is missing stands in sight already; where it is a part of the exit status it is no remark.
  const isSaid = ({ isAbsence = false }: Finding) => isAbsence && hasNamedMissing && stderr.isTerminal;
  // Hints are about what went wrong, and so behind it.
  const remarks = findings.remarks.filter((finding) => !isHint(finding) && !isSaid(finding));
  const hints = findings.remarks.filter(isHint).map((finding) => sentenceOf(finding, room));
  const normal = [...failures, ...sentencesOf(remarks, room), ...problems, ...hints];
  const said = { errors: problems, normal, verbose: [...successes, ...normal] }[verbosity];
  const lines = said.map((sentence) => `cb: ${sentence}\n`);
  const isListed = output !== "ndjson" && stdout.isTerminal && stderr.isTerminal;
  const last = plan === undefined ? summary : planSummary(plan, agents, isListed);
  return [...lines, ...(verbosity === "errors" ? [] : [`${last}\n`])].join("");
}

function isHint({ sentence }: Finding): boolean {
  return sentence.startsWith("hint: ");
}

/** On a terminal there is so much room, elsewhere no bound. */
export function roomOf({ isTerminal }: How["stderr"], columns: () => number): Room | undefined {
  return isTerminal ? { columns: columns() - "cb: ".length, ...LINES } : undefined;
}

/** A sentence for each of them; on a terminal so many as it can show. */
export function sentencesOf(findings: readonly Finding[], room: Room | undefined): readonly string[] {
  if (room === undefined || findings.length <= MAX_SENTENCES)
    return findings.map((finding) => sentenceOf(finding, room));
  // What is about no agent is about all of them.
  const weight = ({ agents }: Finding) => agents.length || Number.MAX_SAFE_INTEGER;
  const heaviest = [...findings].sort((one, other) => weight(other) - weight(one)).slice(0, MAX_SENTENCES);
  const kept = new Set(heaviest);
  const rest = findings.filter((finding) => !kept.has(finding));
  const names = namesIn(rest);
  const who =
    names.length === 0 ? "" : `, about ${shownNames(names, room.columns * room.nameLines).join(", ")}`;
  return [
    ...findings.filter((finding) => kept.has(finding)).map((finding) => sentenceOf(finding, room)),
    `… and ${rest.length} more${who}`,
  ];
}

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
};

/**
 * @param lost what could not be shown or kept
 * @param failures what could not be remembered
 */
export function closingWords(
  { findings, successes, agents, summary }: Outcome,
  lost: readonly string[],
  failures: Iterable<string>,
  { verbosity, plan, columns, output, stdout, stderr }: How,
): string {
  const room = stderr.isTerminal ? { columns: columns() - "cb: ".length, ...LINES } : undefined;
  const problems = [...shown(findings.problems, room), ...lost];
  // Hints are about what went wrong, and so behind it.
  const remarks = findings.remarks.filter((finding) => !isHint(finding));
  const hints = findings.remarks.filter(isHint).map((finding) => sentenceOf(finding, room));
  const normal = [...failures, ...shown(remarks, room), ...problems, ...hints];
  const said = { errors: problems, normal, verbose: [...successes, ...normal] }[verbosity];
  const lines = said.map((sentence) => `cb: ${sentence}\n`);
  const isListed = output !== "ndjson" && stdout.isTerminal && stderr.isTerminal;
  const last = plan === undefined ? summary : planSummary(plan, agents, isListed);
  return [...lines, ...(verbosity === "errors" ? [] : [`${last}\n`])].join("");
}

function isHint({ sentence }: Finding): boolean {
  return sentence.startsWith("hint: ");
}

function shown(findings: readonly Finding[], room: Room | undefined): readonly string[] {
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

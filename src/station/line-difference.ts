/** How one output differs from another, line by line. The only door to jsdiff. */
import { diffArrays } from "diff";
import type { TextLine } from "./output-text.ts";

/**
 * `skipped` stands for so many lines that are alike, away from any difference; `unended` says of the line before it that
 * no newline followed, where nothing else tells it from another.
 */
export type DifferenceLine =
  | { readonly kind: "removed" | "added" | "same"; readonly text: string }
  | { readonly kind: "skipped"; readonly lines: number }
  | { readonly kind: "unended" };

/** How `unended` is shown, as diff(1) does. */
export const UNENDED = "\\ No newline at end of output";

/** Lines that are alike and shown on either side of a difference. */
const CONTEXT = 2;
/** More edits are no difference but another output; finding them takes time that grows with their square. */
const MAX_EDITS = 400;

/**
 * @param hasOtherEnd whether one of them has no newline at its end where the other one has
 * @returns undefined where the two have so little in common that a difference says nothing
 */
export function lineDifference(
  before: readonly TextLine[],
  after: readonly TextLine[],
  hasOtherEnd: boolean,
): readonly DifferenceLine[] | undefined {
  const changes = diffArrays([...before], [...after], {
    maxEditLength: MAX_EDITS,
    comparator: (one, other) => one.text === other.text && (!hasOtherEnd || one.isEnded === other.isEnded),
  });
  const lines = changes?.flatMap(({ added, removed, value }) => {
    const kind = added ? ("added" as const) : removed ? ("removed" as const) : ("same" as const);
    return value.map(({ text, isEnded }): Line => ({ kind, text, isEnded }));
  });
  if (lines === undefined) return undefined;
  const same = lines.filter(({ kind }) => kind === "same").length;
  // Of short ones every line may differ: what was expected, and what came in its place.
  const isTelling = 2 * same >= after.length || before.length + after.length <= 2 * (CONTEXT + 1);
  return isTelling ? withoutTheDistant(lines, hasOtherEnd ? unendedTwins(lines) : new Set()) : undefined;
}

type Line = TextLine & { readonly kind: "removed" | "added" | "same" };

/** Lines without a newline that came in the place of the same with one, or the other way round. */
function unendedTwins(lines: readonly Line[]): ReadonlySet<Line> {
  const open = lines.filter(({ kind, isEnded }) => kind !== "same" && !isEnded);
  const isTwin = (line: Line) => (other: Line) =>
    other.kind !== "same" && other.kind !== line.kind && other.text === line.text;
  return new Set(open.filter((line) => lines.some(isTwin(line))));
}

function withoutTheDistant(lines: readonly Line[], unended: ReadonlySet<Line>): readonly DifferenceLine[] {
  const isNear = new Set<number>();
  for (const [at, { kind }] of lines.entries())
    if (kind !== "same") for (let near = at - CONTEXT; near <= at + CONTEXT; near++) isNear.add(near);
  const shown: DifferenceLine[] = [];
  for (const [at, line] of lines.entries()) {
    const last = shown.at(-1);
    if (isNear.has(at)) shown.push({ kind: line.kind, text: line.text });
    else if (last?.kind === "skipped") shown[shown.length - 1] = { kind: "skipped", lines: last.lines + 1 };
    else shown.push({ kind: "skipped", lines: 1 });
    if (unended.has(line)) shown.push({ kind: "unended" });
  }
  return shown;
}

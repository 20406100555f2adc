/** How one output differs from another, line by line. The only door to jsdiff. */
import { diffArrays } from "diff";

/** `skipped` stands for so many lines that are alike, away from any difference. */
export type DifferenceLine =
  | { readonly kind: "removed" | "added" | "same"; readonly text: string }
  | { readonly kind: "skipped"; readonly lines: number };

/** Lines that are alike and shown on either side of a difference. */
const CONTEXT = 2;
/** More edits are no difference but another output; finding them takes time that grows with their square. */
const MAX_EDITS = 400;

/** @returns undefined where the two have so little in common that a difference says nothing */
export function lineDifference(
  before: readonly string[],
  after: readonly string[],
): readonly DifferenceLine[] | undefined {
  const changes = diffArrays([...before], [...after], { maxEditLength: MAX_EDITS });
  const lines = changes?.flatMap(({ added, removed, value }) => {
    const kind = added ? ("added" as const) : removed ? ("removed" as const) : ("same" as const);
    return value.map((text) => ({ kind, text }));
  });
  if (lines === undefined) return undefined;
  const same = lines.filter(({ kind }) => kind === "same").length;
  // Of short ones every line may differ: what was expected, and what came in its place.
  const isTelling = 2 * same >= after.length || before.length + after.length <= 2 * (CONTEXT + 1);
  return isTelling ? withoutTheDistant(lines) : undefined;
}

type Line = Exclude<DifferenceLine, { kind: "skipped" }>;

function withoutTheDistant(lines: readonly Line[]): readonly DifferenceLine[] {
  const isNear = new Set<number>();
  for (const [at, { kind }] of lines.entries())
    if (kind !== "same") for (let near = at - CONTEXT; near <= at + CONTEXT; near++) isNear.add(near);
  const shown: DifferenceLine[] = [];
  for (const [at, line] of lines.entries()) {
    const last = shown.at(-1);
    if (isNear.has(at)) shown.push(line);
    else if (last?.kind === "skipped") shown[shown.length - 1] = { kind: "skipped", lines: last.lines + 1 };
    else shown.push({ kind: "skipped", lines: 1 });
  }
  return shown;
}

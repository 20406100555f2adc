/** The figures of a bench: samples side by side, what they come to, and the table that says so. */

/** One thing that was measured, `cb` and what stands beside it in turn. */
export type Row = {
  readonly what: string;
  readonly unit: "ms" | "MB/s" | "MB" | "% of a core" | "a minute" | "a second";
  readonly ours: readonly number[];
  readonly beside: string;
  readonly theirs: readonly number[];
  readonly aim?: Aim;
};

/** What the median of ours, or its ratio to theirs, should be at most or at least; and why it may not be. */
type Aim = { readonly of: "median" | "ratio"; readonly whereMissed: string } & (
  | { readonly most: number }
  | { readonly least: number }
);

/** Takes turns, so that what else the machine does meets both. */
export async function side(
  rounds: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<Pick<Row, "ours" | "theirs">> {
  const samples = { ours: [] as number[], theirs: [] as number[] };
  // The first round fills caches; nobody counts it.
  for (let round = 0; round <= rounds; round += 1) {
    const pair = { ours: await ours(), theirs: await theirs() };
    if (round === 0) continue;
    samples.ours.push(pair.ours);
    samples.theirs.push(pair.theirs);
  }
  return samples;
}

/** A table in Markdown, and a line for each aim that was missed. */
export function report(rows: readonly Row[]): string {
  const head = ["what", "cb", "beside it", "that", "ratio", "aim"];
  const body = rows.map((row) => [
    row.what,
    figure(row.ours, row.unit),
    row.beside,
    figure(row.theirs, row.unit),
    number(ratio(row)),
    aimText(row),
  ]);
  const cells = [head, head.map(() => "---"), ...body];
  const widths = head.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const lines = cells.map(
    (line) => `| ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`,
  );
  const missed = rows
    .filter((row) => !isMet(row))
    .map((row) => `${row.what}: the aim is missed, as ${row.aim?.whereMissed}.`);
  return [...lines, "", ...missed, ""].join("\n");
}

function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/** The median of the ratios of the rounds; of the medians, where there were none. */
function ratio({ ours, theirs }: Row): number {
  if (ours.length !== theirs.length) return median(ours) / median(theirs);
  return median(ours.map((sample, round) => sample / (theirs[round] ?? Number.NaN)));
}

function isMet(row: Row): boolean {
  if (row.aim === undefined) return true;
  const value = row.aim.of === "ratio" ? ratio(row) : median(row.ours);
  return "most" in row.aim ? value <= row.aim.most : value >= row.aim.least;
}

function aimText(row: Row): string {
  const { aim } = row;
  if (aim === undefined) return "";
  const bound = "most" in aim ? `≤ ${Math.round(aim.most)}` : `≥ ${aim.least}`;
  const text = aim.of === "ratio" ? `ratio ${bound}` : `${bound} ${row.unit}`;
  return isMet(row) ? `${text}, met` : `${text}, MISSED`;
}

/** `95 ms (88–112)`: median, least and most. */
function figure(samples: readonly number[], unit: Row["unit"]): string {
  const spread =
    samples.length > 1 ? ` (${number(Math.min(...samples))}–${number(Math.max(...samples))})` : "";
  return `${number(median(samples))} ${unit}${spread}`;
}

/** Three digits that say something. */
function number(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(2);
}

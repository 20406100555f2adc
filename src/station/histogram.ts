/**
 * How many commands took how long, as bars:
 *
 *     0.1–0.2 s  ██████████████████████████████████  31
 *     0.2–0.5 s  ██████▌                              6
 *     0.5–1 s    ██▏                                  2  db3, web9
 *
 * Times of commands spread over powers of ten more often than not: then the steps are 1, 2, 5, 10 …, else they are equal.
 */
import { foldNames } from "../core/name-set.ts";
import type { RunTime } from "./run-times.ts";
import { fitting } from "./text-width.ts";

export type Bars = {
  /** Of the terminal; more than 80 are not used. */
  readonly columns: number;
  /** Or `#` for each. */
  readonly isUnicode: boolean;
};

/** Fewer times are read faster than a chart of them. */
const MIN_TIMES = 5;
/** Less than that between shortest and slowest is the machine's mood: milliseconds, and a part of the shortest. */
const MIN_SPREAD = { milliseconds: 10, part: 0.25 };
/** From this ratio on, steps grow with the times. */
const WIDE = 10;
const MAX_ROWS = 12;
/** Equal steps, about. */
const EQUAL_STEPS = 6;
/** Agents of one row that are named. */
const MAX_NAMED = 3;
const MAX_NAME_COLUMNS = 24;
const MAX_COLUMNS = 80;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** @param runTimes sorted; none is drawn where they are few or much the same */
export function histogram(runTimes: readonly RunTime[], bars: Bars): readonly string[] {
  const [shortest, slowest] = [runTimes.at(0)?.milliseconds ?? 0, runTimes.at(-1)?.milliseconds ?? 0];
  const spread = slowest - shortest;
  const isTelling = spread >= MIN_SPREAD.milliseconds && spread >= MIN_SPREAD.part * shortest;
  if (runTimes.length < MIN_TIMES || !isTelling) return [];
  const rows = rowsOf(runTimes, edgesOf(shortest, slowest));
  const most = Math.max(...rows.map(({ inside }) => inside.length));
  const dash = bars.isUnicode ? "–" : "-";
  const labels = rows.map(({ from, to }) => `${from / 1000}${dash}${to / 1000} s`);
  const labelColumns = Math.max(...labels.map((label) => label.length));
  const countColumns = String(most).length;
  const used = labelColumns + countColumns + MAX_NAME_COLUMNS + 8;
  const barColumns = Math.max(4, Math.min(bars.columns, MAX_COLUMNS) - used);
  return rows.map(({ inside }, index) => {
    const bar = barOf((inside.length / most) * barColumns, bars.isUnicode).padEnd(barColumns);
    const names =
      inside.length > MAX_NAMED ? "" : foldNames(inside.map(({ identity }) => identity)).join(", ");
    const number = String(inside.length).padStart(countColumns);
    const label = labels[index]?.padEnd(labelColumns);
    return `  ${label}  ${bar}  ${number}  ${fitting(names, MAX_NAME_COLUMNS)}`.trimEnd();
  });
}

/** Milliseconds: the first is at most the shortest, the last is above the slowest. */
function edgesOf(shortest: number, slowest: number): readonly number[] {
  if (slowest < WIDE * shortest) return equalEdges(shortest, slowest);
  const fine = growingEdges(shortest, slowest, [1, 2, 5]);
  return fine.length - 1 <= MAX_ROWS ? fine : growingEdges(shortest, slowest, [1]);
}

function equalEdges(shortest: number, slowest: number): readonly number[] {
  const rough = Math.max(1, (slowest - shortest) / EQUAL_STEPS);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const edges = [Math.floor(shortest / step) * step];
  for (let edge = edges[0] ?? 0; edge <= slowest; edges.push(edge)) edge += step;
  return edges;
}

function growingEdges(shortest: number, slowest: number, factors: readonly number[]): readonly number[] {
  const edges = [0];
  for (let power = 1; ; power *= 10) {
    for (const factor of factors) {
      edges.push(factor * power);
      if (factor * power <= slowest) continue;
      const first = edges.findLastIndex((edge) => edge <= shortest);
      return edges.slice(first);
    }
  }
}

type Row = { readonly from: number; readonly to: number; readonly inside: readonly RunTime[] };

function rowsOf(runTimes: readonly RunTime[], edges: readonly number[]): readonly Row[] {
  return edges.slice(1).map((to, index) => {
    const from = edges[index] ?? 0;
    return { from, to, inside: runTimes.filter(({ milliseconds: one }) => one >= from && one < to) };
  });
}

/** Whoever counts is seen, be the bar as short as it may. */
function barOf(columns: number, isUnicode: boolean): string {
  if (columns === 0) return "";
  if (!isUnicode) return "#".repeat(Math.max(1, Math.round(columns)));
  const eighths = Math.max(1, Math.round(columns * 8));
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

/**
 * The timeline of a report: a row for each agent, with a bar from the start of its command to its end.
 *
 * Each row is a drawing of its own whose lengths are percentages, so that it fits every width and can be hidden by
 * itself. No length is in a style: the page's policy forbids styles in attributes.
 */
import { seconds } from "../core/text.ts";
import { type Html, html } from "./html.ts";
import { type ReportRow, statusText } from "./report-row.ts";

/** Rows in sight; the others open with a click. */
const MAX_OPEN = 60;
const TICKS = 5;
/** Of the width: whatever happened is seen, be it as short as it may. */
const MIN_PERCENT = 0.35;

/**
 * @param rows in the order in which they are shown
 * @param elapsed milliseconds
 * @param groupOf the number of the group in which its output is shown
 */
export function timeline(
  rows: readonly ReportRow[],
  elapsed: number,
  groupOf: (row: ReportRow) => number | undefined,
): Html {
  const item = (row: ReportRow) => rowItem(row, elapsed, groupOf(row));
  const [open, folded] = [rows.slice(0, MAX_OPEN), rows.slice(MAX_OPEN)];
  const more = html`<details class="more"><summary>${folded.length} more agents</summary>
<ol>${folded.map(item)}</ol></details>`;
  return html`<div class="panel timeline">
<ol>${axis(elapsed)}${open.map(item)}</ol>
${folded.length === 0 ? [] : [more]}
<p class="legend">${LEGEND}</p>
</div>`;
}

const LEGEND = html`<span><svg><rect class="wait" y="3" width="22" height="3" rx="1"/></svg>until it was heard</span>
<span><svg><rect class="queue" y="3" width="22" height="3" rx="1"/></svg>queued</span>
<span class="ok"><svg><rect class="bar" width="22" height="10" rx="2"/></svg>ran well</span>
<span class="failed"><svg><rect class="bar" width="22" height="10" rx="2"/></svg>failed</span>
<span class="missing"><svg><line class="absent" y1="5" x2="22" y2="5"/></svg>no answer</span>`;

function rowItem(row: ReportRow, elapsed: number, group: number | undefined): Html {
  const { identity, status, what } = row;
  const name = group === undefined ? html`${identity}` : html`<a href="#group-${group}">${identity}</a>`;
  const words = status === "ok" ? what : what || statusText(status);
  return html`<li class="row ${status}" data-agent="${identity}" data-status="${status}" data-what="${what}" data-in="${group ?? ""}"><span class="name">${name}</span>${bar(row, elapsed)}<span class="what" title="${words}">${words}</span></li>
`;
}

function bar(row: ReportRow, elapsed: number): Html {
  const { identity, heard, started, ended } = row;
  const title = html`<title>${[identity, ...story(row)].join(", ")}</title>`;
  const svg = (drawing: readonly Html[]) => html`<svg height="14" role="img">${title}${drawing}</svg>`;
  if (heard === undefined) return svg([html`<line class="absent" y1="7" x2="100%" y2="7"/>`]);
  const stretch = (from: number, to: number, drawn: "wait" | "queue" | "bar") => {
    const x = percent(from, elapsed);
    const width = Math.min(100 - x, Math.max(MIN_PERCENT, percent(to, elapsed) - x));
    const [y, height] = drawn === "bar" ? [2, 10] : [6, 3];
    return html`<rect class="${drawn}" x="${x}%" y="${y}" width="${width}%" height="${height}" rx="2"/>`;
  };
  const parts = [html`<rect class="track" y="6" width="100%" height="3" rx="1"/>`, stretch(0, heard, "wait")];
  const end = ended ?? elapsed;
  // A queued one that never started has no bar of a run; nor has one that refused, but a mark where it said so.
  const isWaiting = started === undefined && row.status !== "refused" && row.status !== "not_run";
  if (started !== undefined && started > heard) parts.push(stretch(heard, started, "queue"));
  if (isWaiting) parts.push(stretch(heard, end, "queue"));
  parts.push(started === undefined ? stretch(heard, heard, "bar") : stretch(started, end, "bar"));
  return svg(parts);
}

function story({ status, heard, started, ended, what }: ReportRow): readonly string[] {
  const said = (word: string, at: number | undefined) =>
    at === undefined ? [] : [`${word} after ${seconds(at)}`];
  const all = [
    ...said("heard", heard),
    ...said("started", started),
    ...said("ended", ended),
    statusText(status),
  ];
  return what === "" ? all : [...all, what];
}

function axis(elapsed: number): Html {
  const step = niceStep(elapsed / TICKS);
  const ticks = Array.from({ length: Math.floor(elapsed / step) + 1 }, (_, index) => index * step);
  const texts = ticks.map((at) => {
    const x = percent(at, elapsed);
    const anchor = x > 95 ? "end" : x < 5 ? "start" : "middle";
    return html`<text x="${x}%" y="11" text-anchor="${anchor}">${shortest(at)}</text><line class="tick" x1="${x}%" x2="${x}%" y1="15" y2="20"/>`;
  });
  const line = html`<line class="tick" x2="100%" y1="20" y2="20"/>`;
  return html`<li class="axis" aria-hidden="true"><span></span><svg height="20">${texts}${line}</svg><span></span></li>
`;
}

/** 1, 2 or 5 times a power of ten, at least that much. @param rough milliseconds */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, rough)));
  return ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
}

/** `0 s`, `0.25 s`, `90 s`. */
function shortest(milliseconds: number): string {
  return `${milliseconds / 1000} s`;
}

/** Of the whole, with two decimals. */
function percent(milliseconds: number, elapsed: number): number {
  return Math.round(Math.min(1, milliseconds / Math.max(1, elapsed)) * 10_000) / 100;
}

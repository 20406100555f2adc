/**
 * The page of `--report`: one file that shows a run to somebody who was not there.
 *
 * It loads nothing: its policy (Content Security Policy Level 3) forbids everything but its own style and script, which
 * are named by their hashes, so that nothing an agent printed could run even if it got through `html`. All that it
 * shows is in the HTML; the script only filters.
 */
import { createHash } from "node:crypto";
import type { CommandName } from "../core/names.ts";
import { count, seconds } from "../core/text.ts";
import type { Request } from "../protocol/request.ts";
import { type Html, html, verbatim } from "./html.ts";
import { REPORT_STATUSES, type ReportRow, type ReportStatus, statusText } from "./report-row.ts";
import { REPORT_SCRIPT } from "./report-script.ts";
import { REPORT_STYLE } from "./report-style.ts";
import { targetWords } from "./target-words.ts";

/** How every report begins: by it, one is known for ours, and may be replaced. */
export const REPORT_MARK = "<!doctype html>\n<!-- cb report, version 1 -->\n";

/** Sentences in sight; the others open with a click. */
const MAX_SENTENCES = 20;

export type ReportPage = {
  readonly request: Request;
  /** Of the program: `0.1.0`. */
  readonly version: string;
  /** Milliseconds. */
  readonly elapsed: number;
  readonly exitStatus: number;
  readonly summary: string;
  readonly problems: readonly string[];
  readonly remarks: readonly string[];
  readonly rows: readonly ReportRow[];
  readonly timeline: Html;
  readonly outputs: readonly Html[];
  /** Whether outputs are not whole here. */
  readonly isCut: boolean;
};

export function reportPage(page: ReportPage): string {
  const { request, rows, version, isCut } = page;
  const title = `${nameOf(request)} on ${count(rows.length, "agent")}`;
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(REPORT_STYLE)}'`,
    `script-src '${hashOf(REPORT_SCRIPT)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const head = html`<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="cb ${version}">
<title>${title}</title>
<style>${verbatim(REPORT_STYLE)}</style>
</head>
`;
  const cut = isCut
    ? " Long outputs are cut in the middle: run with --to-directory DIR to keep all of them."
    : "";
  const body = html`<body>
<main>
${header(page, title)}
${verdict(page)}
${figures(rows)}
${sentences("What went wrong", "problems", page.problems)}
<div id="tools" hidden>
<input type="search" id="filter" placeholder="Filter by agent, status or output" aria-label="Filter" autocomplete="off" spellcheck="false">
<span id="count" role="status"></span>
</div>
<p id="none" hidden>No agent fits.</p>
<section>
<h2>Timeline</h2>
${page.timeline}
</section>
<section>
<h2>Output</h2>
${page.outputs}
</section>
${sentences("Remarks", "remarks", page.remarks)}
<footer>Made by cb ${version} on ${request.station}. Times are in seconds after the request; run times are those of the agents’ own clocks.${cut} This page loads nothing from anywhere.</footer>
</main>
<script>${verbatim(REPORT_SCRIPT)}</script>
</body>
</html>
`;
  return REPORT_MARK + head.text + body.text;
}

function nameOf(request: Request): CommandName | "ping" {
  return request.type === "run" ? request.command : "ping";
}

function header({ request, summary }: ReportPage, title: string): Html {
  const iso = new Date(request.issued).toISOString();
  const when = html`<time datetime="${iso}">${iso.slice(0, 19).replace("T", " ")} UTC</time>`;
  const whom = request.target === undefined ? "everybody" : `who ${targetWords(request.target)}`;
  const parameters =
    request.type === "run" ? [...request.parameters].map(([name, value]) => `${name}=${value}`) : [];
  const facts = [`channel ${request.channel}`, whom, ...parameters, `from ${request.station}`].join(" · ");
  return html`<header>
<p class="kicker">cb station run · ${when}</p>
<h1>${title}</h1>
<p class="facts">${facts}</p>
<p class="facts">${summary}</p>
</header>`;
}

function verdict({ rows, exitStatus, elapsed }: ReportPage): Html {
  const well = rows.filter(({ status }) => status === "ok").length;
  const asked = count(rows.length, "agent");
  const good = rows.length === 1 ? "The agent did what was asked" : `All ${asked} did what was asked`;
  const some = `${rows.length - well} of ${asked} did not do what was asked`;
  const none = rows.length === 0 ? "Nobody ran it" : some;
  const isGood = exitStatus === 0 && well === rows.length && well > 0;
  const odd = well === rows.length && well > 0 ? "Not all of this can be trusted, or not all is here" : none;
  return html`<p class="verdict ${isGood ? "good" : "bad"}">${isGood ? good : odd}<small>exit status ${exitStatus} after ${seconds(elapsed)}</small></p>`;
}

/** What is counted; with the script, each figure is a filter. */
function figures(rows: readonly ReportRow[]): Html {
  const card = (filter: ReportStatus | "", name: string, text: string, number: number) =>
    html`<button type="button" class="${name}" data-filter="${filter}" aria-pressed="${String(filter === "")}" disabled><b>${number}</b><span>${text}</span></button>
`;
  const of = (status: ReportStatus) => rows.filter((row) => row.status === status).length;
  const shown = REPORT_STATUSES.filter((status) => of(status) > 0);
  return html`<div class="cards">
${card("", "all", rows.length === 1 ? "agent" : "agents", rows.length)}${shown.map((status) => card(status, status, statusText(status), of(status)))}</div>`;
}

function sentences(title: string, name: string, all: readonly string[]): Html {
  if (all.length === 0) return html``;
  const list = (some: readonly string[]) =>
    html`<ul class="problems ${name}">${some.map((sentence) => html`<li>${sentence}</li>`)}</ul>`;
  const rest = all.slice(MAX_SENTENCES);
  const more = html`<details class="panel"><summary>${rest.length} more</summary>${list(rest)}</details>`;
  return html`<section>
<h2>${title}</h2>
<div class="panel">${list(all.slice(0, MAX_SENTENCES))}</div>
${rest.length === 0 ? [] : [more]}
</section>`;
}

function hashOf(source: string): string {
  return `sha256-${createHash("sha256").update(source).digest("base64")}`;
}

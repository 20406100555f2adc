/**
 * The outputs of a report: each once, under the folded names of those who printed it, with its difference from the usual.
 *
 * A page must open in a browser, so long outputs are cut in the middle, and all of them together have a limit: the groups
 * in trouble, which come first, get their share first.
 */
import { foldNames } from "../core/name-set.ts";
import { bytesText, count } from "../core/text.ts";
import { type Html, html } from "./html.ts";
import { notKept } from "./kept-outputs.ts";
import { type DifferenceLine, UNENDED } from "./line-difference.ts";
import type { OutputComparison } from "./output-comparison.ts";
import { excerptOf } from "./output-excerpt.ts";
import type { Comparable, OutputGroup } from "./output-groups.ts";
import type { OutputLine } from "./output-lines.ts";
import type { OutputStore } from "./output-store.ts";
import { STDERR_MARK } from "./output-text.ts";
import type { ReportStatus } from "./report-row.ts";

/** Bytes of one output, of its beginning and of its end, and of all. */
const HEAD = 48 * 1024;
const TAIL = 16 * 1024;
const MAX_OUTPUTS = 4 * 1024 * 1024;
/** And of each, when all have used up theirs. */
const LEAST = 512;
const KEEP_HINT = "--to-directory DIR keeps all of it";

export type ReportedOutput = Comparable & { readonly status: ReportStatus };
type Group = OutputGroup<ReportedOutput>;

/** @returns the groups, and whether something is left out */
export function outputs(
  store: OutputStore,
  comparison: OutputComparison<ReportedOutput>,
): { readonly page: readonly Html[]; readonly isCut: boolean } {
  let [left, isCut] = [MAX_OUTPUTS, false];
  const page = comparison.groups.map((group, number) => {
    const bytes = comparison.bytesOf(group);
    const [head, tail] = left > 0 ? [HEAD, TAIL] : [LEAST, 0];
    const excerpt = excerptOf(store.pieces(group.agents[0].identity), head, tail);
    left -= bytes - excerpt.cut;
    isCut ||= excerpt.cut > 0;
    const cut = excerpt.cut === 0 ? [] : [gap(`${bytesText(excerpt.cut)} cut here; ${KEEP_HINT}`)];
    const end = group.agents[0].cut === undefined ? [] : [gap(notKept(group.agents[0].cut))];
    const lines = [...excerpt.head.map(outputLine), ...cut, ...excerpt.tail.map(outputLine), ...end];
    const difference = comparison.difference(group);
    return article(group, number, bytes, lines, difference, comparison.usual);
  });
  return { page, isCut };
}

function article(
  { agents, trouble }: Group,
  number: number,
  bytes: number,
  lines: readonly Html[],
  difference: readonly DifferenceLine[] | undefined,
  usual: Group | undefined,
): Html {
  const names = foldNames(agents.map(({ identity }) => identity)).join(", ");
  const whole = html`<pre>${lines}</pre>`;
  const against = usual === undefined ? "" : `compared with ${count(usual.agents.length, "agent")}`;
  const body =
    lines.length === 0
      ? []
      : difference === undefined
        ? [whole]
        : [
            html`<pre aria-label="difference">${difference.map(differenceLine)}</pre>`,
            html`<details><summary>All of it (${bytesText(bytes)})</summary>${whole}</details>`,
          ];
  const notes = [
    ...(agents.length > 1 ? [html`${count(agents.length, "agent")}`] : []),
    ...(trouble === undefined ? [] : [html`<b>${trouble}</b>`]),
    html`${lines.length === 0 ? "no output" : bytesText(bytes)}`,
    ...(difference === undefined ? [] : [html`${against}`]),
  ];
  const joined = notes.flatMap((note, index) => (index === 0 ? [note] : [html` · `, note]));
  return html`<article class="panel group ${agents[0].status}" id="group-${number}" data-group="${number}" data-agents="${agents.length}">
<header><h3 class="names">${names}</h3><p>${joined}</p><p class="matching" hidden></p></header>
${body}
</article>
`;
}

function outputLine({ stream, bytes }: OutputLine): Html {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  return stream === "stderr"
    ? html`<span class="err">${STDERR_MARK}${text}</span>`
    : html`<span>${text}</span>`;
}

function differenceLine(line: DifferenceLine): Html {
  switch (line.kind) {
    case "same":
      return html`<span>  ${line.text}</span>`;
    case "removed":
      return html`<span class="del">- ${line.text}</span>`;
    case "added":
      return html`<span class="add">+ ${line.text}</span>`;
    case "skipped":
      return gap(count(line.lines, "equal line"));
    case "unended":
      return html`<span>${UNENDED}</span>`;
  }
}

function gap(text: string): Html {
  return html`<span class="gap">  … ${text}</span>`;
}

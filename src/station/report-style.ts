/** How a report looks: on screens wide and narrow, light and dark, and on paper. */
export const REPORT_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f6f7f9; --card: #ffffff; --ink: #1b2330; --soft: #5b6675; --line: #dfe3e8; --track: #eceff3;
  --ok: #1a7f4b; --failed: #c6303e; --refused: #b45309; --not_run: #6d5bd0; --unfinished: #9333a8;
  --missing: #6b7280; --link: #1d5fc4;
  --added: #e4f5ea; --removed: #fde8e8; --stderr: #b3261e;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f141b; --card: #171d26; --ink: #e5e9f0; --soft: #98a3b3; --line: #2a323e; --track: #232b36;
    --ok: #4cc38a; --failed: #ff7b7f; --refused: #f5a04b; --not_run: #a598f5; --unfinished: #d58be4;
    --missing: #8d97a6; --link: #7fb2ff;
    --added: #12301f; --removed: #3d1a1d; --stderr: #ff9c94;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
main { max-width: 1100px; margin: 0 auto; padding: 32px 24px 48px; }
h1 { margin: 0; font-size: 26px; line-height: 1.2; font-weight: 650; overflow-wrap: anywhere; }
h2 { margin: 40px 0 12px; font-size: 17px; font-weight: 650; }
h3 { margin: 0; font-size: 14px; font-weight: 600; font-family: var(--mono); overflow-wrap: anywhere; }
a { color: inherit; }
code, pre { font-family: var(--mono); font-size: 13px; }
.kicker { margin: 0 0 4px; color: var(--soft); font-size: 13px; letter-spacing: .02em; }
.facts { margin: 8px 0 0; color: var(--soft); overflow-wrap: anywhere; }
.verdict {
  margin: 24px 0 16px; padding: 14px 18px; border-left: 4px solid; border-radius: 6px;
  background: var(--card); font-size: 17px; font-weight: 600;
}
.verdict.good { border-color: var(--ok); }
.verdict.bad { border-color: var(--failed); }
.verdict small { display: block; color: var(--soft); font-size: 13px; font-weight: 400; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(116px, 1fr)); gap: 10px; }
.cards button {
  padding: 10px 14px; text-align: left; font: inherit; color: inherit; cursor: pointer;
  background: var(--card); border: 1px solid var(--line); border-radius: 8px;
}
.cards button:disabled { cursor: default; }
.cards button:enabled:hover { border-color: var(--soft); }
.cards button[aria-pressed="true"] { border-color: currentColor; box-shadow: inset 0 0 0 1px currentColor; }
.cards b { display: block; font-size: 24px; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; }
.cards span { color: var(--soft); font-size: 13px; }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.problems { margin: 0; padding: 12px 18px 12px 36px; }
.problems li { padding: 2px 0; overflow-wrap: anywhere; }
.problems li::marker { color: var(--failed); }
.remarks li::marker { color: var(--soft); }
#tools {
  position: sticky; top: 0; z-index: 1; display: flex; gap: 14px; align-items: center; flex-wrap: wrap;
  margin: 24px 0 -16px; padding: 10px 0; background: var(--paper);
}
#filter {
  flex: 1 1 260px; max-width: 460px; padding: 8px 12px; font: inherit; color: inherit;
  background: var(--card); border: 1px solid var(--line); border-radius: 8px;
}
#filter:focus-visible, button:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
#count, #none { color: var(--soft); }
.timeline { padding: 8px 18px 12px; }
.timeline ol {
  list-style: none; margin: 0; padding: 0;
  display: grid; grid-template-columns: fit-content(200px) minmax(0, 1fr) fit-content(280px); column-gap: 16px;
}
.row, .axis { display: grid; grid-column: 1 / -1; grid-template-columns: subgrid; align-items: center; }
.row { padding: 3px 0; }
.row .name { font-family: var(--mono); font-size: 13px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.row a { text-decoration: none; }
.row a:hover { text-decoration: underline; }
.row .what {
  color: var(--soft); font-size: 12.5px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  font-variant-numeric: tabular-nums;
}
.row:not(.ok) .what { color: var(--state); }
.row svg, .axis svg { display: block; width: 100%; overflow: visible; }
.axis { color: var(--soft); padding-bottom: 2px; }
.axis text { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
.track { fill: var(--track); }
.tick { stroke: var(--line); }
.wait { fill: var(--soft); opacity: .35; }
.queue { fill: var(--soft); opacity: .6; }
.bar { fill: var(--state); }
.absent { fill: none; stroke: var(--missing); stroke-dasharray: 3 4; }
.ok { --state: var(--ok); } .failed { --state: var(--failed); } .refused { --state: var(--refused); }
.not_run { --state: var(--not_run); } .unfinished { --state: var(--unfinished); } .missing { --state: var(--missing); }
.all { --state: var(--ink); }
.cards .failed b, .cards .refused b, .cards .not_run b, .cards .unfinished b, .cards .missing b, .cards .ok b { color: var(--state); }
.legend { margin: 10px 0 0; color: var(--soft); font-size: 12.5px; display: flex; flex-wrap: wrap; gap: 4px 18px; }
.legend svg { width: 22px; height: 10px; margin-right: 6px; }
details.more > summary { margin: 6px 0; color: var(--soft); cursor: pointer; }
.group { margin: 0 0 14px; border-left: 4px solid var(--state); overflow: hidden; }
.group header { padding: 12px 18px; }
.group header p { margin: 2px 0 0; color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
.group header b { color: var(--state); font-weight: 600; }
.group .names { max-height: 9.5em; overflow-y: auto; }
.group pre {
  margin: 0; padding: 10px 18px; border-top: 1px solid var(--line); overflow-x: auto; line-height: 1.45; tab-size: 8;
}
.group pre span { display: block; min-height: 1.45em; width: max-content; min-width: 100%; }
.group pre .err { color: var(--stderr); }
.group pre .add { background: var(--added); }
.group pre .del { background: var(--removed); }
.group:not(.ok) pre .add { background: var(--removed); }
.group:not(.ok) pre .del { background: none; color: var(--soft); }
.group pre .gap { color: var(--soft); }
.group details > summary { padding: 8px 18px; border-top: 1px solid var(--line); color: var(--soft); font-size: 13px; cursor: pointer; }
footer { margin-top: 40px; color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
@media (max-width: 640px) {
  main { padding: 20px 14px 32px; }
  h1 { font-size: 22px; }
  .cards { grid-template-columns: repeat(auto-fill, minmax(76px, 1fr)); gap: 8px; }
  .cards button { padding: 8px 10px; }
  .timeline { padding: 8px 12px 12px; }
  .timeline ol { display: block; }
  .row { grid-template-columns: minmax(0, 1fr) auto; column-gap: 12px; padding: 5px 0; }
  .row .what { max-width: 56vw; text-align: right; }
  .row .name { grid-row: 1; } .row .what { grid-row: 1; grid-column: 2; } .row svg { grid-row: 2; grid-column: 1 / -1; }
  .axis { grid-template-columns: 1fr; } .axis > span { display: none; }
  .group header, .group pre { padding-left: 14px; padding-right: 14px; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --card: #fff; }
  main { max-width: none; padding: 0; }
  #tools, .legend { display: none; }
  .group pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  .group pre span { width: auto; }
  .group header, .row { break-inside: avoid; }
  .group .names { max-height: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;

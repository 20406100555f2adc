/**
 * The script of a report: it filters, and opens what is folded before printing. Without it everything is there, too.
 *
 * It reads what is on the page and writes `hidden` and texts, never markup.
 */
export const REPORT_SCRIPT = `"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const box = document.getElementById("filter");
  const count = document.getElementById("count");
  const cards = all("button[data-filter]");
  const more = all("details.more");
  const groups = all("[data-group]").map((element) => ({
    element,
    note: element.querySelector(".matching"),
    text: [...element.querySelectorAll("pre")].map((pre) => pre.textContent).join("\\n").toLowerCase(),
  }));
  const rows = all("[data-agent]").map((element) => ({
    element,
    name: element.dataset.agent,
    status: element.dataset.status,
    words: (element.dataset.agent + " " + element.dataset.status + " " + element.dataset.what).toLowerCase(),
    group: groups[Number(element.dataset.in)],
  }));
  let wanted = "";

  const apply = () => {
    // What stands in quotes is one word.
    const words = (box.value.toLowerCase().match(/"[^"]+"|[^\\s"]+/g) ?? []).map((word) => word.replaceAll('"', ""));
    const shown = rows.filter((row) => {
      const fits = wanted === "" || row.status === wanted;
      return fits && words.every((word) => row.words.includes(word) || row.group?.text.includes(word));
    });
    const isFiltered = words.length > 0 || wanted !== "";
    for (const row of rows) row.element.hidden = !shown.includes(row);
    const names = new Map(groups.map((group) => [group, []]));
    for (const row of shown) names.get(row.group)?.push(row.name);
    for (const group of groups) {
      const its = names.get(group);
      const isPart = words.length > 0 && its.length < Number(group.element.dataset.agents);
      group.element.hidden = its.length === 0;
      group.note.hidden = !isPart;
      const rest = its.length > 12 ? " and " + (its.length - 12) + " more" : "";
      group.note.textContent = isPart ? "among them: " + its.slice(0, 12).join(", ") + rest : "";
    }
    for (const details of more) if (isFiltered) details.open = true;
    count.textContent = isFiltered ? shown.length + " of " + rows.length + " agents" : "";
    document.getElementById("none").hidden = shown.length > 0;
    for (const card of cards) card.setAttribute("aria-pressed", String(card.dataset.filter === wanted));
  };

  for (const card of cards) {
    card.disabled = false;
    card.addEventListener("click", () => {
      wanted = card.dataset.filter === wanted ? "" : card.dataset.filter;
      apply();
    });
  }
  document.getElementById("tools").hidden = false;
  box.addEventListener("input", apply);
  addEventListener("beforeprint", () => all("details").forEach((details) => { details.open = true; }));
  // A browser keeps what was typed before the page was loaded again.
  apply();
})();
`;

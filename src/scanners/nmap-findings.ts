/**
 * What nmap's scripts found, as vulnerabilities.
 *
 *   vulners                       each entry: a CVE or an exploit, rated by its CVSS score
 *   scripts of the library vulns  each entry that is VULNERABLE or LIKELY VULNERABLE
 *   any other                     its output as information, under the name of the script
 *
 * Of the last kind name, desc (the output as it is) and type are those of Faraday's own executor, so that after a move
 * from there the server takes them for the ones that it has.
 * Sources: vulners.nse and nselib/vulns.lua of nmap 7.93, what faraday-plugins 1.31 makes of the same reports.
 */
import type { NmapScript } from "./nmap-report.ts";
import { cvesIn, type Finding, type Reference, type Severity, severityOf } from "./vulnerability.ts";
import { attribute, childrenOf, type XmlElement } from "./xml-stream.ts";

/** @param website host of the websites, for scripts of services; a host itself has none */
export function findingsOf(script: NmapScript, website?: string): readonly Finding[] {
  if (script.id === "vulners") {
    const entries = vulnersEntries(script.data);
    if (entries.length > 0) return entries;
  }
  const entries = childrenOf(script.data, "table").filter((table) => isVulnsEntry(table));
  if (entries.length > 0) return entries.flatMap((table) => vulnsEntry(script, table) ?? []);
  return [information(script, website)];
}

function information({ id, output }: NmapScript, website: string | undefined): Finding {
  const isOnWeb = website !== undefined && id.startsWith("http-");
  return {
    name: id,
    severity: "info",
    desc: output,
    externalId: `nmap:${id}`,
    ...(isOnWeb ? { website } : {}),
  };
}

/** Tables by software, `cpe:/a:openbsd:openssh:9.2p1`, of tables without a name. */
function vulnersEntries(data: XmlElement): readonly Finding[] {
  return childrenOf(data, "table").flatMap((software) =>
    childrenOf(software, "table").flatMap((entry) => vulnersEntry(attribute(software, "key"), entry) ?? []),
  );
}

function vulnersEntry(software: string, entry: XmlElement): Finding | undefined {
  const id = elemOf(entry, "id");
  if (id === "") return undefined;
  const type = elemOf(entry, "type") || "cve";
  const isExploit = elemOf(entry, "is_exploit") === "true";
  const score = elemOf(entry, "cvss");
  const link = `https://vulners.com/${type}/${id}`;
  return {
    name: id,
    severity: severityOf(Number.parseFloat(score)),
    desc: `${isExploit ? "An exploit for" : "Known in"} ${software}, as listed by vulners.com.`,
    // The score changes with time.
    data: score === "" ? "" : `CVSS score: ${score}`,
    externalId: `vulners:${type}:${id}`,
    references: [{ name: link, type: isExploit ? "exploit" : "other" }],
    cve: cvesIn(id),
  };
}

function isVulnsEntry(table: XmlElement): boolean {
  return elemOf(table, "title") !== "" && /\b(VULNERABLE|UNKNOWN)\b/.test(elemOf(table, "state"));
}

/** @returns undefined for one that says that there is nothing */
function vulnsEntry({ id, output }: NmapScript, table: XmlElement): Finding | undefined {
  const state = elemOf(table, "state");
  if (!/^(LIKELY )?VULNERABLE/.test(state)) return undefined;
  const title = elemOf(table, "title");
  // Lua hands them out in any order.
  const ids = elemsOf(tableOf(table, "ids")).toSorted();
  const key = attribute(table, "key");
  const cve = cvesIn([key, ...ids].join(" ")).toSorted();
  const { score, cvss2, cvss3 } = ratingOf(tableOf(table, "scores"));
  const sections = ["check_results", "exploit_results", "extra_info"].map((name) =>
    elemsOf(tableOf(table, name)).join("\n"),
  );
  const disclosure = elemOf(table, "disclosure");
  const dated = disclosure === "" ? [] : [`Disclosed: ${disclosure}`];
  // The library names those without an id by their turn: NMAP-1.
  const own = cve[0] ?? (key === "" || /^NMAP-\d+$/.test(key) ? title : key);
  return {
    name: title,
    severity: score === undefined ? (riskOf(output, title) ?? severityOfState(state)) : severityOf(score),
    desc: elemsOf(tableOf(table, "description")).join("\n") || title,
    data: [`State: ${state}`, ...ids, ...dated, ...sections].filter((text) => text !== "").join("\n"),
    externalId: `nmap:${id}:${own}`,
    references: referencesOf(table),
    cve,
    ...(cvss2 === undefined ? {} : { cvss2 }),
    ...(cvss3 === undefined ? {} : { cvss3 }),
  };
}

function referencesOf(table: XmlElement): readonly Reference[] {
  return elemsOf(tableOf(table, "refs"))
    .toSorted()
    .map((name) => ({ name, type: /exploit-db\.com/.test(name) ? "exploit" : "other" }));
}

/** Scores are texts such as `10.0 (HIGH) (AV:N/AC:L/Au:N/C:C/I:C/A:C)`. */
function ratingOf(scores: XmlElement | undefined): {
  readonly score: number | undefined;
  readonly cvss2: string | undefined;
  readonly cvss3: string | undefined;
} {
  const entries = childrenOf(scores, "elem").map((entry) => [attribute(entry, "key"), entry.text] as const);
  const numbers = entries.map(([, text]) => Number.parseFloat(text)).filter((number) => number > 0);
  const vectorOf = (version: string) => {
    const text = entries.find(([key]) => key.replace(/\W/g, "").toUpperCase().startsWith(version))?.[1];
    return text && /\b(?:CVSS:3\.\d\/)?AV:[A-Z]\/[A-Za-z:/]+/.exec(text)?.[0];
  };
  const score = numbers.length === 0 ? undefined : Math.max(...numbers);
  return { score, cvss2: vectorOf("CVSSV2") || undefined, cvss3: vectorOf("CVSSV3") || undefined };
}

/** The words of the library's authors, which stand in the text alone: `Risk factor: High`, below the title. */
function riskOf(output: string, title: string): Severity | undefined {
  const lines = output.split("\n").map((line) => line.trim());
  const own = lines.slice(Math.max(0, lines.indexOf(title.split("\n")[0] ?? "")));
  const end = own.indexOf("");
  const line = own.slice(0, end < 0 ? own.length : end).find((one) => one.startsWith("Risk factor:"));
  const word = line?.split(/[:\s]+/)[2]?.toLowerCase() ?? "";
  return RISKS.get(word);
}

const RISKS: ReadonlyMap<string, Severity> = new Map([
  ["critical", "critical"],
  ["high", "high"],
  ["medium", "med"],
  ["low", "low"],
]);

/** As Faraday's own executor rates what nobody rated; what is only likely one step below. */
function severityOfState(state: string): Severity {
  return state.startsWith("LIKELY") ? "med" : "high";
}

function tableOf(table: XmlElement, key: string): XmlElement | undefined {
  return childrenOf(table, "table").find((child) => attribute(child, "key") === key);
}

function elemOf(table: XmlElement, key: string): string {
  return (
    childrenOf(table, "elem")
      .find((child) => attribute(child, "key") === key)
      ?.text.trim() ?? ""
  );
}

function elemsOf(table: XmlElement | undefined): readonly string[] {
  return childrenOf(table, "elem").map(({ text }) => text);
}

/** Which test shows which sentence: read from the names of the tests. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../build/paths.ts";
import { CBRADIO } from "./cbradio.ts";
import { FARADAY } from "./faraday.ts";
import type { Seed } from "./seed.ts";

export const SEEDS: readonly Seed[] = [CBRADIO, FARADAY];

export const TABLE_FILE = join(ROOT, "test/README.md");
const BEGIN = "<!-- sentences: begin, written by npm run sentences -->\n";
const END = "<!-- sentences: end -->\n";

/** For each number, the files and names of the tests that carry it. */
export function testsBySentence(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const file of globSync("test/**/*.test.ts", { cwd: ROOT }).sort()) {
    const source = readFileSync(join(ROOT, file), "utf8");
    for (const [, quote = "", name = ""] of source.matchAll(/\btest\(\s*(["'`])(.+?)\1\s*,/g)) {
      if (quote === "") continue;
      for (const [, number = ""] of name.matchAll(/\[([SF]\d+)\]/g)) {
        const shown = `\`${file.replace("test/", "")}\`: ${name.replaceAll(/ ?\[[SF]\d+\]/g, "").replaceAll("|", "\\|")}`;
        found.set(number, [...(found.get(number) ?? []), shown]);
      }
    }
  }
  return found;
}

/** The text of test/README.md with the tables as they should be. */
export function withTables(text: string): string {
  const tests = testsBySentence();
  const begin = text.indexOf(BEGIN) + BEGIN.length;
  const tables = SEEDS.map((seed) => tableOf(seed, tests)).join("\n");
  return `${text.slice(0, begin)}\n${tables}\n${text.slice(text.indexOf(END))}`;
}

function tableOf({ title, sentences, coming }: Seed, tests: ReadonlyMap<string, readonly string[]>): string {
  const rows = Object.entries(sentences).map(([number, words]) => {
    const shown =
      coming[number] === undefined ? (tests.get(number) ?? []).join("<br>") : `*${coming[number]}*`;
    return `| ${number} | ${words} | ${shown} |\n`;
  });
  return `### ${title}\n\n| | sentence | tests |\n|---|---|---|\n${rows.join("")}`;
}

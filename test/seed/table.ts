/** Which test shows which sentence: read from the names of the tests. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../build/paths.ts";
import { SENTENCES } from "./sentences.ts";

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
      for (const [, number = ""] of name.matchAll(/\[(S\d+)\]/g)) {
        const shown = `\`${file.replace("test/", "")}\`: ${name.replaceAll(/ ?\[S\d+\]/g, "").replaceAll("|", "\\|")}`;
        found.set(number, [...(found.get(number) ?? []), shown]);
      }
    }
  }
  return found;
}

/** The text of test/README.md with the table as it should be. */
export function withTable(text: string): string {
  const tests = testsBySentence();
  const rows = Object.entries(SENTENCES).map(
    ([number, words]) => `| ${number} | ${words} | ${(tests.get(number) ?? []).join("<br>")} |\n`,
  );
  const begin = text.indexOf(BEGIN) + BEGIN.length;
  return `${text.slice(0, begin)}\n| | sentence | tests |\n|---|---|---|\n${rows.join("")}\n${text.slice(text.indexOf(END))}`;
}

/**
 * `npm run sums`: dist/SHA256SUMS, over every file in dist/ that is handed out; `sha256sum -c` reads it.
 *
 * What makes files there calls `writeSums` when all are made.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SUMS } from "./paths.ts";
import { program } from "./program.ts";

/** Sums up the regular files of the directory of `file`, without links, directories and hidden files. */
export function writeSums(file: string = SUMS): void {
  const directory = join(file, "..");
  const names = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith(".") && join(directory, entry.name) !== file)
    .map(({ name }) => name)
    .sort();
  const lines = names.map((name) => `${sha256(join(directory, name))}  ${name}\n`);
  writeFileSync(`${file}.new`, lines.join(""));
  renameSync(`${file}.new`, file);
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

if (import.meta.main) {
  await program(async () => {
    writeSums();
    return 0;
  });
}

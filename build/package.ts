/**
 * `npm run package`: a .deb and an .rpm for each architecture, with all that belongs into them, their sums, and the
 * trees dist/root-ARCH/ for the Dockerfile.
 */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { build } from "./build.ts";
import { makeDeb } from "./deb.ts";
import { stageImage } from "./image.ts";
import { manPages } from "./man-pages.ts";
import { ARCHITECTURES, ROOT } from "./paths.ts";
import { program } from "./program.ts";
import { makeRpm } from "./rpm.ts";
import { writeSums } from "./sums.ts";

export async function makePackages(signal: AbortSignal): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  await build(signal, ARCHITECTURES);
  await manPages(signal);
  for (const architecture of ARCHITECTURES) {
    for (const make of [makeDeb, makeRpm]) {
      const path = await make(version, architecture, signal);
      process.stdout.write(`Made ${relative(ROOT, path)}\n`);
    }
  }
  for (const architecture of ARCHITECTURES) stageImage(architecture);
  writeSums();
}

if (import.meta.main) {
  await program(async (signal) => {
    await makePackages(signal);
    return 0;
  });
}

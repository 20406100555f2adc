/**
 * dist/THIRD-PARTY-LICENSES: the licences of what the executables are made of, each as its package has it.
 *
 * npm's packages of Bun hold no licence; build/licenses/ says in their place what is known of it. Of saxes 6.0.0 the
 * tarball lacks the file LICENSE of its repository (github.com/lddubeau/saxes), which is there as well.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Package } from "./bundled-packages.ts";
import { ROOT } from "./paths.ts";
import { Failure } from "./program.ts";

const OF_BUN = ["bun.txt", "LGPL-2.0.txt", "LGPL-2.1.txt"];

const LICENSES = join(ROOT, "build/licenses");

const RULE = `${"=".repeat(80)}\n`;

/**
 * @param bun its package for any architecture
 * @param modules where `node_modules` is, absolute
 * @throws {Failure} for a package that comes without a licence
 */
export function thirdPartyLicenses(packages: readonly Package[], bun: Package, modules: string): string {
  const parts = packages.map((one) => section(one, licenseTexts(one, modules)));
  const texts = OF_BUN.map((file) => readFileSync(join(LICENSES, file), "utf8"));
  return [
    "cb holds code of others, under the licences below. The script cb.cjs holds the packages; the executables hold\n" +
      "Bun as well, which comes last.\n",
    ...parts,
    section({ ...bun, name: "bun" }, texts),
  ].join("\n");
}

function section({ name, version, license }: Package, texts: readonly string[]): string {
  return `${RULE}${name} ${version} (${license})\n${RULE}\n${texts.map((text) => `${text.trim()}\n`).join("\n")}`;
}

function licenseTexts({ name, path }: Package, modules: string): readonly string[] {
  const directory = join(modules, path);
  const files = readdirSync(directory).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const known = join(LICENSES, `${name}.txt`);
  if (files.length === 0 && existsSync(known)) return [readFileSync(known, "utf8")];
  if (files.length === 0) throw new Failure(`Cannot ship ${name}: its package holds no licence`);
  return files.sort().map((file) => readFileSync(join(directory, file), "utf8").replaceAll("\r\n", "\n"));
}

/**
 * From packaging/contents.toml to a tree of files as it will be installed, for one architecture.
 *
 * Modes do not depend on the umask, nor times on the clock; owners are left to who packs, as only root could
 * set them here.
 */
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { isTomlTable, parseToml } from "../src/core/toml.ts";
import { type Architecture, executableFor, ROOT } from "./paths.ts";
import { Failure } from "./program.ts";
import { sourceDate } from "./source-date.ts";

/** What the list is for. */
export type Artefact = "deb" | "rpm" | "image";

export type Entry = {
  /** Absolute. */
  readonly to: string;
  /** Permission bits; of a link they mean nothing. */
  readonly mode: number;
} & (
  | { readonly kind: "file"; readonly from: string; readonly isConfig: boolean; readonly group: string }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "directory" }
);

const LIST = "packaging/contents.toml";

/** The tables of the list, and what they are for. */
const TABLES: Readonly<Record<string, readonly Artefact[]>> = {
  everywhere: ["deb", "rpm", "image"],
  packages: ["deb", "rpm"],
  deb: ["deb"],
  rpm: ["rpm"],
};

/** What is installed, by path; what is in a directory comes after it. */
export function contents(artefact: Artefact): readonly Entry[] {
  return parseContents(readFileSync(join(ROOT, LIST)), artefact);
}

/** @throws {Failure} for an entry that is none, or two of one path */
export function parseContents(bytes: Uint8Array, artefact: Artefact): readonly Entry[] {
  const entries: Entry[] = [];
  for (const [table, value] of Object.entries(parseToml(bytes, LIST, "file"))) {
    const artefacts = TABLES[table];
    if (artefacts === undefined || !Array.isArray(value))
      throw new Failure(`Cannot read ${LIST}: [[${table}]]`);
    if (artefacts.includes(artefact)) entries.push(...value.map(parseEntry));
  }
  const sorted = entries.sort((a, b) => (a.to < b.to ? -1 : 1));
  const twice = sorted.find(({ to }, index) => to === sorted[index + 1]?.to);
  if (twice !== undefined) throw new Failure(`Cannot read ${LIST}: "${twice.to}" is there twice`);
  return sorted;
}

function parseEntry(value: unknown): Entry {
  const refuse = () => new Failure(`Cannot read ${LIST}: ${JSON.stringify(value)} is no entry`);
  if (!isTomlTable(value)) throw refuse();
  const { to, from, link, directory, config = false, mode: octal, group = "root", ...rest } = value;
  if (typeof to !== "string" || !/^(\/[\w.-]+)+$/.test(to) || Object.keys(rest).length > 0) throw refuse();
  if (octal !== undefined && (typeof octal !== "string" || !/^0[0-7]{3}$/.test(octal))) throw refuse();
  const given = octal === undefined ? undefined : Number.parseInt(octal, 8);
  const kinds = [from, link, directory].filter((kind) => kind !== undefined);
  if (kinds.length !== 1 || typeof config !== "boolean" || typeof group !== "string") throw refuse();
  if (from === undefined && (config || group !== "root")) throw refuse();
  if (typeof from === "string")
    return { to, kind: "file", from, isConfig: config, mode: given ?? 0o644, group };
  if (typeof link === "string" && given === undefined) return { to, kind: "link", target: link, mode: 0o777 };
  if (directory === true) return { to, kind: "directory", mode: given ?? 0o755 };
  throw refuse();
}

/**
 * Makes the tree.
 *
 * @param root a directory that is empty or not there
 * @throws {Failure} for a file that has not been made yet
 */
export function stage(architecture: Architecture, artefact: Artefact, root: string): void {
  makeDirectories(root);
  chmodSync(root, 0o755);
  for (const entry of contents(artefact)) {
    const path = join(root, entry.to);
    makeDirectories(dirname(path));
    if (entry.kind === "link") symlinkSync(entry.target, path);
    else if (entry.kind === "directory") makeDirectories(path);
    else copy(sourceOf(entry.from, architecture), path);
    if (entry.kind !== "link") chmodSync(path, entry.mode);
  }
  // In the end, as every new file is news to its directory.
  const time = sourceDate();
  for (const path of readdirSync(root, { encoding: "utf8", recursive: true })) {
    lutimesSync(join(root, path), time, time);
  }
  lutimesSync(root, time, time);
}

function sourceOf(from: string, architecture: Architecture): string {
  const path = from === "{cb}" ? executableFor(architecture) : join(ROOT, from);
  if (!existsSync(path)) throw new Failure(`Cannot pack "${path}": it is not there`);
  return path;
}

/** With mode 0755, all of them. */
function makeDirectories(path: string): void {
  if (existsSync(path)) return;
  makeDirectories(dirname(path));
  mkdirSync(path);
  chmodSync(path, 0o755);
}

/** Compressed where the name says so; without name and time in the header, as `gzip -n`. */
function copy(from: string, to: string): void {
  if (to.endsWith(".gz")) writeFileSync(to, gzipSync(readFileSync(from), { level: 9 }));
  else copyFileSync(from, to, constants.COPYFILE_FICLONE);
}

/**
 * The .rpm: the same tree as the .deb's, packaging/rpm/cb.spec with %files from the list of contents, and rpmbuild.
 *
 * rpmbuild makes it for either architecture, as nothing in it is compiled or stripped.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Architecture, DIST, ROOT } from "./paths.ts";
import { Failure, run } from "./program.ts";
import { sourceDate } from "./source-date.ts";
import { contents, type Entry, stage } from "./stage.ts";
import { tool } from "./tool.ts";

const SPEC = join(ROOT, "packaging/rpm/cb.spec");
const RPM_NAMES: Readonly<Record<Architecture, string>> = { amd64: "x86_64", arm64: "aarch64" };

/** Makes dist/cb-VERSION-1.ARCHITECTURE.rpm. @returns its path */
export async function makeRpm(
  version: string,
  architecture: Architecture,
  signal: AbortSignal,
): Promise<string> {
  const program = tool("rpmbuild", "rpm");
  const target = RPM_NAMES[architecture];
  const name = `cb-${version}-1.${target}.rpm`;
  const scratch = mkdtempSync(join(DIST, ".rpm-"));
  try {
    const tree = join(scratch, "tree");
    stage(architecture, "rpm", tree);
    const list = join(scratch, "files");
    writeFileSync(list, contents("rpm").map(fileLine).join(""));
    const macros = { _topdir: scratch, cb_version: version, cb_tree: tree, cb_files: list };
    const defines = Object.entries(macros).flatMap(([macro, value]) => ["--define", `${macro} ${value}`]);
    const build = [program, "-bb", "--target", target, ...defines, SPEC] as const;
    // A home of its own: ~/.rpmmacros would have a say.
    const home = join(scratch, "home");
    mkdirSync(home);
    const env = { SOURCE_DATE_EPOCH: String(sourceDate()), HOME: home, LC_ALL: "C.UTF-8", TZ: "UTC" };
    const { status, output } = await run(build, { signal, env });
    const made = join(scratch, "RPMS", target, name);
    if (status !== 0 || !existsSync(made)) {
      throw new Failure(`Cannot make dist/${name}: rpmbuild failed\n${output}`);
    }
    renameSync(made, join(DIST, name));
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return join(DIST, name);
}

/** A line for %files. An edited configuration file stays: the new one is put beside it as .rpmnew. */
export function fileLine(entry: Entry): string {
  if (entry.kind === "link") return `${entry.to}\n`;
  const group = entry.kind === "file" ? entry.group : "root";
  const attributes = `%attr(${entry.mode.toString(8)},root,${group})`;
  if (entry.kind === "directory") return `%dir ${attributes} ${entry.to}\n`;
  const isLicense = entry.to.startsWith("/usr/share/licenses/");
  const flags = [
    ...(entry.isConfig ? ["%config(noreplace)"] : []),
    ...(isLicense ? ["%license"] : []),
    attributes,
  ];
  return `${flags.join(" ")} ${entry.to}\n`;
}

/**
 * The .deb: a staged tree, the files of packaging/debian, and dpkg-deb; no debhelper, whose dh_strip and dh_dwz
 * would destroy an executable that carries its program behind its code.
 *
 * xz, as Debian 11 cannot read zstd; at its fastest, as more takes minutes and saves a tenth.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Architecture, DIST, ROOT } from "./paths.ts";
import { Failure, run } from "./program.ts";
import { sourceDate } from "./source-date.ts";
import { contents, type Entry, stage } from "./stage.ts";
import { tool } from "./tool.ts";

const SOURCES = join(ROOT, "packaging/debian");

/** Makes dist/cb_VERSION_ARCHITECTURE.deb. @returns its path */
export async function makeDeb(
  version: string,
  architecture: Architecture,
  signal: AbortSignal,
): Promise<string> {
  const program = tool("dpkg-deb", "dpkg");
  const output = join(DIST, `cb_${version}_${architecture}.deb`);
  const tree = mkdtempSync(join(DIST, ".deb-"));
  try {
    stage(architecture, "deb", tree);
    addControl(tree, version, architecture);
    const pack = [program, "--root-owner-group", "-Zxz", "-z1", "--build", tree, output] as const;
    // dpkg-deb dates its own members with it, and what is newer in the tree.
    const env = { SOURCE_DATE_EPOCH: String(sourceDate()) };
    const { status, output: said } = await run(pack, { signal, env });
    if (status !== 0) throw new Failure(`Cannot make "${output}": dpkg-deb failed\n${said}`);
  } finally {
    rmSync(tree, { recursive: true });
  }
  return output;
}

/** What dpkg wants to know: DEBIAN/ in the tree. Source: deb-control(5), deb-conffiles(5), deb-md5sums(5). */
function addControl(tree: string, version: string, architecture: Architecture): void {
  const entries = contents("deb");
  const control = join(tree, "DEBIAN");
  mkdirSync(control);
  chmodSync(control, 0o755);
  const write = (name: string, text: string) => {
    writeFileSync(join(control, name), text);
    chmodSync(join(control, name), 0o644);
  };
  const values: Readonly<Record<string, string>> = {
    version,
    architecture,
    size: String(installedSize(tree, entries)),
  };
  const template = readFileSync(join(SOURCES, "control"), "utf8");
  write(
    "control",
    template.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? ""),
  );
  const files = entries.filter((entry) => entry.kind === "file");
  const configs = files.filter(({ isConfig }) => isConfig);
  write("conffiles", configs.map(({ to }) => `${to}\n`).join(""));
  const others = files.filter(({ isConfig }) => !isConfig);
  write("md5sums", others.map(({ to }) => `${md5(join(tree, to))}  ${to.slice(1)}\n`).join(""));
  for (const name of ["postinst", "prerm", "postrm"]) {
    copyFileSync(join(SOURCES, name), join(control, name));
    chmodSync(join(control, name), 0o755);
  }
}

/** In KiB, each file rounded up, and one for everything else, as dpkg-gencontrol counts. */
function installedSize(tree: string, entries: readonly Entry[]): number {
  const sizes = entries.map(({ kind, to }) =>
    kind === "file" ? Math.ceil(statSync(join(tree, to)).size / 1024) : 1,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function md5(path: string): string {
  return createHash("md5").update(readFileSync(path)).digest("hex");
}

/**
 * Debian as a tar file, made by mmdebstrap: what `npm run image` builds on, and what `npm run test:packages` boots.
 *
 * Kept in $XDG_CACHE_HOME/cb-test, as a tree takes 20 s or more and the whole of it comes from the mirror each
 * time; a week later it is made anew, for its security updates. mmdebstrap has its own list of mirrors and reads
 * nothing of this machine's.
 */
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { Failure, run } from "./program.ts";
import { tool } from "./tool.ts";

const WEEK_MS = 7 * 24 * 3_600_000;

export type Rootfs = {
  /** Part of the file's name; another content wants another name. */
  readonly name: string;
  readonly suite: "bookworm" | "trixie";
  /** Packages beside the essential ones and apt. */
  readonly include: readonly string[];
  /** Of mmdebstrap. */
  readonly options?: readonly string[];
};

/** The tar file, made if it is not there or too old. */
export async function rootfs(
  { name, suite, include, options = [] }: Rootfs,
  signal: AbortSignal,
): Promise<string> {
  const path = join(cacheDirectory(), `${name}.tar`);
  if (existsSync(path) && Date.now() - statSync(path).mtimeMs < WEEK_MS) return path;
  const program = tool("mmdebstrap", "mmdebstrap");
  mkdirSync(cacheDirectory(), { recursive: true });
  process.stdout.write(`Make ${path} with mmdebstrap\n`);
  // Aside first: whoever is interrupted leaves no half of it. The suffix tells mmdebstrap what to make.
  const scratch = join(cacheDirectory(), `.${name}-${process.pid}.tar`);
  const packages = include.length > 0 ? [`--include=${include.join(",")}`] : [];
  try {
    const { status, output } = await run(
      [program, "--variant=minbase", ...packages, ...options, suite, scratch],
      { signal },
    );
    if (status !== 0) throw new Failure(`Cannot make ${path}: mmdebstrap failed\n${output}`);
    renameSync(scratch, path);
  } finally {
    rmSync(scratch, { force: true });
  }
  return path;
}

function cacheDirectory(): string {
  const set = process.env["XDG_CACHE_HOME"] ?? "";
  return join(isAbsolute(set) ? set : join(homedir(), ".cache"), "cb-test");
}

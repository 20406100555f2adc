/**
 * The pinned Bun of an architecture that is not this machine's: npm installs no package for another one.
 *
 * Its tarball is taken from the npm registry once and kept in node_modules/.cache; each time it is used its
 * sha512 must be the one in package-lock.json, as with any package that npm installs.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Package } from "./bundled-packages.ts";
import { ROOT } from "./paths.ts";
import { Failure, run } from "./program.ts";

const CACHE = join(ROOT, "node_modules/.cache/cb");

/**
 * The program of a Bun package.
 *
 * @param directory an existing one of the caller's, where it is unpacked
 * @param cache where the tarball is kept
 * @throws {Failure} where it cannot be had, or is not what the lock file says
 */
export async function unpackBun(
  bun: Package,
  directory: string,
  signal: AbortSignal,
  cache: string = CACHE,
): Promise<string> {
  const installed = join(ROOT, bun.path, "bin/bun");
  if (existsSync(installed)) return installed;
  const tarball = join(cache, `${bun.name.replace("@", "").replace("/", "-")}-${bun.version}.tgz`);
  if (!existsSync(tarball)) await fetchTarball(bun, tarball, signal);
  const sha512 = createHash("sha512").update(readFileSync(tarball)).digest("hex");
  if (sha512 !== bun.sha512) {
    rmSync(tarball); // the next attempt fetches it again
    throw new Failure(
      `Cannot use ${bun.name} ${bun.version} from the npm registry: its sha512 is not the one in package-lock.json`,
    );
  }
  const command = [
    "tar",
    "-xzf",
    tarball,
    "-C",
    directory,
    "--strip-components=2",
    "package/bin/bun",
  ] as const;
  const { status, output } = await run(command, { signal });
  if (status !== 0) throw new Failure(`Cannot unpack "${tarball}": ${output.trim()}`);
  return join(directory, "bun");
}

/** By npm, which knows the registry and proxy of whoever calls us. */
async function fetchTarball(bun: Package, tarball: string, signal: AbortSignal): Promise<void> {
  const subject = `${bun.name}@${bun.version}`;
  process.stderr.write(`Fetch ${subject} from the npm registry\n`);
  mkdirSync(join(tarball, ".."), { recursive: true });
  const scratch = mkdtempSync(join(tarball, "../fetch-"));
  try {
    const { status, output } = await run(
      ["npm", "pack", subject, "--pack-destination", scratch, "--loglevel=error"],
      { signal },
    );
    // npm may have a notice of its own to add, below the name or above it.
    const file = output.split("\n").find((line) => line.endsWith(".tgz"));
    if (status !== 0 || file === undefined)
      throw new Failure(`Cannot fetch ${subject}: npm pack failed\n${output.trim()}`);
    renameSync(join(scratch, file), tarball);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/**
 * Executables of the bundle, by the compilers of Bun (the product) and of Deno.
 *
 *   cb.cjs ──bun build --compile──▶ cb         the product: Bun of either architecture, bytecode and bundle
 *   cb.cjs ──deno compile─────────▶ cb-deno    from a denort that somebody has
 */
import { copyFileSync, existsSync, mkdtempSync } from "node:fs";
import { join, resolve } from "node:path";
import { unpackBun } from "./bun-package.ts";
import { bunPackage } from "./bundled-packages.ts";
import type { LockFile } from "./lock.ts";
import { type Architecture, NATIVE, PINNED } from "./paths.ts";
import { Failure, run } from "./program.ts";

/** What a program that is compiled is called inside; `process.argv` shows it, and the bytes depend on it. */
const NAME = "cb";

/**
 * @param scratch an existing directory
 * @returns the executable, below `scratch`
 */
export async function compileWithBun(
  bundle: string,
  architecture: Architecture,
  lock: LockFile,
  scratch: string,
  signal: AbortSignal,
): Promise<string> {
  const directory = mkdtempSync(join(scratch, `${architecture}-`));
  // Relative names, as the path of the entry is kept in the executable.
  copyFileSync(bundle, join(directory, "cb.cjs"));
  // A .env or bunfig.toml in the directory where cb is called is a stranger's.
  const closed = ["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
  const foreign = architecture === NATIVE ? [] : await foreignBun(architecture, lock, directory, signal);
  const command = [
    PINNED.bun,
    "build",
    "--compile",
    ...closed,
    "--minify",
    "--bytecode",
    ...foreign,
  ] as const;
  const { status, output } = await run([...command, "cb.cjs", "--outfile", NAME], { signal, cwd: directory });
  if (status !== 0) throw new Failure(`Cannot build for ${architecture}: bun build failed\n${output}`);
  return join(directory, NAME);
}

/** Without the path, Bun would fetch its other half itself, and compare it with nothing. */
async function foreignBun(
  architecture: Architecture,
  lock: LockFile,
  directory: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const bun = await unpackBun(bunPackage(architecture, lock), directory, signal);
  const target = architecture === "arm64" ? "bun-linux-arm64" : "bun-linux-x64";
  return [`--target=${target}`, `--compile-executable-path=${bun}`];
}

/** @throws {Failure} where there is no such file */
export function requireDenort(file: string | undefined): string {
  if (file !== undefined && existsSync(file)) return file;
  const missing = file === undefined ? "--denort FILE is missing" : `"${file}" does not exist`;
  throw new Failure(
    `Cannot build with Deno: ${missing}, and no package registry has the denort that "deno compile" needs; ` +
      "it comes with the same release of Deno",
  );
}

/**
 * @param denort the runtime part of the pinned Deno
 * @param scratch an existing directory
 * @returns the executable, below `scratch`
 */
export async function compileWithDeno(
  bundle: string,
  denort: string,
  scratch: string,
  signal: AbortSignal,
): Promise<string> {
  const executable = join(scratch, NAME);
  // Deno would look for a configuration and a lock file above the bundle, and find the checkout's.
  const flags = ["-A", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--output", executable];
  const env = {
    DENORT_BIN: resolve(denort),
    DENO_DIR: join(scratch, "deno"),
    DENO_NO_UPDATE_CHECK: "1",
  };
  const { status, output } = await run([PINNED.deno, "compile", ...flags, bundle], { signal, env });
  if (status !== 0) throw new Failure(`Cannot build with Deno: deno compile failed\n${output}`);
  // With the whole of Deno in denort's place it succeeds, and what it makes is Deno.
  const made = await run([executable, "--version"], { signal });
  if (!made.output.startsWith("cb "))
    throw new Failure(`Cannot build with Deno: "${denort}" is not its denort`);
  return executable;
}

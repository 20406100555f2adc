/**
 * `npm run build [-- --arch amd64|arm64|all] [-- --with deno --denort FILE]`: bundle and executables in dist/.
 *
 *   src/cli/main.ts ──bundle.ts──▶ cb.cjs (Node ≥ 20.19, Deno, Bun) ──executable.ts──▶ cb, cb-arm64 ◀── cb-keygen
 *                         └──▶ sbom.cdx.json, THIRD-PARTY-LICENSES
 *
 * Nothing is done while dist/ fits what it is made of, so that tests and demo can ask for it every time.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { makeBundle } from "./bundle.ts";
import { bundledPackages, bunPackage } from "./bundled-packages.ts";
import { compileWithBun, compileWithDeno, requireDenort } from "./executable.ts";
import { thirdPartyLicenses } from "./licenses.ts";
import { LOCK_FILE, type LockFile } from "./lock.ts";
import {
  ARCHITECTURES,
  type Architecture,
  BUNDLE,
  DIST,
  EXECUTABLE,
  executableFor,
  LICENSES,
  NATIVE,
  ROOT,
  SBOM,
  SUMS,
} from "./paths.ts";
import { Failure, program } from "./program.ts";
import { type Revision, revision } from "./revision.ts";
import { sbom } from "./sbom.ts";
import { writeSums } from "./sums.ts";

const KEYGEN = join(DIST, "cb-keygen");
const WITH_DENO = join(DIST, "cb-deno");
/** Holds the hash of what dist/ was made of. */
const STAMP = join(DIST, ".inputs");

/** Everything that decides what comes out. */
const INPUTS = ["src", "build", "package.json", "package-lock.json", "tsconfig.json"];

/**
 * Makes the bundle and the executables of this machine and of these architectures.
 *
 * @returns whether there was anything to do
 */
export async function build(
  signal: AbortSignal,
  architectures: readonly Architecture[] = [],
): Promise<boolean> {
  const source = revision(INPUTS);
  const inputs = hashOfInputs(source);
  const isCurrent =
    [BUNDLE, SBOM, LICENSES, KEYGEN].every((path) => existsSync(path)) &&
    existsSync(STAMP) &&
    readFileSync(STAMP, "utf8") === inputs;
  const wanted = new Set([NATIVE, ...architectures]);
  const missing = [...wanted].filter(
    (architecture) => !isCurrent || !existsSync(executableFor(architecture)),
  );
  if (isCurrent && missing.length === 0) return false;

  mkdirSync(DIST, { recursive: true });
  // Made aside and renamed: whoever runs the old executable, or builds at the same time, is not disturbed.
  const scratch = mkdtempSync(join(DIST, ".build-"));
  try {
    if (!isCurrent) await makeBundleAndAccounts(scratch, source);
    const bundle = isCurrent ? BUNDLE : join(scratch, basename(BUNDLE));
    const lock = readLock();
    const compiled = new Map<string, string>();
    for (const architecture of missing) {
      const file = await compileWithBun(bundle, architecture, lock, scratch, signal);
      compiled.set(executableFor(architecture), file);
    }
    if (!isCurrent) {
      // What was made of other sources must not be taken for ours.
      const stale = [...ARCHITECTURES.map(executableFor), WITH_DENO].filter((path) => !compiled.has(path));
      for (const path of [STAMP, ...stale]) rmSync(path, { force: true });
      symlinkSync(basename(EXECUTABLE), join(scratch, basename(KEYGEN)));
      for (const path of [BUNDLE, SBOM, LICENSES, KEYGEN]) renameSync(join(scratch, basename(path)), path);
    }
    for (const [path, file] of compiled) renameSync(file, path);
    rmSync(SUMS, { force: true });
    writeFileSync(STAMP, inputs);
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return true;
}

async function makeBundleAndAccounts(directory: string, source: Revision): Promise<void> {
  const metafile = await makeBundle(join(directory, basename(BUNDLE)), source);
  const lock = readLock();
  const ours = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const { packages } = bundledPackages(metafile, lock);
  writeFileSync(join(directory, basename(SBOM)), sbom(ours, metafile, lock, source));
  const licenses = thirdPartyLicenses(packages, bunPackage(NATIVE, lock), ROOT);
  writeFileSync(join(directory, basename(LICENSES)), licenses);
}

/** A hash over the revision and the names and contents of all inputs. */
function hashOfInputs(source: Revision): string {
  const hash = createHash("sha256").update(JSON.stringify(source));
  const files = ["src/**/*.ts", "build/**/*.{ts,txt}"].flatMap((pattern) => globSync(pattern, { cwd: ROOT }));
  for (const path of [...files.sort(), ...INPUTS.filter((input) => input.includes("."))]) {
    const bytes = readFileSync(join(ROOT, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

function readLock(): LockFile {
  return JSON.parse(readFileSync(LOCK_FILE, "utf8"));
}

async function buildWithDeno(denort: string, signal: AbortSignal): Promise<void> {
  await build(signal);
  const scratch = mkdtempSync(join(DIST, ".build-"));
  try {
    renameSync(await compileWithDeno(BUNDLE, denort, scratch, signal), WITH_DENO);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

type Request =
  | { readonly compiler: "bun"; readonly architectures: readonly Architecture[] }
  | { readonly compiler: "deno"; readonly denort: string };

const USAGE = "--arch amd64, arm64 or all, or --with deno --denort FILE";

/** @throws {Failure} for what is no option, has no such value, or names no file */
function parseRequest(args: readonly string[]): Request {
  const options = parseOptions(args);
  const { arch, with: compiler = "bun", denort } = options ?? {};
  if (compiler === "deno" && arch === undefined) return { compiler, denort: requireDenort(denort) };
  const architectures = ARCHITECTURES.filter((one) => arch === "all" || one === (arch ?? NATIVE));
  if (options === undefined || compiler !== "bun" || denort !== undefined || architectures.length === 0) {
    throw new Failure(`Cannot build with "${args.join(" ")}": expected ${USAGE}`);
  }
  return { compiler, architectures };
}

function parseOptions(args: readonly string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({ args: [...args], options: { arch: text, with: text, denort: text } }).values;
  } catch {
    return undefined;
  }
}

async function main(signal: AbortSignal): Promise<number> {
  const request = parseRequest(process.argv.slice(2));
  let made = true;
  if (request.compiler === "deno") await buildWithDeno(request.denort, signal);
  else made = await build(signal, request.architectures);
  if (made || !existsSync(SUMS)) writeSums();
  const own = request.compiler === "deno" ? [WITH_DENO] : request.architectures.map(executableFor);
  const names = [...new Set([BUNDLE, EXECUTABLE, KEYGEN, ...own])].map((path) => `dist/${basename(path)}`);
  process.stdout.write(`${made ? "Made" : "Nothing to do for"} ${names.join(", ")}\n`);
  return 0;
}

if (import.meta.main) await program(main);

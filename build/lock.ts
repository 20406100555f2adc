/**
 * `npm run lock`, after every `npm install`: mends package-lock.json so that `npm ci` works everywhere.
 *
 * Two things that npm writes, or leaves out, break installations elsewhere, and npm keeps both corrections:
 *
 * - An optional package whose `engines` do not include the Node that installs is left out in silence. Debian 12
 *   installs with Node 18, which parser bindings of today do not name, but the pinned Bun is what loads them:
 *   so optional packages lose their `engines` here.
 * - A registry that lacks packages of other platforms makes npm leave them out of the lock file, and npm 11
 *   then refuses it (`Missing: … from lock file`): so they are added. They are never fetched on Linux.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./paths.ts";
import { Failure, program } from "./program.ts";

export type LockFile = { readonly packages: Readonly<Record<string, LockedPackage>> };
type LockedPackage = {
  readonly version?: string;
  /** `sha512-` and the hash of the package's tarball in base64. */
  readonly integrity?: string;
  /** An SPDX identifier or expression. */
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly engines?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
};

/** Where the lock file is. */
export const LOCK_FILE = join(ROOT, "package-lock.json");

/** The lock file as it must be; equal to what is given where that is in order. */
export function mended(lock: LockFile): LockFile {
  const packages = new Map(Object.entries(lock.packages));
  for (const [path, { engines, ...rest }] of packages) {
    if (rest.optional) packages.set(path, rest);
  }
  for (const [path, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
    if (path === "") continue;
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const missing = `node_modules/${name}`;
      if (packages.has(missing)) continue;
      const { os, cpu, libc } = platformOf(name);
      // In the order in which npm writes them.
      packages.set(missing, { version, cpu, ...(dev && { dev }), ...(libc && { libc }), optional: true, os });
    }
  }
  const sorted = [...packages].sort(([a], [b]) => a.localeCompare(b, "en"));
  return { ...lock, packages: Object.fromEntries(sorted) };
}

const SYSTEMS = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
];

/** The platform that the name of a package such as `@oxc-parser/binding-linux-arm64-musl` ends in. */
function platformOf(name: string): Required<Pick<LockedPackage, "os" | "cpu">> & Pick<LockedPackage, "libc"> {
  const words = name.split("-");
  const at = words.findIndex((word) => SYSTEMS.includes(word));
  const [os, cpu, abi] = words.slice(at);
  if (at < 0 || os === undefined || cpu === undefined) {
    throw new Failure(`Cannot mend package-lock.json: ${name} is missing, and its name says no platform`);
  }
  return { os: [os], cpu: [cpu], ...(os === "linux" && { libc: [abi === "musl" ? "musl" : "glibc"] }) };
}

async function main(): Promise<number> {
  const lock: LockFile = JSON.parse(readFileSync(LOCK_FILE, "utf8"));
  writeFileSync(LOCK_FILE, `${JSON.stringify(mended(lock), null, 2)}\n`);
  return 0;
}

if (import.meta.main) await program(main);

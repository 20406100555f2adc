/** Which npm packages the bundle really holds, from esbuild's account of it and the lock file. */
import type { Metafile } from "esbuild";
import type { LockFile } from "./lock.ts";
import type { Architecture } from "./paths.ts";
import { Failure } from "./program.ts";

export type Package = {
  readonly name: string;
  readonly version: string;
  /** An SPDX identifier or expression. */
  readonly license: string;
  /** SHA-512 of its tarball, in hexadecimal. */
  readonly sha512: string;
  /** Where it is installed, relative to the checkout; also its name in the lock file. */
  readonly path: string;
};

export type BundledPackage = Package & {
  /** The paths of the packages that it imports from, sorted. */
  readonly imports: readonly string[];
};

type Bundled = {
  /** Sorted by name. */
  readonly packages: readonly BundledPackage[];
  /** The paths of the packages that our own sources import from. */
  readonly imports: readonly string[];
};

/** @throws {Failure} for a package of which the lock file does not say all */
export function bundledPackages(metafile: Metafile, lock: LockFile): Bundled {
  const files = new Set<string>();
  for (const { inputs } of Object.values(metafile.outputs)) {
    // A file of which nothing was needed is listed as well.
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) if (bytesInOutput > 0) files.add(file);
  }
  const imports = new Map<string, Set<string>>();
  for (const file of files) {
    const importer = packageOf(file) ?? "";
    const imported = imports.get(importer) ?? new Set();
    imports.set(importer, imported);
    for (const { path } of metafile.inputs[file]?.imports ?? []) {
      const other = files.has(path) ? packageOf(path) : undefined;
      if (other !== undefined && other !== importer) imported.add(other);
    }
  }
  const own = imports.get("") ?? [];
  imports.delete("");
  const packages = [...imports].map(([path, imported]) => ({
    ...lockedPackage(path, lock),
    imports: [...imported].sort(),
  }));
  return { packages: packages.sort((a, b) => (a.path < b.path ? -1 : 1)), imports: [...own].sort() };
}

/** The pinned Bun of an architecture, which is most of the executable. */
export function bunPackage(architecture: Architecture, lock: LockFile): Package {
  const name = architecture === "arm64" ? "bun-linux-aarch64" : "bun-linux-x64";
  return lockedPackage(`node_modules/@oven/${name}`, lock);
}

/** @param path as in the lock file: `node_modules/pino` */
function lockedPackage(path: string, { packages }: LockFile): Package {
  const { version, license, integrity } = packages[path] ?? {};
  if (version === undefined || license === undefined || !integrity?.startsWith("sha512-")) {
    throw new Failure(`Cannot describe "${path}": package-lock.json lacks its version, licence or sha512`);
  }
  const sha512 = Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex");
  return { name: path.slice(path.lastIndexOf("node_modules/") + 13), version, license, sha512, path };
}

/** The folder of the package that a file belongs to; undefined for a source of ours. */
function packageOf(file: string): string | undefined {
  return /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0];
}

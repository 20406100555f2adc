/** The executors of test/fixtures/faraday, for either agent: beside each a manifest in the format of cb. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { ROOT } from "../../build/paths.ts";

const EXECUTORS = join(ROOT, "test/fixtures/faraday");

/** Those parts of a manifest that the original knows, too. */
export type FixtureManifest = {
  readonly "longest-line"?: number;
  readonly parameters?: Readonly<Record<string, FixtureParameter>>;
  readonly environment?: Readonly<Record<string, unknown>>;
};
type FixtureParameter = {
  readonly type: string;
  readonly base?: string;
  readonly mandatory?: boolean;
};

/**
 * Copies them into a run-directory that nobody else may write to, whatever the modes of the checkout are.
 *
 * @param directory made here; `@DIRECTORY@` in a manifest is the one that it is in
 */
export function copyExecutors(names: readonly string[], directory: string): void {
  mkdirSync(directory, { mode: 0o755 });
  for (const name of names) {
    const [program, manifest] = [join(directory, name), manifestFile(directory, name)];
    if (existsSync(join(EXECUTORS, name))) {
      copyFileSync(join(EXECUTORS, name), program);
      chmodSync(program, 0o755);
    }
    if (!existsSync(manifestFile(EXECUTORS, name))) continue;
    const text = readFileSync(manifestFile(EXECUTORS, name), "utf8");
    writeFileSync(manifest, text.replaceAll("@DIRECTORY@", join(directory, "..")), { mode: 0o644 });
  }
}

/** The manifest of a copied executor, empty where it has none. */
export function readFixtureManifest(directory: string, name: string): FixtureManifest {
  const file = manifestFile(directory, name);
  return existsSync(file) ? (parse(readFileSync(file, "utf8")) as FixtureManifest) : {};
}

function manifestFile(directory: string, name: string): string {
  return join(directory, `${name}.toml`);
}

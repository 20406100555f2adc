/**
 * `npm run vectors`: writes the test vectors, made from PROTOCOL.md alone.
 *
 * Nothing here or in `generator/` comes from `src/`, so that a mistake in the code is not repeated in what it
 * is tested with. All randomness is a hash of a label: every run writes the same bytes.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { vectorFiles } from "./generator/files.ts";

const folder = import.meta.dirname;
for (const name of ["request", "reply"]) rmSync(join(folder, name), { recursive: true, force: true });
for (const [path, text] of await vectorFiles()) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

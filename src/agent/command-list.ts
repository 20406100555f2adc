/**
 * Which commands there are, as a run would find them: for `list`.
 *
 * The names come from the run-directories, and what is said of each from the same functions that decide on a run. What
 * could never be meant is left out: directories, hidden files, manifests, and what only a Faraday server can run.
 */
import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { CbError } from "../core/errors.ts";
import { attempt, isExecutable, isMissing } from "../core/files.ts";
import { type CommandName, isName } from "../core/names.ts";
import type { FileDigests } from "../exec/file-digests.ts";
import { type Manifest, readManifest } from "../exec/manifest.ts";
import { resolveExecutor } from "../exec/resolve.ts";
import type { ListedCommand } from "../protocol/listing.ts";

/**
 * In ascending order of their names.
 *
 * @param directories run-directories, strongest first
 * @param isWanted whether the station may run a command of that name: of no other it learns anything
 * @throws {CbError} `file` for a run-directory that is there and cannot be read; the reason of the signal
 */
export async function listCommands(
  directories: readonly string[],
  isWanted: (name: CommandName) => boolean,
  digests: Pick<FileDigests, "digest">,
  signal: AbortSignal,
): Promise<readonly ListedCommand[]> {
  const names = new Set(directories.flatMap(candidatesIn).filter(isWanted));
  const commands: ListedCommand[] = [];
  for (const name of [...names].sort()) {
    const command = await describe(directories, name, digests, signal);
    if (command !== undefined) commands.push(command);
  }
  return commands;
}

/**
 * Not with exec/directory-names.ts, to which a directory that cannot be read offers nothing, as it is for offers: here the
 * list would look whole and not be it. And it asks of each entry what it is, which a name alone does not say.
 */
function candidatesIn(directory: string): readonly CommandName[] {
  let entries: readonly Dirent[];
  try {
    entries = attempt("read", directory, () => readdirSync(directory, { withFileTypes: true }));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  const isManifest = (entry: Dirent) =>
    entry.name.endsWith(".toml") && !isExecutable(join(directory, entry.name));
  const candidates = entries.filter((entry) => !entry.isDirectory() && !isManifest(entry));
  return candidates.map(({ name }) => name).filter((name) => isName<CommandName>(name));
}

async function describe(
  directories: readonly string[],
  name: CommandName,
  digests: Pick<FileDigests, "digest">,
  signal: AbortSignal,
): Promise<ListedCommand | undefined> {
  const executor = resolveExecutor(directories, name);
  if (!executor.found) return { name, problem: executor.reason, detail: executor.detail };
  const manifest = manifestOf(directories, name);
  if (manifest instanceof CbError) return { name, problem: "manifest", detail: manifest.message };
  if (manifest?.official !== undefined) return undefined;
  return {
    name,
    description: manifest?.description,
    digest: await digests.digest(executor.path, signal),
    manifest: manifest && (await digests.digest(manifest.path, signal)),
  };
}

function manifestOf(directories: readonly string[], name: CommandName): Manifest | undefined | CbError {
  try {
    return readManifest(directories, name);
  } catch (error) {
    if (error instanceof CbError) return error;
    throw error;
  }
}

/** What completions read from directories; of what is missing or damaged there is nothing to offer. */
import { CbError } from "../core/errors.ts";
import { type CommandName, isName } from "../core/names.ts";
import { namesIn } from "../exec/directory-names.ts";
import { resolveExecutor } from "../exec/resolve.ts";

/** A checked name, and something about it. */
export type KnownName = { readonly name: string; readonly about?: string };

/** What could be run of what is in run-directories, strongest first. */
export function commandsIn(directories: readonly string[]): readonly KnownName[] {
  const names = new Set(directories.flatMap(namesIn).filter((name) => isName<CommandName>(name)));
  const found = [...names].sort().map((name) => ({ name, resolution: resolveExecutor(directories, name) }));
  return found.flatMap(({ name, resolution }) =>
    resolution.found ? [{ name, about: resolution.directory }] : [],
  );
}

export function orElse<Value>(fallback: Value, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof CbError) return fallback;
    throw error;
  }
}

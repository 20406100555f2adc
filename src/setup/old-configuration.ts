/**
 * A configuration of Faraday's agent dispatcher as it was found: YAML as it and its wizard write it, YAML as the
 * server's web page makes it, or the INI of its first versions.
 */

import { Notes } from "./notes.ts";
import { readIni } from "./old-ini.ts";
import { entryOf, importError, isNothing, type OldTable } from "./old-value.ts";
import { readYaml } from "./old-yaml.ts";

export type OldConfiguration = {
  /** Of the file, for messages. */
  readonly path: string;
  readonly server: OldTable;
  readonly agent: OldTable;
  /** Absent for an agent that was never registered. */
  readonly tokens: OldTable | undefined;
  /** What was found while reading, to be added to. */
  readonly notes: Notes;
};

/**
 * The form is told by what is in it: an INI begins with a section.
 *
 * @param path for messages
 * @throws {CbError} `setting` in one line, with the line of the file where there is one, never with a value
 */
export function readOldConfiguration(bytes: Uint8Array, path: string): OldConfiguration {
  const text = decoded(bytes, path);
  const notes = new Notes();
  const root = isIni(text) ? readIni(text, path, notes) : readYaml(text, path, notes);
  if (root === undefined || isNothing(root)) throw importError(path, undefined, "it is empty");
  const expected = "expected a configuration of Faraday's agent dispatcher";
  if (root.kind !== "table") throw importError(path, root.line, expected);
  const part = (name: string): OldTable | undefined => {
    const found = entryOf(root, name);
    if (found === undefined) return undefined;
    if (found.value.kind === "table") return found.value;
    throw importError(path, found.line, `${name}: expected its keys below it`);
  };
  const server = part("server");
  const agent = part("agent");
  const stored = entryOf(root, "tokens");
  const tokens = stored === undefined || isNothing(stored.value) ? undefined : part("tokens");
  if (server === undefined) throw importError(path, undefined, `it has no server, ${expected}`);
  if (agent === undefined) throw importError(path, undefined, `it has no agent, ${expected}`);
  for (const { key, line } of root.entries)
    if (!["server", "agent", "tokens"].includes(key))
      notes.add("left", line, key, "the agent reads nothing there");
  return { path, server, agent, tokens, notes };
}

function decoded(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw importError(path, undefined, "expected text in UTF-8");
  }
}

/** By the first line that says anything. */
function isIni(text: string): boolean {
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  return /^\[[^\],]+\]$/.test(lines.find((line) => line !== "" && !/^[#;]/.test(line)) ?? "");
}

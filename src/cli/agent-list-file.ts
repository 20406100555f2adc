/**
 * Lists of agents in files, for `--to-file`:
 *
 *     # the shop
 *     web[1-12]            folds and patterns, as on the command line
 *     db1 db2, cache*      several a line, with blanks or commas
 *
 * A line that cannot be read is an error with its number, and so is a file that names nobody: never is anybody left out,
 * or everybody meant, for a mistake in a list.
 */
import { createReadStream } from "node:fs";
import { type AgentList, joinAgentLists, parseAgentList } from "../core/agent-list.ts";
import { CbError } from "../core/errors.ts";
import { systemReason } from "../core/files.ts";
import { printable } from "../core/text.ts";

/** More than a hundred thousand of the longest names. */
const MAX_BYTES = 8 * 1024 * 1024;
const STANDARD_INPUT = "-";

/** @throws {CbError} `file` for what cannot be read, `usage` for what cannot be understood */
export async function readAgentListFile(path: string): Promise<AgentList> {
  const isInput = path === STANDARD_INPUT;
  const name = isInput ? "standard input" : `"${printable(path)}"`;
  const stream: AsyncIterable<Uint8Array> = isInput ? process.stdin : createReadStream(path);
  return parseAgentLines(await readAll(stream, name), name);
}

/**
 * @param name of the file, for messages
 * @throws {CbError} `usage`
 */
export function parseAgentLines(text: string, name: string): AgentList {
  let line = 0;
  function* lists(): Generator<AgentList> {
    for (const words of text.split(/\r?\n/)) {
      line += 1;
      const names = words.replace(/(^|\s)#.*$/, "").trim();
      if (names !== "") yield parseAgentList(names.replace(/\s*,\s*|\s+/g, ","));
    }
  }
  try {
    const joined = joinAgentLists(lists());
    if (joined.patterns.size > 0) return joined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CbError("usage", `Cannot use line ${line} of ${name}: ${error.message}`);
  }
  throw new CbError("usage", `Cannot use ${name}: it names no agent, which does not mean all of them`);
}

async function readAll(stream: AsyncIterable<Uint8Array>, name: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const piece of stream) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > MAX_BYTES) break;
    }
  } catch (cause) {
    throw new CbError("file", `Cannot read ${name}: ${systemReason(cause)}`, { cause });
  }
  if (bytes > MAX_BYTES)
    throw new CbError("file", `Cannot use ${name}: it is longer than ${MAX_BYTES} bytes`);
  return new TextDecoder().decode(Buffer.concat(pieces));
}

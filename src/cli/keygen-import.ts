/**
 * `cb-keygen import FILE…`: the keys of cbradio 0.1 in files of ours, so that a fleet moves without new keys.
 *
 * Its files hold 32 bytes in base64 and say nothing of their kind: that is in their names only.
 */
import { basename } from "node:path";
import { CbError, ExitStatus } from "../core/errors.ts";
import { openToOthers } from "../core/files.ts";
import { printable } from "../core/text.ts";
import { cryptoReady, equalBytes } from "../protocol/crypto.ts";
import { isSecretKind, kindNoun, publicKind } from "../protocol/key-forms.ts";
import { type KeyLine, keyFromBytes, parseOriginalKey } from "../protocol/key-text.ts";
import type { Context, Invocation } from "./command.ts";
import { type FileKeyKind, readKeyText } from "./key-files.ts";
import { newKeyFile, writeKeyFiles } from "./new-key-files.ts";
import { write } from "./output.ts";
import { type importSettings, KIND_BY_ORIGINAL_NAME } from "./settings/keygen.ts";

type Imported = { readonly path: string; readonly line: KeyLine<FileKeyKind> };

export async function importKeys({
  settings: { kind, directory, ...settings },
  operands,
  context,
}: Invocation<typeof importSettings>): Promise<number> {
  if (kind !== undefined && operands.length > 1) {
    throw new CbError("usage", `Cannot use kind "${kind}" for ${operands.length} files: expected one file`);
  }
  await cryptoReady();
  const imported: Imported[] = [];
  for (const path of operands) {
    const next = { path, line: await read(path, kind ?? kindByName(path), context) };
    for (const other of imported) refuseMismatch(other, next);
    imported.push(next);
  }
  const created = context.clock.wall();
  const files = imported.map(({ line }) => newKeyFile(line.kind, line.key, created, directory));
  const report = writeKeyFiles(files, directory);
  if (!settings["errors-only"]) await write(context.stdout, report);
  return ExitStatus.ok;
}

function kindByName(path: string): FileKeyKind {
  const kind = KIND_BY_ORIGINAL_NAME.get(basename(path));
  if (kind !== undefined) return kind;
  const names = [...KIND_BY_ORIGINAL_NAME.keys()].join(", ");
  throw new CbError("usage", `Cannot import "${printable(path)}": its name does not tell its kind`, {
    hint: `Give its --kind, or name it as cbradio did: ${names}`,
  });
}

async function read(path: string, kind: FileKeyKind, context: Context): Promise<KeyLine<FileKeyKind>> {
  const { text, mode } = readKeyText(path);
  const bytes = parseOriginalKey(text);
  if (bytes === undefined) {
    const expected = "expected a key of cbradio 0.1, which is 32 bytes in base64";
    throw new CbError("key", `Cannot import "${printable(path)}": ${expected}`);
  }
  const warning = openToOthers(path, mode, context.environment);
  if (warning !== undefined && isSecretKind(kind)) {
    const line = `cb: warning: "${printable(path)}": ${warning}; if somebody has read it, make new keys\n`;
    await write(context.stderr, line);
  }
  return keyFromBytes(kind, bytes);
}

/** Two files that would become one, or a pair that is none: swapped or mixed up by somebody. */
function refuseMismatch(one: Imported, other: Imported): void {
  if (publicKind(one.line.kind) !== publicKind(other.line.kind)) return;
  const both = `Cannot import "${printable(one.path)}" and "${printable(other.path)}"`;
  if (one.line.kind === other.line.kind) {
    throw new CbError("usage", `${both}: each holds a ${kindNoun(one.line.kind)}, expected one`);
  }
  if (!equalBytes(one.line.publicKey, other.line.publicKey)) {
    throw new CbError("key", `${both}: they do not hold the two halves of one key pair`);
  }
}

/**
 * Writing the key files of one `cb-keygen`: all of them or none, and never over another file.
 */
import { lstatSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { CbError } from "../core/errors.ts";
import { attempt, createExclusive, isMissing, makeDirectory } from "../core/files.ts";
import { printable } from "../core/text.ts";
import { utf8 } from "../protocol/bytes.ts";
import { wipe } from "../protocol/crypto.ts";
import { FORMS, type Form, type KeyOf, kindNoun, publicKind } from "../protocol/key-forms.ts";
import { formatKeyFile } from "../protocol/key-text.ts";
import { keyIdText } from "../protocol/keys.ts";
import { type FileKeyKind, KEY_FILES } from "./key-files.ts";

/** A key file that is to be. */
export type NewKeyFile = {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  /** One line for people: kind, id and where it belongs. */
  readonly about: string;
};

/**
 * @param path the file, or undefined for the usual name in `directory`
 * @param created milliseconds since the epoch
 */
export function newKeyFile<Kind extends FileKeyKind>(
  kind: Kind,
  key: KeyOf[Kind],
  created: number,
  directory: string,
  path?: string,
): NewKeyFile {
  const { name, mode, place } = KEY_FILES[kind];
  const form: Form<KeyOf[Kind]> = FORMS[kind];
  const id = keyIdText(publicKind(kind), form.publicKey(key));
  return {
    path: path ?? join(directory, name),
    text: formatKeyFile(kind, key, created),
    mode,
    about: `${kindNoun(kind)} ${id}, for ${place}`,
  };
}

/**
 * Makes all files, or none.
 *
 * @param directory made with mode 0700 where it is not there
 * @returns what was done, a line for each file
 * @throws {CbError} `file`, naming every file that exists already
 */
export function writeKeyFiles(files: readonly NewKeyFile[], directory: string): string {
  refuseTaken(files);
  makeDirectory(directory, 0o700);
  const written: string[] = [];
  try {
    for (const { path, text, mode } of files) {
      const bytes = utf8(text);
      createExclusive(path, bytes, mode);
      wipe(bytes);
      written.push(path);
    }
  } catch (error) {
    for (const path of written) rmSync(path, { force: true });
    throw error;
  }
  return files.map(({ path, about }) => `Wrote ${printable(path)}: ${about}\n`).join("");
}

/** Only for a better message: `createExclusive` is what keeps other files safe. */
function refuseTaken(files: readonly NewKeyFile[]): void {
  const seen = new Set<string>();
  for (const { path } of files) {
    if (seen.has(resolve(path))) throw new CbError("usage", `Cannot write two keys to "${printable(path)}"`);
    seen.add(resolve(path));
  }
  const taken = files.filter(({ path }) => exists(path)).map(({ path }) => `"${printable(path)}"`);
  if (taken.length > 0) {
    throw new CbError("file", `Cannot create ${taken.join(", ")}: file already exists`, {
      hint: "Nothing was written; choose another place with --directory",
    });
  }
}

function exists(path: string): boolean {
  try {
    // Not its target: a dangling link is in the way, too.
    attempt("create", path, () => lstatSync(path));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

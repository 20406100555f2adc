/**
 * Safe files: small ones read whole, new ones made once, old ones replaced in one step.
 *
 * A file is opened first and judged afterwards, by its descriptor: what is checked by name can be another file
 * a moment later. All of it is synchronous; the files are small, and start and end of a program need no more.
 */
import {
  accessSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { getSystemErrorMap } from "node:util";
import { CbError, type ErrorCode, messageOf, systemCode } from "./errors.ts";
import type { Environment } from "./settings.ts";
import { shellWord } from "./shell-word.ts";
import { printable } from "./text.ts";

export type SmallFile = {
  readonly bytes: Uint8Array;
  /** Permission bits, `0o600`. */
  readonly mode: number;
};

/** Who a file belongs to, by number. */
export type Owner = { readonly uid: number; readonly gid: number };

/** What the system says of an error, in words: `no such file or directory`. */
export function systemReason(error: unknown): string {
  // getSystemErrorMessage would do, but Node 20 has none.
  const number = error instanceof Error && "errno" in error ? error.errno : undefined;
  const known = typeof number === "number" ? getSystemErrorMap().get(number) : undefined;
  return known?.[1] ?? messageOf(error);
}

/** Whether a failure is for want of the file or of a directory on the way to it. */
export function isMissing(error: unknown): boolean {
  const cause = error instanceof CbError ? error.cause : error;
  return ["ENOENT", "ENOTDIR"].includes(systemCode(cause) ?? "");
}

/** Whether a failure is for want of the right to it. */
export function isDenied(error: unknown): boolean {
  return systemCode(error instanceof CbError ? error.cause : error) === "EACCES";
}

/**
 * The bytes of a regular file.
 *
 * @param limit bytes at most
 * @param code of the errors
 * @throws {CbError} with the system's error as its cause, for what cannot be read, is too long or no regular file
 */
export function readSmallFile(path: string, limit: number, code: ErrorCode = "file"): Uint8Array {
  return readSmallFileAndMode(path, limit, code).bytes;
}

/** As `readSmallFile`, with the mode of this very file. */
export function readSmallFileAndMode(path: string, limit: number, code: ErrorCode = "file"): SmallFile {
  const file = readUpTo(path, limit + 1, code);
  if (file.bytes.length > limit) {
    throw new CbError(code, `Cannot use "${printable(path)}": it is longer than ${limit} bytes`);
  }
  return file;
}

/** The first bytes of a regular file of any length; all where it has fewer. @throws {CbError} as `readSmallFile` */
export function readBeginning(path: string, length: number): Uint8Array {
  return readUpTo(path, length, "file").bytes;
}

function readUpTo(path: string, most: number, code: ErrorCode): SmallFile {
  // Without O_NONBLOCK, opening a FIFO waits for somebody to write to it.
  const file = attempt("read", path, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), code);
  try {
    const status = attempt("read", path, () => fstatSync(file), code);
    if (!status.isFile()) {
      const kind = status.isDirectory() ? "a directory" : "not a regular file";
      throw new CbError(code, `Cannot read "${printable(path)}": it is ${kind}`);
    }
    // Not by size: the files of /proc say that they have none.
    const buffer = new Uint8Array(most);
    let length = 0;
    for (let more = -1; more !== 0 && length < buffer.length; length += more) {
      more = attempt("read", path, () => readSync(file, buffer, length, buffer.length - length, null), code);
    }
    return { bytes: buffer.subarray(0, length), mode: status.mode & 0o7777 };
  } finally {
    closeSync(file);
  }
}

/**
 * Makes a file that is not there yet, and that is on disk when this returns; on failure nothing stays behind.
 *
 * @param mode exact, whatever the umask
 * @throws {CbError} `file`, also where the path exists, be it as a dangling link
 */
export function createExclusive(path: string, bytes: Uint8Array, mode: number): void {
  attempt("create", path, () => {
    // Nobody else may read it before it has its mode, not even for a moment.
    const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      writeFileSync(file, bytes);
      fchmodSync(file, mode);
      fsyncSync(file);
      syncDirectory(dirname(path));
    } catch (error) {
      unlinkSync(path);
      throw error;
    } finally {
      closeSync(file);
    }
  });
}

/**
 * Makes a directory and those on the way to it, where they are not there.
 *
 * Not with `recursive: true`: Node then never returns from where a file system answers ENOENT for a new
 * name, as /proc does.
 *
 * @param mode less the umask; of directories that are there already nothing is changed
 * @param owner without it the user who asks
 * @throws {CbError} `file`
 */
export function makeDirectory(path: string, mode: number, owner?: Owner): void {
  const missing: string[] = [];
  for (let next = resolve(path); !existsSync(next); next = dirname(next)) missing.unshift(next);
  for (const directory of missing) {
    attempt("create", directory, () => {
      try {
        mkdirSync(directory, { mode });
        if (owner !== undefined) chownSync(directory, owner.uid, owner.gid);
      } catch (error) {
        // Agents that start together make the same ones.
        if (systemCode(error) !== "EEXIST") throw error;
      }
    });
  }
}

/**
 * Writes a file so that after a crash it is the old one or the new one; a link is replaced, not followed.
 *
 * @param mode exact, whatever the umask
 * @param owner without it the user who asks
 * @throws {CbError} `file`
 */
export function writeAtomically(path: string, bytes: Uint8Array, mode: number, owner?: Owner): void {
  attempt("write", path, () => {
    const { file, temporary } = openBeside(path);
    try {
      writeFileSync(file, bytes);
      if (owner !== undefined) fchownSync(file, owner.uid, owner.gid);
      fchmodSync(file, mode);
      fsyncSync(file);
      renameSync(temporary, path);
    } catch (error) {
      unlinkSync(temporary);
      throw error;
    } finally {
      closeSync(file);
    }
    syncDirectory(dirname(path));
  });
}

/** A new file in the same directory, which becomes the other one by a change of its name. */
function openBeside(path: string): { readonly file: number; readonly temporary: string } {
  // Not by pid: in a container it is the same every time, and what a crash left would be in the way for ever.
  const temporary = join(dirname(path), `.${basename(path)}.${Math.random().toString(36).slice(2)}.tmp`);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  return { file: openSync(temporary, flags, 0o600), temporary };
}

/**
 * Insists that a secret file is its owner's alone.
 *
 * @throws {CbError} `key`, with the command that mends it
 */
export function refuseIfReadableByOthers(path: string, mode: number, environment: Environment): void {
  const reason = openToOthers(path, mode, environment);
  if (reason !== undefined) throw new CbError("key", `Cannot use "${printable(path)}": ${reason}`);
}

/**
 * Why a secret file is not its owner's alone, and the command that mends it; undefined where it is.
 *
 * Below `$CREDENTIALS_DIRECTORY` and `/run/secrets` systemd and container engines set modes of their own and
 * keep others out by other means.
 */
export function openToOthers(path: string, mode: number, environment: Environment): string | undefined {
  if ((mode & 0o077) === 0) return undefined;
  const credentials = environment["CREDENTIALS_DIRECTORY"];
  if (isBelow(path, "/run/secrets") || (credentials && isBelow(path, credentials))) return undefined;
  const access = (mode & 0o044) === 0 ? "change" : "read";
  const octal = mode.toString(8).padStart(4, "0");
  return `others can ${access} it (mode ${octal}), run: chmod 600 ${shellWord(path)}`;
}

/**
 * Insists that nobody else can put files into a directory, or exchange those in it.
 *
 * @throws {CbError} `file`, with the command that mends it
 */
export function refuseIfWritableByOthers(directory: string): void {
  const { mode } = attempt("read", directory, () => statSync(directory));
  if ((mode & 0o022) === 0) return;
  const octal = (mode & 0o7777).toString(8).padStart(4, "0");
  const mend = `run: chmod 700 ${shellWord(directory)}`;
  throw new CbError(
    "file",
    `Cannot use "${printable(directory)}": others can write it (mode ${octal}), ${mend}`,
  );
}

/**
 * Does something with a file and puts the system's reason into words.
 *
 * @param verb as in `Cannot <verb> "<path>": permission denied`
 * @throws {CbError} with the system's error as its cause; any other error passes
 */
export function attempt<Result>(
  verb: string,
  path: string,
  action: () => Result,
  code: ErrorCode = "file",
): Result {
  try {
    return action();
  } catch (cause) {
    if (systemCode(cause) === undefined) throw cause;
    throw new CbError(code, `Cannot ${verb} "${printable(path)}": ${systemReason(cause)}`, { cause });
  }
}

function isBelow(path: string, directory: string): boolean {
  return resolve(path).startsWith(resolve(directory) + sep);
}

/** Makes a new name in a directory outlive a crash, too. */
function syncDirectory(path: string): void {
  const directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(directory);
  } catch (error) {
    // Some network file systems sync files only.
    if (systemCode(error) !== "EINVAL") throw error;
  } finally {
    closeSync(directory);
  }
}

/** access(2) knows what mode bits do not: ACLs, a mount with noexec, and that root too needs one x bit. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Insists that `writeAtomically` can write a file, by the beginning of it: rights say nothing to root, and nothing of /proc or
 * of a file in the place of the directory.
 *
 * @throws {CbError} `file`, naming the file
 */
export function refuseIfNotWritable(path: string): void {
  attempt("write", path, () => {
    const { file, temporary } = openBeside(path);
    closeSync(file);
    unlinkSync(temporary);
  });
}

/**
 * From the name of a command to the one file that may be run for it, or the reason why none may.
 *
 * The run-directories are searched in order and the first that has an entry of that name decides, even if
 * it then refuses: a broken or masked entry must never uncover another file further down. A link to
 * /dev/null masks a command, as it does for systemd's units.
 *
 * What is checked here still holds when the file is started a moment later, because whoever could change it
 * in between may write the run-directory anyway, and "others" may not: that is one of the checks.
 * Source: README, Run-directory.
 */
import { lstatSync, readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { messageOf, systemCode } from "../core/errors.ts";
import { isExecutable } from "../core/files.ts";
import type { CommandName } from "../core/names.ts";
import { printable } from "../core/text.ts";

/** Why a command is not run; the words travel to the station and into the log. */
export type ExecutorRefusal =
  | "no-such-command"
  | "masked" // a link to /dev/null
  | "outside-run-directory" // a link that leaves it
  | "not-a-file" // a directory, a fifo, a device, a socket
  | "writable-by-others" // the file, or a directory between it and the run-directory
  | "not-executable";

export type Resolution =
  | { readonly found: true; readonly path: string; readonly directory: string }
  | { readonly found: false; readonly reason: ExecutorRefusal; readonly detail?: string };

type Danger = { readonly found: false; readonly reason: ExecutorRefusal; readonly detail: string };

/** Permission bit of users that are neither the owner nor in the group (inode(7), S_IWOTH). */
const WRITABLE_BY_OTHERS = 0o002;

/**
 * The file that runs as `name`. Looks at the file system anew each time, so that commands come and go
 * while the agent runs; a run-directory that does not exist has no commands.
 *
 * @param directories run-directories, strongest first
 * @returns `path` and `directory` absolute, links in them not followed: `$0` is the name that was asked for
 */
export function resolveExecutor(directories: readonly string[], name: CommandName): Resolution {
  for (const directory of directories.map((path) => resolve(path))) {
    const path = join(directory, name);
    try {
      lstatSync(path);
    } catch (error) {
      if (isAbsence(error)) continue;
      return refused("no-such-command", messageOf(error));
    }
    try {
      return judge(directory, path);
    } catch (error) {
      return refused("no-such-command", isAbsence(error) ? "link leads nowhere" : messageOf(error));
    }
  }
  return { found: false, reason: "no-such-command" };
}

/** @throws what the file system says: a dangling link, or an entry that was removed meanwhile */
function judge(directory: string, path: string): Resolution {
  const danger = dangerOf(directory, path);
  if (danger !== undefined) return danger;
  if (!isExecutable(path)) return refused("not-executable", `mode ${octal(statSync(path).mode)}`);
  return { found: true, path, directory };
}

/**
 * Why a file of a run-directory is not to be trusted; undefined where it is.
 *
 * @param path within `directory`, perhaps as a link
 * @throws as `judge`
 */
export function dangerOf(directory: string, path: string): Danger | undefined {
  const file = realpathSync(path);
  if (file === "/dev/null") return refused("masked", "link to /dev/null");

  const root = realpathSync(directory);
  const outside = firstStepOutside(path, [directory, root]);
  if (outside !== undefined) return refused("outside-run-directory", `link to "${outside}"`);
  const stats = statSync(file);
  if (!stats.isFile()) return refused("not-a-file", kindOf(stats));

  // Each step from the file up to the run-directory: who may write a directory may replace what is in it.
  for (let step = file; step.length >= root.length; step = dirname(step)) {
    const { mode } = statSync(step);
    if (mode & WRITABLE_BY_OTHERS) return refused("writable-by-others", `"${step}" has mode ${octal(mode)}`);
    if (step === "/") break;
  }
  return undefined;
}

function refused(reason: ExecutorRefusal, detail: string): Danger {
  return { found: false, reason, detail: printable(detail) };
}

/**
 * The first place outside the run-directory that a chain of links leads through; undefined where there is none. A
 * chain that leaves and comes back is outside, too: whoever may write out there decides where it ends.
 *
 * @param roots the run-directory as it was given, and its real path
 */
function firstStepOutside(path: string, roots: readonly string[]): string | undefined {
  for (let step = path; ; step = resolve(dirname(step), readlinkSync(step))) {
    const parents = [dirname(step), realpathSync(dirname(step))];
    if (!parents.every((parent) => roots.some((root) => isWithin(parent, root)))) return step;
    if (!lstatSync(step).isSymbolicLink()) return undefined;
  }
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === "/" ? directory : `${directory}/`);
}

/** ENOTDIR: the run-directory is a file. ELOOP: a link to itself, which leads as little anywhere. */
function isAbsence(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP"].includes(systemCode(error) ?? "");
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return "directory";
  if (stats.isFIFO()) return "fifo";
  if (stats.isSocket()) return "socket";
  return "device";
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}

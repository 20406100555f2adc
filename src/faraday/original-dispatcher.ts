/**
 * Where Faraday's own dispatcher is installed: the Python in the first line of its program.
 *
 * pip writes that line, as `#!/path/of/python`. Where the path has a blank in it or is too long for the kernel, it is a
 * shell that starts Python, on a line that both of them understand: `'''exec' "/path of/python" "$0" "$@"`.
 * Source: pip, distlib/scripts.py, by the scripts that it makes.
 */
import { basename, isAbsolute, join } from "node:path";
import { CbError } from "../core/errors.ts";
import { isExecutable, readSmallFile } from "../core/files.ts";
import type { Environment } from "../core/settings.ts";

const PROGRAM = "faraday-dispatcher";
const MAX_SCRIPT_BYTES = 64 * 1024;

/** Undefined where it is not in PATH, or does not name a Python. */
export function pythonOfOriginal(environment: Environment): string | undefined {
  const program = inPath(PROGRAM, environment);
  if (program === undefined) return undefined;
  try {
    return interpreterIn(new TextDecoder().decode(readSmallFile(program, MAX_SCRIPT_BYTES)), environment);
  } catch (error) {
    if (error instanceof CbError) return undefined;
    throw error;
  }
}

/** @param script its text */
export function interpreterIn(script: string, environment: Environment): string | undefined {
  const [first = "", second = ""] = script.split("\n", 2);
  const words = /^#!\s*(.*?)\s*$/.exec(first)?.[1]?.split(/\s+/) ?? [];
  const [interpreter = "", word = ""] = words;
  const quoted = /^'''exec' (?:"([^"]+)"|(\S+)) /.exec(second);
  const named = interpreter.endsWith("/env") ? inPath(word, environment) : interpreter;
  const python = quoted === null ? named : (quoted[1] ?? quoted[2]);
  // A shell, as in a wrapper that somebody wrote, would be given Python to run.
  return python !== undefined && isAbsolute(python) && isPython(python) ? python : undefined;
}

function isPython(path: string): boolean {
  return /^(?:python|pypy)[0-9.]*$/.test(basename(path));
}

function inPath(name: string, { PATH = "" }: Environment): string | undefined {
  const directories = PATH.split(":").filter(isAbsolute);
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

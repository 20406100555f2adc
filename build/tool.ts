/** Programs that are no npm packages: found, or installed from Debian where that is allowed. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { isExecutable } from "../src/core/files.ts";
import { Failure } from "./program.ts";

/**
 * The path of a program; as root on Debian, installs it where it is missing.
 *
 * @param name looked for in $PATH, or an absolute path
 * @param packageName Debian's package that has it
 * @param advice what somebody else is told to do
 * @throws {Failure} one line that says what to install
 */
export function tool(
  name: string,
  packageName: string,
  advice = `install it, on Debian with apt-get install ${packageName}`,
): string {
  return findTool(name) ?? install(name, packageName, advice);
}

/** The path of a program that is there. */
export function findTool(name: string): string | undefined {
  // Those of administrators too, which are not on everybody's path.
  const directories = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/bin"];
  if (name.startsWith("/")) return isExecutable(name) ? name : undefined;
  return directories
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function install(name: string, packageName: string, advice: string): string {
  const aptGet = "/usr/bin/apt-get";
  if (process.getuid?.() !== 0 || !isExecutable(aptGet)) throw new Failure(`Cannot find ${name}: ${advice}`);
  process.stderr.write(`Install ${packageName} with apt-get, for ${name}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  // Somebody else may be installing.
  const options = ["-qq", "-o", "DPkg::Lock::Timeout=300"];
  try {
    for (const words of [["update"], ["install", "--no-install-recommends", packageName]]) {
      execFileSync(aptGet, [...options, ...words], { env, stdio: ["ignore", "ignore", "inherit"] });
    }
  } catch (cause) {
    throw new Failure(`Cannot install ${packageName}: apt-get failed, ${advice}`, { cause });
  }
  const path = findTool(name);
  if (path === undefined) throw new Failure(`Cannot find ${name}: ${packageName} does not have it`);
  return path;
}

/**
 * The redis-server program of this machine, fetched with apt-get where that is allowed.
 *
 * Debian's redis-tools carries the whole server: /usr/bin/redis-check-rdb is a multi-call program that looks
 * at the name it was called by (argv[0]). The package redis-server only adds a link to it and a system
 * service, and a service is what a demo or a test must not leave running: so it is redis-tools that is
 * installed, and the name is given at the start of the process, without a link.
 */
import { type ExecFileSyncOptions, execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { Failure } from "./program.ts";

/** A program and the name to call it by (`argv0` of `spawn`). */
export type Program = { readonly file: string; readonly argv0: string };

/**
 * Finds redis-server; as root on Debian, installs it where it is missing.
 *
 * @throws {Failure} one line that says what to install
 */
export function redisServer(): Program {
  return findRedisServer() ?? installRedisTools();
}

function findRedisServer(): Program | undefined {
  for (const name of ["redis-server", "redis-check-rdb"]) {
    for (const directory of [...(process.env["PATH"] ?? "").split(":"), "/usr/bin"]) {
      const file = join(directory, name);
      if (directory.startsWith("/") && isExecutable(file)) return { file, argv0: "redis-server" };
    }
  }
  return undefined;
}

function installRedisTools(): Program {
  const advice = "install redis-server, or Debian's redis-tools, which has it without a system service";
  if (process.getuid?.() !== 0 || !isExecutable("/usr/bin/apt-get")) {
    throw new Failure(`Cannot find redis-server: ${advice}`);
  }
  process.stderr.write("Install redis-tools with apt-get, for redis-server\n");
  const options: ExecFileSyncOptions = {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    stdio: ["ignore", "ignore", "inherit"],
  };
  try {
    execFileSync("/usr/bin/apt-get", ["update", "-qq"], options);
    execFileSync("/usr/bin/apt-get", ["install", "-qq", "--no-install-recommends", "redis-tools"], options);
  } catch (cause) {
    throw new Failure(`Cannot install redis-tools: apt-get failed, ${advice}`, { cause });
  }
  const program = findRedisServer();
  if (program === undefined) throw new Failure(`Cannot find redis-server in redis-tools: ${advice}`);
  return program;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

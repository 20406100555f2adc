/**
 * The real Faraday server and the original agent, installed from PyPI, in $XDG_CACHE_HOME/cb-test/faraday.
 *
 * Two Python environments, as both want a python-socketio of their own. Kept from run to run: they take a minute
 * and most of a gigabyte. uv makes them, in half the time and space that pip takes. psycopg2 comes as source, so a C
 * compiler is needed.
 */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { Failure } from "../../build/program.ts";
import { findTool } from "../../build/tool.ts";
import { mustRun } from "../packages/must-run.ts";

/** What the table of the originals was measured with. */
export const SERVER_VERSION = "5.25.2";
const AGENT_VERSION = "3.9.1";
const UV_VERSION = "0.13.9";

export type Installation = {
  readonly directory: string;
  /** Where the server's programs are: faraday-server, faraday-worker, faraday-manage. */
  readonly serverPrograms: string;
  /** The original agent, and the Python in which its executors are installed. */
  readonly agent: string;
  readonly agentPython: string;
  /** Where postgres, initdb and psql are. */
  readonly postgres: string;
};

/** Installs what is missing; three minutes on a bare machine, no time at all afterwards. */
export async function installation(signal: AbortSignal): Promise<Installation> {
  installDebianPackages();
  const directory = join(cacheDirectory(), "faraday");
  mkdirSync(directory, { recursive: true });
  const server = await environment(directory, `faradaysec==${SERVER_VERSION}`, signal);
  const agent = await environment(directory, `faraday-agent-dispatcher==${AGENT_VERSION}`, signal);
  return {
    directory,
    serverPrograms: join(server, "bin"),
    agent: join(agent, "bin/faraday-dispatcher"),
    agentPython: join(agent, "bin/python"),
    postgres: newestPostgres() ?? "",
  };
}

function cacheDirectory(): string {
  const set = process.env["XDG_CACHE_HOME"] ?? "";
  return join(isAbsolute(set) ? set : join(homedir(), ".cache"), "cb-test");
}

/** A Python environment with one package and what it needs. @returns its directory */
async function environment(parent: string, requirement: string, signal: AbortSignal): Promise<string> {
  const directory = join(parent, requirement);
  const done = join(directory, "installed");
  if (existsSync(done)) return directory;
  process.stdout.write(`Install ${requirement} in ${directory}\n`);
  rmSync(directory, { recursive: true, force: true });
  const uv = await uvProgram(parent, signal);
  await mustRun([uv, "venv", "--quiet", "--python", "/usr/bin/python3", directory], signal);
  const python = join(directory, "bin/python");
  // Compiled at once: otherwise the first start of the server does it, while a test waits for it.
  await mustRun([uv, "pip", "install", "--compile-bytecode", "--python", python, requirement], signal);
  writeFileSync(done, "");
  return directory;
}

async function uvProgram(parent: string, signal: AbortSignal): Promise<string> {
  const directory = join(parent, `uv==${UV_VERSION}`);
  const program = join(directory, "bin/uv");
  if (!existsSync(program)) {
    await mustRun(["/usr/bin/python3", "-m", "venv", directory], signal);
    await mustRun([join(directory, "bin/pip"), "install", "--quiet", `uv==${UV_VERSION}`], signal);
  }
  return program;
}

/** Debian's packages by a file that each has; those that are installed are not asked for. */
const DEBIAN_PACKAGES: Readonly<Record<string, string>> = {
  postgresql: "/usr/lib/postgresql/*/bin/initdb",
  "postgresql-client": "/usr/lib/postgresql/*/bin/psql",
  "python3-venv": "/usr/lib/python3*/ensurepip/__init__.py",
  "python3-dev": "/usr/include/python3*/Python.h",
  gcc: "/usr/bin/gcc",
  "libpq-dev": "/usr/include/postgresql/libpq-fe.h",
  libmagic1: "/usr/lib/*/libmagic.so.1",
  openssl: "/usr/bin/openssl",
};

/** @throws {Failure} one line that says what to install */
function installDebianPackages(): void {
  const missing = Object.entries(DEBIAN_PACKAGES)
    .filter(([, file]) => globSync(file).length === 0)
    .map(([name]) => name);
  if (missing.length === 0) return;
  const aptGet = findTool("apt-get");
  if (process.getuid?.() !== 0 || aptGet === undefined)
    throw new Failure(`Cannot find ${missing.join(", ")}: install them, on Debian with apt-get install`);
  process.stdout.write(`Install ${missing.join(", ")} with apt-get\n`);
  withoutServices(() => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const options = ["-qq", "-o", "DPkg::Lock::Timeout=300"];
    for (const words of [["update"], ["install", "-y", "--no-install-recommends", ...missing]])
      execFileSync(aptGet, [...options, ...words], { env, stdio: ["ignore", "ignore", "inherit"] });
  });
}

/** PostgreSQL's package would start a server of the system's, which nobody here wants (invoke-rc.d(8)). */
function withoutServices(body: () => void): void {
  const policy = "/usr/sbin/policy-rc.d";
  const isOurs = !existsSync(policy);
  if (isOurs) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    body();
  } finally {
    if (isOurs) rmSync(policy);
  }
}

function newestPostgres(): string | undefined {
  const major = (path: string) => Number(path.split("/")[4]);
  return globSync("/usr/lib/postgresql/*/bin").sort((one, other) => major(other) - major(one))[0];
}

/** PostgreSQL's and Redis' versions, for the report. */
export async function versions({ postgres }: Installation, signal: AbortSignal): Promise<string> {
  const said = await mustRun([join(postgres, "postgres"), "--version"], signal);
  const debian = readFileSync("/etc/debian_version", "utf8").trim();
  return `faradaysec ${SERVER_VERSION}, agent ${AGENT_VERSION}, ${said.trim()}, Debian ${debian}`;
}

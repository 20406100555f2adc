/**
 * A PostgreSQL of a test's own, on a socket in its directory; no port, no password.
 *
 * It refuses to run as root, so root lends it to the user postgres, whose its data then are; the directory must be one
 * that this user can reach. Nothing is synced: after a crash of the machine nobody wants its data.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { mustRun } from "../packages/must-run.ts";
import { RunningProgram } from "../support/running-program.ts";

export const DATABASE_USER = "faraday";
const START_LIMIT = 60_000;

export class Postgres {
  /** Where its socket is. */
  readonly directory: string;
  readonly #programs: string;
  readonly #server: RunningProgram;

  private constructor(directory: string, programs: string, server: RunningProgram) {
    this.directory = directory;
    this.#programs = programs;
    this.#server = server;
  }

  /** Makes an empty one. @param directory new, in one that everybody may enter */
  static async create(directory: string, programs: string, signal: AbortSignal): Promise<void> {
    mkdirSync(directory);
    if (process.getuid?.() === 0) execFileSync("chown", ["postgres:", directory]);
    const options = ["-U", DATABASE_USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"];
    const [file, ...args] = asItsUser(join(programs, "initdb"), "-D", join(directory, "data"), ...options);
    await mustRun([file, ...args], signal);
  }

  /** @returns when it takes connections */
  static async start(directory: string, programs: string, signal: AbortSignal): Promise<Postgres> {
    chmodSync(directory, 0o700);
    const settings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };
    const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const places = ["-D", join(directory, "data"), "-k", directory, "-c", "listen_addresses="];
    // Changing the user lifts what ties it to us, so it is tied once more; SIGINT is its fast shutdown.
    const tied = ["setpriv", "--pdeathsig", "INT", "--", join(programs, "postgres")] as const;
    const command = asItsUser(...tied, ...places, ...options);
    const server = new RunningProgram(command, { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" });
    const postgres = new Postgres(directory, programs, server);
    const deadline = Date.now() + START_LIMIT;
    while (!postgres.#answers()) {
      if (!server.isRunning || Date.now() > deadline) {
        await postgres.stop();
        throw new Error(`Cannot start PostgreSQL in "${directory}":\n${server.stderr}`);
      }
      await sleep(100, undefined, { signal });
    }
    return postgres;
  }

  #answers(): boolean {
    if (!existsSync(join(this.directory, ".s.PGSQL.5432"))) return false;
    try {
      this.query("select 1", "postgres");
      return true;
    } catch {
      return false;
    }
  }

  /** What one statement gives: lines, their fields separated by tabs, true and false as t and f. */
  query(statement: string, database = "faraday"): readonly (readonly string[])[] {
    const where = ["-h", this.directory, "-U", DATABASE_USER, "-d", database];
    const args = [...where, "-qAtX", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", statement];
    const text = execFileSync(join(this.#programs, "psql"), args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    return text === ""
      ? []
      : text
          .replace(/\n$/, "")
          .split("\n")
          .map((line) => line.split("\t"));
  }

  async stop(): Promise<void> {
    this.#server.kill("SIGINT");
    await this.#server.finished;
  }
}

function asItsUser(...command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  if (process.getuid?.() !== 0) return command;
  return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", ...command];
}

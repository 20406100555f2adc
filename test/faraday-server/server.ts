/**
 * A real Faraday server with its PostgreSQL, its Redis and its worker, on a free port of 127.0.0.1, in a directory of
 * its own that is removed with it.
 *
 * Every run has an empty database: making its tables takes 15 s, so a tar file of it is kept beside the installation.
 * HTTP_PROXY points to a closed port: at its start the server would ask its makers whether its licence is good.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { mustRun } from "../packages/must-run.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { RunningProgram } from "../support/running-program.ts";
import { type Installation, SERVER_VERSION } from "./installation.ts";
import { DATABASE_USER, Postgres } from "./postgres.ts";

/** The administrator; the password protects what lives for minutes on 127.0.0.1. */
export const ADMINISTRATOR = { name: "faraday", password: "Aa1!only-for-tests" } as const;
const START_LIMIT = 90_000;

/** Seconds; the server's own are 60 and 220, with which a dead link is seen after five minutes. */
export type Heartbeat = { readonly interval: number; readonly timeout: number };

export class FaradayServer {
  readonly url: URL;
  readonly database: Postgres;
  readonly #directory: string;
  readonly #installation: Installation;
  readonly #redis: RedisServer;
  readonly #worker: RunningProgram;
  #server: RunningProgram | undefined;

  private constructor(
    url: URL,
    directory: string,
    installed: Installation,
    helpers: { readonly database: Postgres; readonly redis: RedisServer; readonly worker: RunningProgram },
  ) {
    this.url = url;
    this.#directory = directory;
    this.#installation = installed;
    this.database = helpers.database;
    this.#redis = helpers.redis;
    this.#worker = helpers.worker;
  }

  static async start(
    installed: Installation,
    heartbeat: Heartbeat,
    signal: AbortSignal,
  ): Promise<FaradayServer> {
    const directory = mkdtempSync(join(tmpdir(), "cb-real-faraday-"));
    chmodSync(directory, 0o711);
    const ends: (() => Promise<unknown>)[] = [];
    try {
      await unpackDatabase(installed, directory, signal);
      const database = await Postgres.start(join(directory, "database"), installed.postgres, signal);
      ends.unshift(() => database.stop());
      mkdirSync(join(directory, "redis"));
      // By port, as Celery's two URLs do not agree on how a socket is written.
      const [port, redisPort] = [await freePort(), await freePort()];
      const extraArgs = ["--port", String(redisPort), "--bind", "127.0.0.1"];
      const redis = await startRedis({ directory: join(directory, "redis"), extraArgs });
      ends.unshift(() => redis.stop());
      configure(directory, { port, redisPort, heartbeat });
      const worker = launch(
        installed,
        directory,
        "faraday-worker",
        "--concurrency",
        "1",
        "--loglevel",
        "INFO",
      );
      ends.unshift(() => worker.end());
      const url = new URL(`http://127.0.0.1:${port}`);
      const server = new FaradayServer(url, directory, installed, { database, redis, worker });
      ends.unshift(() => server.down("SIGKILL"));
      await server.up(signal);
      await until(signal, worker, () =>
        Promise.resolve(/celery@\S* ready/.test(worker.stderr + worker.stdout)),
      );
      return server;
    } catch (error) {
      for (const end of ends) await end();
      rmSync(directory, { recursive: true });
      throw error;
    }
  }

  /** Starts the web server, which alone goes down and comes back; its port stays. */
  async up(signal: AbortSignal): Promise<void> {
    const server = launch(this.#installation, this.#directory, "faraday-server");
    this.#server = server;
    await until(signal, server, async () => (await fetch(new URL("/_api/config", this.url))).ok);
  }

  async down(how: "SIGTERM" | "SIGKILL"): Promise<void> {
    this.#server?.kill(how);
    await this.#server?.end();
    this.#server = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down("SIGTERM");
    await this.#worker.end();
    await this.#redis.stop();
    await this.database.stop();
    rmSync(this.#directory, { recursive: true });
  }
}

type Settings = { readonly port: number; readonly redisPort: number; readonly heartbeat: Heartbeat };

function configure(directory: string, { port, redisPort, heartbeat }: Settings): void {
  const home = join(directory, "home/.faraday");
  for (const name of ["config", "storage", "logs"]) mkdirSync(join(home, name), { recursive: true });
  writeFileSync(
    join(home, "config/server.ini"),
    `[faraday_server]
port = ${port}
bind_address = 127.0.0.1
celery_enabled = true
celery_broker_url = redis://127.0.0.1:${redisPort}/0
celery_backend_url = redis://127.0.0.1:${redisPort}/0
socketio_ping_interval = ${heartbeat.interval}
socketio_ping_timeout = ${heartbeat.timeout}
[database]
connection_string = postgresql+psycopg2://${DATABASE_USER}@/faraday?host=${join(directory, "database")}
[storage]
path = ${join(home, "storage")}
`,
  );
}

function launch(
  installed: Installation,
  directory: string,
  ...[name, ...args]: readonly [string, ...string[]]
) {
  const closed = "http://127.0.0.1:9";
  return new RunningProgram([join(installed.serverPrograms, name), ...args], {
    PATH: `${installed.serverPrograms}:/usr/sbin:/usr/bin:/sbin:/bin`,
    FARADAY_HOME: join(directory, "home"),
    HOME: join(directory, "home"),
    LC_ALL: "C.UTF-8",
    PYTHONUNBUFFERED: "1",
    HTTP_PROXY: closed,
    HTTPS_PROXY: closed,
    NO_PROXY: "127.0.0.1,localhost",
  });
}

/** Puts a database with tables and the administrator into the directory. */
async function unpackDatabase(
  installed: Installation,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const major = installed.postgres.split("/").at(-2);
  const tar = join(installed.directory, `database-${SERVER_VERSION}-postgresql-${major}.tar`);
  if (!existsSync(tar)) await makeDatabase(installed, tar, signal);
  await mustRun(["tar", "--extract", "--same-owner", "--directory", directory, "--file", tar], signal);
}

async function makeDatabase(installed: Installation, tar: string, signal: AbortSignal): Promise<void> {
  process.stdout.write(`Make the tables of ${tar}\n`);
  const directory = mkdtempSync(join(tmpdir(), "cb-real-faraday-"));
  chmodSync(directory, 0o711);
  try {
    await Postgres.create(join(directory, "database"), installed.postgres, signal);
    const database = await Postgres.start(join(directory, "database"), installed.postgres, signal);
    try {
      database.query("create database faraday", "postgres");
      configure(directory, { port: 1, redisPort: 1, heartbeat: { interval: 60, timeout: 220 } });
      const { name, password } = ADMINISTRATOR;
      const who = ["--username", name, "--email", "admin@example.test", "--password", password];
      for (const words of [["create-tables"], ["create-superuser", ...who]]) {
        const { status, stdout, stderr } = await launch(installed, directory, "faraday-manage", ...words)
          .finished;
        if (status !== 0)
          throw new Error(`faraday-manage ${words[0]} ended with ${status}:\n${stdout}${stderr}`);
      }
    } finally {
      await database.stop();
    }
    const aside = `${tar}.${process.pid}`;
    await mustRun(["tar", "--create", "--directory", directory, "--file", aside, "database"], signal);
    renameSync(aside, tar);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Waits until the check holds; its errors mean not yet. */
async function until(
  signal: AbortSignal,
  program: RunningProgram,
  check: () => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + START_LIMIT;
  for (;;) {
    if (await check().catch(() => false)) return;
    if (!program.isRunning || Date.now() > deadline)
      throw new Error(`Cannot start the Faraday server:\n${program.stdout}${program.stderr}`);
    await sleep(100, undefined, { signal });
  }
}

/** A port of this machine on which nobody listens; somebody might, a moment later. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("A port is expected");
  return address.port;
}

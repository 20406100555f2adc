/**
 * A private redis-server on a unix socket in a temporary directory, for tests, the demo and `npm run dev`.
 *
 * It must not outlive whoever started it, not even a test runner that is killed with SIGKILL or crashes. So a
 * small shell stands guard: it reads from a pipe whose other end only we hold, and when that end closes
 * without a word it ends the server and removes the directory. Both run in sessions of their own, so that
 * Ctrl-C reaches us first and the server last.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { redisServer } from "../../build/redis-server.ts";

/** Milliseconds that a server may take until it answers; far above what a busy machine needs. */
const START_LIMIT = 20_000;

export type RedisServer = {
  readonly socketPath: string;
  /** `unix://…`, as `--connection-string` takes it. */
  readonly url: string;
  readonly pid: number;
  /** Ends the server and removes what it left; may be called twice. */
  stop(): Promise<void>;
};

type RedisOptions = {
  /** Further arguments of redis-server, such as `["--requirepass", "secret"]`; the last one of a name wins. */
  readonly extraArgs?: readonly string[];
  /**
   * An existing directory to put `redis.sock` in, for a server that comes back where it was; its owner removes
   * it. Default: a new one, removed with the server.
   */
  readonly directory?: string;
};

/**
 * Starts a redis-server that keeps nothing on disk.
 *
 * @returns when it answers PING
 * @throws {Error} with the end of its log where it does not come up
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const program = redisServer();
  const own = options.directory === undefined;
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "cb-redis-"));
  const socketPath = join(directory, "redis.sock");
  const logPath = join(directory, "redis.log");
  const settings = {
    "--port": "0",
    "--unixsocket": socketPath,
    "--unixsocketperm": "700",
    "--dir": directory,
    "--save": "",
    "--appendonly": "no",
  };

  // Its log goes to its standard output: what is wrong with an argument is said there alone.
  const log = openSync(logPath, "a");
  const server = spawn(program.file, [...Object.entries(settings).flat(), ...(options.extraArgs ?? [])], {
    argv0: program.argv0,
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const pid = server.pid;
  if (pid === undefined) {
    const [cause] = await once(server, "error");
    if (own) rmSync(directory, { recursive: true });
    throw new Error(`Cannot start ${program.file}`, { cause });
  }
  server.unref();
  const ended = once(server, "exit");
  const leftovers = own ? [directory] : [socketPath, logPath];
  const guard = startGuard(pid, leftovers);

  let stopping: Promise<void> | undefined;
  const stop = async () => {
    if (hasNotEnded(server)) server.kill("SIGKILL");
    await ended;
    await guard.dismiss();
    for (const path of leftovers) rmSync(path, { recursive: true, force: true });
  };
  const stopOnce = () => {
    stopping ??= stop();
    return stopping;
  };

  const deadline = Date.now() + START_LIMIT;
  while (!(await answersPing(socketPath))) {
    if (hasNotEnded(server) && Date.now() < deadline) {
      await sleep(10);
      continue;
    }
    const reason = lastLines(logPath);
    await stopOnce();
    throw new Error(`Cannot start redis-server in "${directory}": ${reason}`);
  }
  return { socketPath, url: `unix://${socketPath}`, pid, stop: stopOnce };
}

/** @param leftovers removed with the server if we go without a word */
function startGuard(pid: number, leftovers: readonly string[]) {
  const script = 'pid=$1; shift; read -r _ || { kill -KILL "$pid"; rm -rf "$@"; }';
  const guard = spawn("/bin/sh", ["-c", script, "redis-guard", String(pid), ...leftovers], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.unref();
  const ended = once(guard, "exit");
  return {
    async dismiss(): Promise<void> {
      guard.stdin.end("done\n");
      await ended;
    },
  };
}

function hasNotEnded(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** Whether something answers PING in the protocol of Redis; that it asks for a password counts, too. */
function answersPing(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => finish(false));
    socket.once("connect", () => socket.write("PING\r\n"));
    socket.once("data", (data) => finish(/^(\+PONG|-NOAUTH)/.test(data.toString("latin1"))));
    socket.once("error", () => finish(false));
    socket.once("close", () => finish(false));
  });
}

function lastLines(path: string): string {
  return readFileSync(path, "utf8").trim().split("\n").slice(-3).join(" / ");
}

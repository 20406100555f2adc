/**
 * A whole installation in a temporary directory: Redis, keys, run-directory, agents, and stations run as a user
 * runs them, on what `npm run build` made.
 *
 * The programs find everything where a user's would: keys in ~/.config/cb, the rest in their environment.
 */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../build/paths.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { type Finished, lines, RunningProgram } from "./running-program.ts";
import { FOREIGN, type Runtime, runtimes } from "./runtimes.ts";
import { WireTap } from "./wire-tap.ts";

type FleetOptions = {
  /** One of `RUNTIMES`, or `FOREIGN`'s; default: the executable. */
  readonly runtime?: string;
  /** Whether programs reach Redis through `tap`. */
  readonly tapped?: boolean;
};

/** How a program is started, where it is not as usual. */
export type Surroundings = {
  readonly environment?: Readonly<Record<string, string>>;
  /** A program and its first arguments; the usual command follows. */
  readonly wrapper?: readonly string[];
  /** A CommonJS module that the runtime loads before `cb`. */
  readonly preload?: string;
};

type KeyFile = { readonly file: string; readonly text: string; readonly mode: number };

/** One record of an agent's log. */
type LogRecord = { readonly event: string; readonly [field: string]: unknown };

/** Names of the runtimes, for tests of each. */
export const RUNTIMES = runtimes("").map(({ name }) => name);

const FIXTURES = join(ROOT, "test/fixtures/executors");

export class Fleet implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "cb-fleet-"));
  /** Where programs look for keys and settings. */
  readonly config = this.path("home/.config/cb");
  readonly redisSocket = this.path("redis/redis.sock");
  /** The keys that the first fleet of each runtime has made; another one has a Redis of its own, and may use them. */
  static readonly #keys = new Map<string, readonly KeyFile[]>();
  readonly #runtime: Runtime;
  readonly #programs: RunningProgram[] = [];
  #redis: RedisServer | undefined;
  #tap: WireTap | undefined;

  private constructor(runtime: string) {
    const found = [...runtimes(this.directory), FOREIGN].find(({ name }) => name === runtime);
    if (found === undefined) throw new Error(`There is no runtime "${runtime}"`);
    this.#runtime = found;
    for (const name of ["home", "redis", "run.d"]) mkdirSync(this.path(name));
  }

  /** With Redis and keys, without agents. */
  static async start({ runtime = "executable", tapped = false }: FleetOptions = {}): Promise<Fleet> {
    const fleet = new Fleet(runtime);
    try {
      await fleet.startRedis();
      if (tapped) fleet.#tap = await WireTap.open({ path: fleet.path("tap.sock") }, fleet.redisSocket);
      await fleet.#makeKeys();
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
    return fleet;
  }

  /** @param redisArgs further arguments of redis-server */
  async startRedis(redisArgs: readonly string[] = []): Promise<void> {
    this.#redis = await startRedis({ directory: this.path("redis"), extraArgs: redisArgs });
  }

  get redis(): RedisServer {
    return this.#redis ?? missing("Redis");
  }

  get tap(): WireTap {
    return this.#tap ?? missing("a tap");
  }

  /** The processes of programs that were started and have not ended. */
  get pids(): readonly number[] {
    return this.#programs.filter((program) => program.isRunning).map((program) => program.pid);
  }

  /** A file of the fleet's own. */
  path(name: string): string {
    return join(this.directory, name);
  }

  /** Writes a file, and gives its path. */
  file(name: string, text: string, mode = 0o644): string {
    const path = this.path(name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  /** Writes a shell script into the run-directory. */
  command(name: string, ...script: readonly string[]): string {
    return this.file(`run.d/${name}`, ["#!/bin/sh", ...script, ""].join("\n"), 0o755);
  }

  async #makeKeys(): Promise<void> {
    const { name } = this.#runtime;
    const made = Fleet.#keys.get(name);
    if (made === undefined) {
      await this.keygen(this.config);
      Fleet.#keys.set(name, readKeys(this.config));
      return;
    }
    mkdirSync(this.config, { recursive: true, mode: 0o700 });
    for (const { file, text, mode } of made) writeFileSync(join(this.config, file), text, { mode });
  }

  /** Makes all four keys, unlike those of any fleet. */
  async keygen(directory: string): Promise<void> {
    const { status, stderr } = await this.cb(["keygen", "--directory", directory]);
    if (status !== 0) throw new Error(stderr);
  }

  /** Starts `cb`; the fleet ends it where it does not end by itself. */
  start(args: readonly string[], { environment, wrapper = [], preload }: Surroundings = {}): RunningProgram {
    return this.program([...wrapper, ...this.#command(preload), ...args], {
      ...(preload && { NODE_OPTIONS: `--require=${preload}`, BUN_OPTIONS: `--preload=${preload}` }),
      ...environment,
    });
  }

  /** What `cb` finds around it. */
  get environment(): Readonly<Record<string, string>> {
    const redis = this.#tap === undefined ? this.redisSocket : this.path("tap.sock");
    return {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      HOME: this.path("home"),
      HOSTNAME: "station1",
      STATE_DIRECTORY: this.path("state"),
      REDIS_CONNECTION_STRING: `unix://${redis}`,
    };
  }

  /** `cb`, as it is started. */
  get executable(): readonly string[] {
    return this.#command(undefined);
  }

  /** Starts any program in the surroundings of `cb`; the fleet ends it where it does not end by itself. */
  program(command: readonly string[], environment: Readonly<Record<string, string>> = {}): RunningProgram {
    const program = new RunningProgram(command, { ...this.environment, ...environment });
    this.#programs.push(program);
    return program;
  }

  /** Runs `cb` to its end. */
  async cb(args: readonly string[], surroundings?: Surroundings): Promise<Finished> {
    return this.start(args, surroundings).finished;
  }

  /** Runs `cb station` to its end. */
  async station(...args: readonly string[]): Promise<Finished> {
    return this.cb(["station", ...args]);
  }

  /** Starts an agent; unless told otherwise, it has the commands of run.d and of test/fixtures/executors. */
  startAgent(identity: string, options: readonly string[] = [], surroundings?: Surroundings): Agent {
    const usual = [this.path("run.d"), FIXTURES].flatMap((directory) => ["--run-directory", directory]);
    const directories = options.includes("--run-directory") ? [] : usual;
    const args = ["agent", "--identity", identity, ...directories, ...options];
    return new Agent(identity, this.start(args, surroundings), this.path(`state/default/${identity}`));
  }

  /** An agent that listens. */
  async agent(identity: string, options?: readonly string[], surroundings?: Surroundings): Promise<Agent> {
    const agent = this.startAgent(identity, options, surroundings);
    await agent.logged("hub-connected");
    return agent;
  }

  /** Deno has an option where the others have a variable. */
  #command(preload: string | undefined): readonly string[] {
    const { name, command } = this.#runtime;
    if (name !== "deno" || preload === undefined) return command;
    return command.flatMap((word) => (word === "run" ? [word, "--preload", preload] : [word]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.end()));
    this.#tap?.close();
    await this.#redis?.stop();
    rmSync(this.directory, { recursive: true });
  }
}

function readKeys(directory: string): readonly KeyFile[] {
  return readdirSync(directory).map((file) => {
    const path = join(directory, file);
    return { file, text: readFileSync(path, "utf8"), mode: statSync(path).mode & 0o777 };
  });
}

function missing(what: string): never {
  throw new Error(`The fleet was started without ${what}`);
}

export class Agent {
  readonly identity: string;
  readonly program: RunningProgram;
  /** Where its key and its journal are, if it listens on the default channel. */
  readonly state: string;

  constructor(identity: string, program: RunningProgram, state: string) {
    this.identity = identity;
    this.program = program;
    this.state = state;
  }

  /** The records of one event in its log so far. */
  records(event: string): readonly LogRecord[] {
    const complete = this.program.stderr.slice(0, this.program.stderr.lastIndexOf("\n") + 1);
    // Its last words, if it failed, are no record.
    const json = lines(complete).filter((line) => line.startsWith("{"));
    const records: readonly LogRecord[] = json.map((line) => JSON.parse(line));
    return records.filter((record) => record.event === event);
  }

  /** Resolves with the last record of an event, once there are as many. */
  async logged(event: string, times = 1): Promise<LogRecord> {
    return this.program.until(`${event} in the log of ${this.identity}`, () => {
      const records = this.records(event);
      return records.length >= times ? records.at(-1) : undefined;
    });
  }

  /** Ends it as a service manager does, and checks that it ends well. */
  async stop(): Promise<void> {
    const { status, stderr } = await this.program.end();
    if (status !== 0) throw new Error(`${this.identity} ended with ${status}:\n${stderr}`);
  }
}

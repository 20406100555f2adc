/**
 * A pentest box in a temporary directory: executors, the state of a dispatcher, a small Faraday server of its own,
 * and `cb dispatcher` as a user runs it, on what `npm run build` made.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ToldStatus } from "./faraday-channel.ts";
import { type FaradayOptions, FaradayServer, type PostedBody } from "./faraday-server.ts";
import { Agent, type Surroundings } from "./fleet.ts";
import { type Finished, RunningProgram } from "./running-program.ts";
import { type Runtime, runtimes } from "./runtimes.ts";

type BoxOptions = FaradayOptions & {
  /** One of `RUNTIMES`; default: the executable. */
  readonly runtime?: string;
};

export class ScanBox implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "cb-box-"));
  readonly state = this.path("state");
  readonly server: FaradayServer;
  readonly #runtime: Runtime;
  readonly #programs: RunningProgram[] = [];
  readonly #executors: string[] = [];

  private constructor(server: FaradayServer, runtime: string) {
    this.server = server;
    const found = runtimes(this.directory).find(({ name }) => name === runtime);
    if (found === undefined) throw new Error(`There is no runtime "${runtime}"`);
    this.#runtime = found;
    for (const name of ["home", "run.d"]) mkdirSync(this.path(name));
  }

  /** With a server, and no agent registered at it. */
  static async start({ runtime = "executable", ...options }: BoxOptions = {}): Promise<ScanBox> {
    return new ScanBox(await FaradayServer.start(options), runtime);
  }

  /** Of the server, as it is shown. */
  get url(): string {
    return this.server.url.href.replace(/\/$/, "");
  }

  /** A file of the box's own. */
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

  /** A file's text; empty where there is none. */
  read(name: string): string {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), "utf8") : "";
  }

  /** Puts a credential where a service manager would, in the directory `credentials`. */
  credential(name: string, text: string): void {
    mkdirSync(this.path("credentials"), { recursive: true });
    this.file(`credentials/${name}`, text, 0o400);
  }

  /** Writes a shell script into the run-directory; dispatchers that start from now on offer it. */
  executor(name: string, ...script: readonly string[]): void {
    this.#executors.push(name);
    this.file(`run.d/${name}`, ["#!/bin/sh", ...script, ""].join("\n"), 0o755);
  }

  /** For an executor's script: waits for a file of the box, and no longer than there is a box. */
  waitFor(name: string): string {
    return `while [ ! -e "${this.path(name)}" ] && [ -e "$0" ]; do sleep 0.05; done`;
  }

  /** Writes the manifest of an executor. */
  manifest(name: string, ...toml: readonly string[]): void {
    this.file(`run.d/${name}.toml`, [...toml, ""].join("\n"));
  }

  /** Makes the state directory our own, where root would make it that of the service's user, if there is one. */
  ownState(): void {
    mkdirSync(this.state, { recursive: true, mode: 0o700 });
  }

  /** Registers a new agent at the server, and puts its token where dispatchers look for it. */
  register(): string {
    const { token } = this.server.addAgent();
    this.ownState();
    this.file("state/agent.json", JSON.stringify({ token, server: this.url }), 0o600);
    return token;
  }

  /** The words that start `cb`. */
  get command(): readonly string[] {
    return this.#runtime.command;
  }

  /** What `start` puts around it. */
  get environment(): Readonly<Record<string, string>> {
    return { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: this.path("home"), STATE_DIRECTORY: this.state };
  }

  /** Starts `cb`; the box ends it where it does not end by itself. */
  start(
    args: readonly string[],
    { environment, wrapper = [] }: Omit<Surroundings, "preload"> = {},
  ): RunningProgram {
    const all = { ...this.environment, ...environment };
    const program = new RunningProgram([...wrapper, ...this.command, ...args], all);
    this.#programs.push(program);
    return program;
  }

  /** Runs `cb dispatcher status`, `stop` or `spool` to its end, or any other command of it. */
  async ask(...words: readonly string[]): Promise<Finished> {
    return this.start(["dispatcher", ...words]).finished;
  }

  /** Resolves when the dispatcher has nothing in its spool any more; the last file is gone a moment before that. */
  async emptied(): Promise<void> {
    for (const deadline = performance.now() + 15_000; performance.now() < deadline; ) {
      const { stdout } = await this.ask("status");
      if (/^spool +0 results\b.*\b0 bytes/m.test(stdout)) return;
    }
    throw new Error("The spool is not empty");
  }

  /** Runs `cb dispatcher check` to its end; however wide its columns are, three blanks stand between them. */
  async check(options: readonly string[] = [], surroundings?: Surroundings): Promise<Finished> {
    const words = ["dispatcher", "check", "--server", this.url, ...this.#usual, ...options];
    const finished = await this.start(words, surroundings).finished;
    return { ...finished, stdout: finished.stdout.replaceAll(/ {4,}/g, "   ") };
  }

  /** Starts `cb dispatcher run` with all executors that there are. */
  startDispatcher(options: readonly string[] = [], surroundings?: Surroundings): Dispatcher {
    const given = (name: string) => options.includes(name);
    const server = given("--server") ? [] : ["--server", this.url];
    const grace = given("--stop-grace") ? [] : ["--stop-grace", "1"];
    const args = ["dispatcher", "run", ...server, ...this.#usual, ...grace, ...options];
    return new Dispatcher(this.start(args, surroundings), this.state, this.server);
  }

  /** A dispatcher that is registered, and has joined the server. */
  async dispatcher(options?: readonly string[], surroundings?: Surroundings): Promise<Dispatcher> {
    this.register();
    const dispatcher = this.startDispatcher(options, surroundings);
    await dispatcher.logged("joined");
    return dispatcher;
  }

  get #usual(): readonly string[] {
    const executors = this.#executors.length === 0 ? [] : ["--executors", this.#executors.join(",")];
    return ["--run-directory", this.path("run.d"), ...executors];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map(endSoon));
    await this.server.stop();
    rmSync(this.directory, { recursive: true });
  }
}

/** How a run ended, as the server was told. */
type Ending = Pick<ToldStatus, "successful" | "message">;

export class Dispatcher extends Agent {
  readonly #server: FaradayServer;

  constructor(program: RunningProgram, state: string, server: FaradayServer) {
    super("the dispatcher", program, state);
    this.#server = server;
  }

  /** Resolves once it is so; throws the log where it never is. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    await this.program.until(what, () => isSo() || undefined);
  }

  /** What the server was told of a run's end so far; of each run there should be one, but for a lost connection. */
  endings(id: number): readonly Ending[] {
    const told = this.#server.record.statuses.filter(({ execution_ids: ids }) => ids.includes(id));
    return told
      .filter(({ running }) => running === false)
      .map(({ successful, message }) => ({ successful, message }));
  }

  /** Resolves with the last thing that the server was told of a run, once it was told of its end. */
  async ending(id: number): Promise<Ending> {
    return this.program.until(`the end of run ${id}`, () => this.endings(id).at(-1));
  }

  /** Resolves when a run's journal is gone, which it is once the server has acknowledged its end. */
  async forgets(id: number): Promise<void> {
    await this.until(
      `the end of the journal of ${id}`,
      () => !existsSync(`${this.state}/spool/${id}.ndjson`),
    );
  }

  /** Runs an executor to its end. */
  async run(executor: string, args?: object, workspaces?: readonly string[]): Promise<Ended> {
    const ids = this.#server.run(executor, args, workspaces);
    const [id = Number.NaN] = ids;
    const { successful, message } = await this.ending(id);
    return { id, ids, successful, message, hosts: hostsIn(this.#server.accepted(id)) };
  }
}

type Ended = Ending & {
  readonly id: number;
  /** One for each workspace. */
  readonly ids: readonly number[];
  /** Addresses that the first workspace was told of. */
  readonly hosts: readonly string[];
};

export function hostsIn(posts: readonly PostedBody[]): readonly string[] {
  return posts.flatMap(({ hosts = [] }) => hosts.map(({ ip }) => String(ip)));
}

/** A second signal spares what is left the time to be posted. */
async function endSoon(program: RunningProgram): Promise<void> {
  const hurry = setInterval(() => program.kill("SIGTERM"), 100);
  await program.end();
  clearInterval(hurry);
}

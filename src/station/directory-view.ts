/**
 * `--to-directory`: what each agent printed, as it comes, and what became of it, in files of its own:
 *
 *     DIR/web1/stdout        the bytes of its command
 *     DIR/web1/stderr
 *     DIR/web1/result.json   its last event of `--output ndjson`; alone, where its command never ran
 *
 * Names of agents are safe components of paths (core/names.ts). Files are the operator's alone, whatever the umask.
 * Few are open at a time, however many agents print at once. Where one cannot be written, the session goes on, as its
 * commands do, and its end says what is missing.
 */
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { CbError } from "../core/errors.ts";
import { attempt, makeDirectory } from "../core/files.ts";
import type { Identity } from "../core/names.ts";
import { printable } from "../core/text.ts";
import { utf8 } from "../protocol/bytes.ts";
import { type Exit, type Hello, STREAMS, type Stream } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";
import { agentResult, missingResult } from "./agent-result.ts";
import { judgeExit } from "./verdict.ts";
import type { Conclusion, View } from "./view.ts";

/** Files that are open at a time, at most: a process has some 1 000 for everything. */
const MAX_OPEN = 64;
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

export class DirectoryView implements View {
  readonly #directory: string;
  readonly #maxOpen: number;
  /** By path, the one that was written to last at the end. */
  readonly #open = new Map<string, number>();
  readonly #agents = new Set<Identity>();
  readonly #ended = new Set<Identity>();
  /** Not released so far: why their commands ended is known at the end alone. */
  readonly #held = new Set<Identity>();
  #request: Request | undefined;
  #failure: string | undefined;

  /**
   * @param directory made where it is not there
   * @throws {CbError} `file`, where it cannot be used or is not empty: nothing in it is ever changed
   */
  constructor(directory: string, maxOpen = MAX_OPEN) {
    this.#directory = directory;
    this.#maxOpen = maxOpen;
    if (existsSync(directory)) {
      const inside = attempt("use", directory, () => readdirSync(directory));
      if (inside.length > 0) {
        const why = "it is not empty, expected a directory that is new or empty";
        throw new CbError("file", `Cannot use "${printable(directory)}": ${why}`);
      }
    }
    makeDirectory(directory, DIRECTORY_MODE);
  }

  get losses(): readonly string[] {
    if (this.#failure === undefined) return [];
    return [`${this.#failure}; what is in "${printable(this.#directory)}" is not complete`];
  }

  async start(request: Request): Promise<void> {
    this.#request = request;
  }

  async hello({ identity, disposition }: Hello): Promise<void> {
    if (disposition.is === "held") this.#held.add(identity);
    if (disposition.is === "running" || disposition.is === "queued") this.#begin(identity);
  }

  async release(identities: readonly Identity[]): Promise<void> {
    for (const identity of identities) {
      this.#held.delete(identity);
      this.#begin(identity);
    }
  }

  /** The files are there even if nothing is printed: silence is an answer, and a missing file is not. */
  #begin(identity: Identity): void {
    for (const stream of STREAMS) this.#append(identity, stream, new Uint8Array());
  }

  async output(identity: Identity, stream: Stream, data: Uint8Array): Promise<void> {
    this.#append(identity, stream, data);
  }

  async exit(identity: Identity, exit: Exit): Promise<void> {
    for (const stream of STREAMS) this.#close(this.#path(identity, stream));
    if (this.#request === undefined || this.#held.has(identity)) return;
    this.#ended.add(identity);
    this.#writeResult(identity, agentResult(judgeExit(identity, exit, this.#request), exit));
  }

  async flush(): Promise<void> {}

  async conclude({ outcome, agents, missing }: Conclusion): Promise<void> {
    for (const path of [...this.#open.keys()]) this.#close(path);
    const records = new Map(agents.map((agent) => [agent.hello.identity, agent]));
    for (const verdict of outcome.agents) {
      const { identity } = verdict;
      if (verdict.verdict === "not targeted" || this.#ended.has(identity)) continue;
      const record = records.get(identity);
      this.#writeResult(identity, agentResult(verdict, record?.exit, record?.hello.disposition));
    }
    for (const agent of missing) this.#writeResult(agent.identity, missingResult(agent));
  }

  #writeResult(identity: Identity, result: object): void {
    const path = this.#path(identity, "result.json");
    this.#trying(path, () => {
      this.#makeRoom(identity);
      const file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
      try {
        writeAll(file, utf8(`${JSON.stringify(result)}\n`));
      } catch (error) {
        // Half an object would stop whoever reads them all.
        unlinkSync(path);
        throw error;
      } finally {
        closeSync(file);
      }
    });
  }

  #append(identity: Identity, stream: Stream, data: Uint8Array): void {
    const path = this.#path(identity, stream);
    this.#trying(path, () => {
      this.#makeRoom(identity);
      const file =
        this.#open.get(path) ?? openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, FILE_MODE);
      this.#open.delete(path);
      this.#open.set(path, file);
      for (const oldest of this.#open.keys()) {
        if (this.#open.size <= this.#maxOpen) break;
        this.#close(oldest);
      }
      writeAll(file, data);
    });
  }

  #makeRoom(identity: Identity): void {
    if (this.#agents.has(identity)) return;
    mkdirSync(join(this.#directory, identity), { mode: DIRECTORY_MODE });
    this.#agents.add(identity);
  }

  #close(path: string): void {
    const file = this.#open.get(path);
    this.#open.delete(path);
    if (file !== undefined) this.#trying(path, () => closeSync(file));
  }

  /** After the first failure nothing more is written: a file with a hole in it looks whole. */
  #trying(path: string, action: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      attempt("write", path, action);
    } catch (error) {
      if (!(error instanceof CbError)) throw error;
      this.#failure = error.message;
      for (const file of this.#open.values()) closeSync(file);
      this.#open.clear();
    }
  }

  #path(identity: Identity, name: string): string {
    return join(this.#directory, identity, name);
  }
}

function writeAll(file: number, data: Uint8Array): void {
  for (let done = 0; done < data.length; ) done += writeSync(file, data, done);
}

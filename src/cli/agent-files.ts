/**
 * The directory of `--to-directory`: a directory for each agent, with the files of its own that `station/directory-view`
 * puts there.
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
  mkdtempSync,
  openSync,
  readdirSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { CbError } from "../core/errors.ts";
import { attempt, makeDirectory } from "../core/files.ts";
import type { Identity } from "../core/names.ts";
import { printable } from "../core/text.ts";
import { STREAMS, type Stream } from "../protocol/reply.ts";
import type { AgentOutputs } from "../station/directory-view.ts";

/** Files that are open at a time, at most: a process has some 1 000 for everything. */
const MAX_OPEN = 64;
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

export class AgentFiles implements AgentOutputs {
  readonly #directory: string;
  readonly #maxOpen: number;
  readonly #isMade: boolean;
  /** By path, the one that was written to last at the end. */
  readonly #open = new Map<string, number>();
  readonly #agents = new Set<Identity>();
  #failure: string | undefined;

  /**
   * @param directory made where it is not there
   * @throws {CbError} `file`, where it cannot be used or is not empty: nothing in it is ever changed
   */
  constructor(directory: string, maxOpen = MAX_OPEN) {
    this.#directory = directory;
    this.#maxOpen = maxOpen;
    this.#isMade = !existsSync(directory);
    makeDirectory(directory, DIRECTORY_MODE);
    refuseIfUnusable(directory);
  }

  get losses(): readonly string[] {
    if (this.#failure === undefined) return [];
    return [`${this.#failure}; what is in "${printable(this.#directory)}" is not complete`];
  }

  /** Takes the directory away again, where it was made here and nothing is in it. */
  undo(): void {
    if (!this.#isMade) return;
    try {
      rmdirSync(this.#directory);
    } catch {
      // Something is in it by now, or it is gone.
    }
  }

  append(identity: Identity, stream: Stream, data: Uint8Array): void {
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

  finish(identity: Identity): void {
    for (const stream of STREAMS) this.#close(this.#path(identity, stream));
  }

  finishAll(): void {
    for (const path of [...this.#open.keys()]) this.#close(path);
  }

  result(identity: Identity, text: Uint8Array): void {
    const path = this.#path(identity, "result.json");
    this.#trying(path, () => {
      this.#makeRoom(identity);
      const file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
      try {
        writeAll(file, text);
      } catch (error) {
        // Half an object would stop whoever reads them all.
        unlinkSync(path);
        throw error;
      } finally {
        closeSync(file);
      }
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

/**
 * By doing what will be done in it: modes and access(2) know nothing of quotas, of links that lead nowhere, or of root on
 * a file server.
 */
function refuseIfUnusable(directory: string): void {
  const refuse = (why: string) => new CbError("file", `Cannot use "${printable(directory)}": ${why}`);
  const status = attempt("use", directory, () => statSync(directory, { throwIfNoEntry: false }));
  // To mkdir(2) such a link is there, to stat(2) it is not.
  if (status === undefined) throw refuse("it is a link that leads nowhere");
  if (!status.isDirectory()) throw refuse("it is not a directory");
  if (attempt("use", directory, () => readdirSync(directory)).length > 0)
    throw refuse("it is not empty, expected a directory that is new or empty");
  attempt("write to", directory, () => rmdirSync(mkdtempSync(join(directory, ".cb-"))));
}

function writeAll(file: number, data: Uint8Array): void {
  for (let done = 0; done < data.length; ) done += writeSync(file, data, done);
}

/**
 * Posts that the server has refused for good: each as a file, with the server's words in one beside it.
 *
 *   <id>.json         the body, byte for byte; it may be mended by hand before it is posted again
 *   <id>.about.json   run, executor, workspace, status, words
 *
 * An entry is there once its second file is. Nothing here is ever deleted but by `drop`.
 */
import { lstatSync, readdirSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { CbError, messageOf } from "../core/errors.ts";
import { attempt, isMissing, makeDirectory, readSmallFile, writeAtomically } from "../core/files.ts";
import { abridged } from "../core/text.ts";

export type QuarantinedPost = {
  readonly id: string;
  readonly run: string;
  readonly executor: string;
  readonly workspace: string;
  readonly executionId: number;
  /** When it was put here, milliseconds since 1970. */
  readonly at: number;
  /** HTTP status of the last answer; undefined where there was none. */
  readonly status: number | undefined;
  /** The server's, as they came: untrusted. */
  readonly words: string;
};

const ABOUT = ".about.json";
const BODY = ".json";
const ID = /^[A-Za-z0-9_-]{1,200}$/;
const MAX_ABOUT_BYTES = 1024 * 1024;
/** Characters of the server's words that are kept. */
const MAX_WORDS = 64 * 1024;
/** Beyond any body that was ever posted. */
const MAX_BODY_BYTES = 1024 * 1024 * 1024;

/** Of a file that people may have had in their editor. */
function isAbout(value: unknown): value is Omit<QuarantinedPost, "id"> {
  if (typeof value !== "object" || value === null) return false;
  const { run, executor, workspace, at, words } = value as Record<string, unknown>;
  return (
    [run, executor, workspace, words].every((text) => typeof text === "string") && typeof at === "number"
  );
}

export class Quarantine {
  readonly #directory: string;

  /** @param directory made when something is put in */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Keeps a post; on disk when it returns. One of the same id is replaced.
   *
   * @throws {CbError} `file`
   */
  add(post: QuarantinedPost, body: Uint8Array): void {
    makeDirectory(this.#directory, 0o700);
    writeAtomically(this.#path(post.id, BODY), body, 0o600);
    this.#describe(post);
  }

  /**
   * All of them, oldest first; of one that is damaged, what is wrong with it.
   *
   * @throws {CbError} `file` where the directory cannot be read
   */
  list(): readonly QuarantinedPost[] {
    const posts = this.#names()
      .filter((name) => name.endsWith(ABOUT))
      .map((name) => this.#described(name.slice(0, -ABOUT.length)));
    return posts.sort((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1));
  }

  /** Bytes on disk. @throws {CbError} `file` */
  get bytes(): number {
    // Not where links lead, and not what is gone: editors put both here for a while.
    const sizes = this.#names().map((name) => {
      const path = join(this.#directory, name);
      return attempt("read", path, () => lstatSync(path, { throwIfNoEntry: false }))?.size ?? 0;
    });
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** @throws {CbError} `usage` for an id that is not there; `file` */
  show(id: string): { readonly post: QuarantinedPost; readonly body: Uint8Array } {
    const post = this.#about(id);
    return { post, body: readSmallFile(this.#path(id, BODY), this.#bodySize(id)) };
  }

  /** Deletes a post for good. @throws {CbError} as `show` */
  drop(id: string): void {
    this.#about(id);
    // First what makes it an entry: a body alone is nothing that anybody sees.
    for (const suffix of [ABOUT, BODY]) {
      const path = this.#path(id, suffix);
      attempt("delete", path, () => unlinkSync(path));
    }
  }

  /** The server has refused it again, in other words. @throws {CbError} as `show` */
  refusedAgain(id: string, status: number | undefined, words: string, at: number): void {
    this.#describe({ ...this.#about(id), status, words, at });
  }

  #describe(post: QuarantinedPost): void {
    const about = { ...post, words: post.words.slice(0, MAX_WORDS) };
    writeAtomically(this.#path(post.id, ABOUT), Buffer.from(`${JSON.stringify(about)}\n`), 0o600);
  }

  #described(id: string): QuarantinedPost {
    try {
      return this.#about(id);
    } catch (error) {
      if (!(error instanceof CbError)) throw error;
      const unknown = { run: "", executor: "", workspace: "", executionId: 0, at: 0, status: undefined };
      return { id, ...unknown, words: error.message };
    }
  }

  #about(id: string): QuarantinedPost {
    const unknown = () => new CbError("usage", `Cannot find "${abridged(id)}" in quarantine: no such post`);
    if (!ID.test(id)) throw unknown();
    const path = this.#path(id, ABOUT);
    try {
      const about = JSON.parse(Buffer.from(readSmallFile(path, MAX_ABOUT_BYTES)).toString());
      if (!isAbout(about)) throw new SyntaxError("it is no description of a post");
      // A status that is undefined has no place in JSON.
      return { ...about, status: about.status, id };
    } catch (error) {
      if (isMissing(error)) throw unknown();
      if (error instanceof SyntaxError)
        throw new CbError("file", `Cannot read "${path}": ${messageOf(error)}`);
      throw error;
    }
  }

  #bodySize(id: string): number {
    const path = this.#path(id, BODY);
    return Math.min(attempt("read", path, () => statSync(path)).size, MAX_BODY_BYTES);
  }

  #names(): readonly string[] {
    try {
      return attempt("read", this.#directory, () => readdirSync(this.#directory));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  #path(id: string, suffix: string): string {
    return join(this.#directory, id + suffix);
  }
}

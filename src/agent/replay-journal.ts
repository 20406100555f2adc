/**
 * Which sessions this agent has spent, kept across restarts, crashes and clocks that are set back.
 *
 *   cb-journal 1 <born> <floor> <checksum>          ms since the epoch
 *   <session id> <expires> <checksum>               one line a session, appended
 *
 * A line that was not ended by its newline when the machine lost power is no damage: its command had not been
 * started, since the record reaches the disk first. Any other defect is: then nobody can say which requests
 * have run, and `born` refuses all that could be among them. Source: PROTOCOL.md §5.
 */
import { closeSync, fdatasync, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { isMissing, readSmallFile, writeAtomically } from "../core/files.ts";
import { hex, utf8 } from "../protocol/bytes.ts";
import { blake2b256 } from "../protocol/crypto.ts";
import { MAX_FUTURE } from "../protocol/limits.ts";
import type { ReplayState } from "./freshness.ts";

/** Sessions remembered, at most; beyond them nothing runs. */
export const MAX_SESSIONS = 65_536;
/** A journal of that many lines has room to spare in this many bytes. */
const MAX_JOURNAL_BYTES = 16 * 1024 * 1024;
/** Appended lines after which expired sessions are dropped from the file. */
const COMPACT_AFTER = 4096;

type Content = { readonly born: number; readonly floor: number; readonly sessions: Map<string, number> };

export class ReplayJournal implements ReplayState {
  readonly #path: string;
  readonly #born: number;
  #floor: number;
  #sessions: Map<string, number>;
  #file = -1;
  #appended = 0;
  /** An append failed half-way: the file must be written anew before it is appended to. */
  #torn = false;

  private constructor(path: string, content: Content) {
    this.#path = path;
    this.#born = content.born;
    this.#floor = content.floor;
    this.#sessions = content.sessions;
  }

  /**
   * Reads the journal, or begins one, and writes it anew without expired sessions.
   *
   * @param firstStart no agent key exists either, so no request can have been run by this agent
   * @param onDamage told where a damaged journal was set aside
   * @throws the system's error where the journal cannot be read or written
   */
  static open(
    path: string,
    now: number,
    firstStart: boolean,
    onDamage: (aside: string) => void,
  ): ReplayJournal {
    const text = readIfThere(path);
    let content = text === undefined ? undefined : parse(text);
    if (text !== undefined && content === undefined) {
      const aside = `${path}.damaged-${now}`;
      renameSync(path, aside);
      onDamage(aside);
    }
    content ??= {
      born: firstStart && text === undefined ? now : now + MAX_FUTURE,
      floor: 0,
      sessions: new Map(),
    };
    const journal = new ReplayJournal(path, content);
    journal.#rewrite(now);
    return journal;
  }

  get born(): number {
    return this.#born;
  }

  get floor(): number {
    return this.#floor;
  }

  has(session: Uint8Array): boolean {
    return this.#sessions.has(hex(session));
  }

  /**
   * Records a session; synchronous, so that no second look-up can come between. `sync` makes it durable.
   *
   * @throws where it cannot be recorded; the session then counts as spent in this process all the same
   */
  spend(session: Uint8Array, expires: number, now: number): void {
    const id = hex(session);
    this.#sessions.set(id, expires);
    // A deleted journal still takes writes, to a file that is gone with this process.
    const mustRewrite = this.#torn || this.#appended >= COMPACT_AFTER || fstatSync(this.#file).nlink === 0;
    if (mustRewrite) this.#rewrite(now);
    else this.#append(`${id} ${expires}`);
    if (this.#sessions.size > MAX_SESSIONS) this.#rewrite(now);
    if (this.#sessions.size > MAX_SESSIONS)
      throw new Error(`${MAX_SESSIONS} sessions are remembered already`);
  }

  /** Resolves when all that was spent is on disk. */
  async sync(): Promise<void> {
    const file = this.#file;
    try {
      await promisify(fdatasync)(file);
    } catch (error) {
      // A rewrite in between closes this file, and has then brought all that was in it to the disk.
      if (file === this.#file) throw error;
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #append(record: string): void {
    const line = utf8(checked(record));
    this.#torn = true;
    if (writeSync(this.#file, line) !== line.length)
      throw new Error("the journal took only part of a record");
    this.#torn = false;
    this.#appended++;
  }

  #rewrite(now: number): void {
    for (const [id, expires] of this.#sessions) {
      if (expires > now) continue;
      this.#sessions.delete(id);
      this.#floor = Math.max(this.#floor, expires);
    }
    const records = [...this.#sessions].map(([id, expires]) => checked(`${id} ${expires}`));
    writeAtomically(
      this.#path,
      utf8(checked(`cb-journal 1 ${this.#born} ${this.#floor}`) + records.join("")),
      0o600,
    );
    const file = openSync(this.#path, "a", 0o600);
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = file;
    this.#torn = false;
    this.#appended = 0;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return Buffer.from(readSmallFile(path, MAX_JOURNAL_BYTES)).toString("latin1");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The content, or undefined where any line but an unended last one is not as it was written. */
function parse(text: string): Content | undefined {
  const lines = text.split("\n").slice(0, -1);
  const header = /^cb-journal 1 (\d{1,16}) (\d{1,16})$/.exec(unchecked(lines.shift()) ?? "");
  if (header === null) return undefined;
  const sessions = new Map<string, number>();
  for (const line of lines) {
    const record = /^([0-9a-f]{32}) (\d{1,16})$/.exec(unchecked(line) ?? "");
    if (record === null) return undefined;
    sessions.set(String(record[1]), Number(record[2]));
  }
  return { born: Number(header[1]), floor: Number(header[2]), sessions };
}

function checked(record: string): string {
  return `${record} ${checksum(record)}\n`;
}

function unchecked(line: string | undefined): string | undefined {
  const at = line?.lastIndexOf(" ") ?? -1;
  const record = line?.slice(0, at);
  return record !== undefined && line?.slice(at + 1) === checksum(record) ? record : undefined;
}

function checksum(record: string): string {
  return hex(blake2b256(utf8(record)).subarray(0, 4));
}

/**
 * The records of the last run on each channel, in the state directory: `last-run/CHANNEL.json`, for its owner alone.
 *
 * What a run adds is put into what is there by then, under a lock, so that stations that run at the same time lose
 * nothing of each other; of two commands at the same time the one that began last has the record, and the other says so.
 * A file is only ever replaced whole: what a kill -9 or a power failure costs is the last second.
 */
import { existsSync, renameSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { CbError } from "../core/errors.ts";
import { attempt, isMissing, readSmallFile, writeAtomically } from "../core/files.ts";
import type { Channel, Identity } from "../core/names.ts";
import { printable } from "../core/text.ts";
import { utf8 } from "../protocol/bytes.ts";
import type { RecordKeeper } from "../station/record-view.ts";
import {
  beginRecord,
  type Changes,
  changeRecord,
  formatRunRecord,
  type Meant,
  parseRunRecord,
  type RunRecord,
  type RunStart,
  type Word,
  withoutRuns,
} from "../station/run-record.ts";
import { locked } from "./agent-store-files.ts";

/** A hundred thousand agents have room in it. */
const MAX_BYTES = 16 * 1024 * 1024;
const MODE = 0o600;
/** Milliseconds between two changes of the file while agents are at it. */
const INTERVAL = 1_000;
/** And this many times as long as the last one took: replies are not read meanwhile. */
const RELIEF = 20;
/** Seconds to wait for a lock: meanwhile it waits for nobody who stands still, for replies are to be read. */
const [PATIENCE, PATIENCE_MEANWHILE] = [10, 1];

export class RunRecordFile implements RecordKeeper {
  readonly #path: string;
  readonly #channel: Channel;
  readonly #meant: Meant;
  readonly #clock: Clock;
  readonly #failures = new Set<string>();
  readonly #pending = new Map<Identity, Word | undefined>();
  #former: RunRecord | undefined;
  #start: RunStart | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextAt = 0;
  /** It could not be written the last time. */
  #isStuck = false;
  /** Another command has begun since: the record is not ours any more. */
  #isLost = false;

  constructor(stateDirectory: string, channel: Channel, meant: Meant, clock: Clock) {
    this.#path = pathOf(stateDirectory, channel);
    this.#channel = channel;
    this.#meant = meant;
    this.#clock = clock;
  }

  /** What could not be kept, a sentence each. */
  get failures(): readonly string[] {
    return [...this.#failures];
  }

  begin(start: RunStart): readonly Identity[] {
    this.#start = start;
    this.#changing(PATIENCE, () => {
      this.#former = this.#readSound();
      writeRecord(this.#path, beginRecord(this.#former, start, this.#meant));
    });
    return this.#meant.identities;
  }

  change(changes: Changes): void {
    for (const [identity, word] of changes) this.#pending.set(identity, word);
    // Where it failed once, only the end tries again.
    if (this.#timer !== undefined || this.#isStuck) return;
    const save = () => {
      this.#timer = undefined;
      this.#save(PATIENCE_MEANWHILE);
    };
    this.#timer = setTimeout(save, Math.max(0, this.#nextAt - this.#clock.monotonic()));
    this.#timer.unref();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#save(PATIENCE);
  }

  withdraw(): void {
    clearTimeout(this.#timer);
    this.#pending.clear();
    this.#changing(PATIENCE, () => {
      const { command, begun } = readIfThere(this.#path) ?? {};
      if (command !== this.#start?.command || begun !== this.#start?.begun) return;
      if (this.#former !== undefined) writeRecord(this.#path, this.#former);
      else attempt("remove", this.#path, () => unlinkSync(this.#path));
    });
  }

  #save(patience: number): void {
    const start = this.#start;
    if (start === undefined || this.#pending.size === 0 || this.#isLost) return;
    this.#changing(patience, () => {
      const found = readIfThere(this.#path);
      const changed = changeRecord(found, this.#former, start, this.#pending);
      this.#isLost = changed === undefined;
      if (changed !== undefined) writeRecord(this.#path, changed);
      else this.#failures.add(this.#supersededBy(found));
      this.#pending.clear();
    });
  }

  #supersededBy(record: RunRecord | undefined): string {
    const what = `what became of "${this.#start?.command}" is not kept for --retry-failed`;
    return `${what}: "${record?.command}" was begun on channel "${this.#channel}" meanwhile`;
  }

  /** A record that cannot be used is nobody's last run; it is set aside. */
  #readSound(): RunRecord | undefined {
    try {
      return readIfThere(this.#path);
    } catch (error) {
      if (!(error instanceof CbError) || error.cause !== undefined) throw error;
      const aside = `${this.#path}.damaged-${this.#clock.wall()}`;
      attempt("rename", this.#path, () => renameSync(this.#path, aside));
      this.#failures.add(`${error.message}; set it aside as "${printable(aside)}"`);
      return undefined;
    }
  }

  /** Does it under the lock; the run goes on without it where it cannot be done. */
  #changing(patience: number, action: () => void): void {
    const since = this.#clock.monotonic();
    try {
      locked(this.#path, action, patience);
      this.#isStuck = false;
    } catch (error) {
      if (!(error instanceof CbError)) throw error;
      this.#isStuck = true;
      this.#failures.add(error.message);
    }
    const now = this.#clock.monotonic();
    this.#nextAt = now + Math.max(INTERVAL, RELIEF * (now - since));
  }
}

/**
 * The last run on a channel; undefined where none is recorded.
 *
 * @throws {CbError} `file`
 */
export function readRunRecord(stateDirectory: string, channel: Channel): RunRecord | undefined {
  return readIfThere(pathOf(stateDirectory, channel));
}

/**
 * Takes agents off the record, which nobody is to be asked to repeat for.
 *
 * @throws {CbError} `file` or `locked`
 */
export function forgetRuns(stateDirectory: string, channel: Channel, identities: readonly Identity[]): void {
  const path = pathOf(stateDirectory, channel);
  if (!existsSync(path)) return;
  locked(path, () => {
    const record = readIfThere(path);
    if (record !== undefined) writeRecord(path, withoutRuns(record, identities));
  });
}

function writeRecord(path: string, record: RunRecord): void {
  writeAtomically(path, utf8(formatRunRecord(record)), MODE);
}

function pathOf(stateDirectory: string, channel: Channel): string {
  return join(stateDirectory, "last-run", `${channel}.json`);
}

function readIfThere(path: string): RunRecord | undefined {
  try {
    return parseRunRecord(new TextDecoder().decode(readSmallFile(path, MAX_BYTES)), path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

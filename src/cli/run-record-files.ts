/**
 * The records of the last run of each command on each channel, in the state directory, for its owner alone:
 * `last-runs/CHANNEL/COMMAND.json`. Nobody cleans up there: a fleet has few commands.
 *
 * What a run adds is put into what is there by then, under a lock, so that stations that run at the same time lose
 * nothing of each other. A file is only ever replaced whole: what a kill -9 or a power failure costs is the last second.
 * Records end in .json and nothing beside them does, so that no command has the name of another one's lock.
 */
import { existsSync, readdirSync, renameSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { CbError } from "../core/errors.ts";
import { attempt, isMissing, readSmallFile, writeAtomically } from "../core/files.ts";
import { type Channel, type CommandName, type Identity, isName } from "../core/names.ts";
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
const EXTENSION = ".json";
/** Milliseconds between two changes of the file while agents are at it. */
const INTERVAL = 1_000;
/** And this many times as long as the last one took: replies are not read meanwhile. */
const RELIEF = 20;
/** Seconds to wait for a lock: meanwhile it waits for nobody who stands still, for replies are to be read. */
const [PATIENCE, PATIENCE_MEANWHILE] = [10, 1];

/** Which runs a record is of. */
type Runs = { readonly channel: Channel; readonly command: CommandName };

export class RunRecordFile implements RecordKeeper {
  readonly #runs: Runs;
  readonly #path: string;
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

  constructor(stateDirectory: string, runs: Runs, meant: Meant, clock: Clock) {
    this.#runs = runs;
    this.#path = pathOf(stateDirectory, runs);
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
    if (this.#isStuck) this.#removeStale();
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
      // Another station may have begun one since.
      if (recordAt(this.#path, this.#runs)?.begun !== this.#start?.begun) return;
      if (this.#former !== undefined) writeRecord(this.#path, this.#former);
      else attempt("remove", this.#path, () => unlinkSync(this.#path));
    });
  }

  #save(patience: number): void {
    const start = this.#start;
    if (start === undefined || this.#pending.size === 0) return;
    this.#changing(patience, () => {
      const found = recordAt(this.#path, this.#runs) ?? beginRecord(this.#former, start, this.#meant);
      writeRecord(this.#path, changeRecord(found, this.#former, start, this.#pending));
      this.#pending.clear();
    });
  }

  /** What is there is not of the last run any more, and would be taken for it; to remove it wants no room on the disk. */
  #removeStale(): void {
    try {
      unlinkSync(this.#path);
    } catch {
      // None was there; or it stays, and why the record cannot be kept is said.
    }
  }

  /** A record that cannot be used is nobody's last run; it is set aside. */
  #readSound(): RunRecord | undefined {
    try {
      return recordAt(this.#path, this.#runs);
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
 * The last run of a command on a channel; undefined where none is recorded.
 *
 * @throws {CbError} `file`
 */
export function readRunRecord(stateDirectory: string, runs: Runs): RunRecord | undefined {
  return recordAt(pathOf(stateDirectory, runs), runs);
}

/**
 * Takes agents off all records of a channel, so that nobody is asked to repeat anything for them.
 *
 * @returns which records could not be changed, a sentence each
 */
export function forgetRuns(
  stateDirectory: string,
  channel: Channel,
  identities: readonly Identity[],
): readonly string[] {
  const failures: string[] = [];
  const telling = (action: () => void) => {
    try {
      action();
    } catch (error) {
      if (!(error instanceof CbError)) throw error;
      failures.push(error.message);
    }
  };
  const forgetIn = (path: string) => {
    if (!existsSync(path)) return;
    locked(path, () => {
      const record = readIfThere(path);
      if (record !== undefined) writeRecord(path, withoutRuns(record, identities));
    });
  };
  telling(() => {
    for (const command of recordedCommands(stateDirectory, channel))
      telling(() => forgetIn(pathOf(stateDirectory, { channel, command })));
  });
  return failures;
}

function recordedCommands(stateDirectory: string, channel: Channel): readonly CommandName[] {
  const directory = directoryOf(stateDirectory, channel);
  if (!existsSync(directory)) return [];
  const files = attempt("read", directory, () => readdirSync(directory));
  const commands = files
    .filter((file) => file.endsWith(EXTENSION))
    .map((file) => file.slice(0, -EXTENSION.length));
  return commands.filter((command) => isName<CommandName>(command));
}

function writeRecord(path: string, record: RunRecord): void {
  writeAtomically(path, utf8(formatRunRecord(record)), MODE);
}

function directoryOf(stateDirectory: string, channel: Channel): string {
  return join(stateDirectory, "last-runs", channel);
}

function pathOf(stateDirectory: string, { channel, command }: Runs): string {
  return join(directoryOf(stateDirectory, channel), `${command}${EXTENSION}`);
}

/** The record in a file of these runs, which must be of them: somebody may have copied it there. */
function recordAt(path: string, { command }: Runs): RunRecord | undefined {
  const record = readIfThere(path);
  if (record === undefined || record.command === command) return record;
  throw new CbError("file", `Cannot use "${printable(path)}": expected the record of a run of "${command}"`);
}

function readIfThere(path: string): RunRecord | undefined {
  try {
    return parseRunRecord(new TextDecoder().decode(readSmallFile(path, MAX_BYTES)), path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * The files in which a station remembers agents:
 *
 *   known_agents      in the state directory: who has which key. A damaged one stops everything, for guessing
 *                     would let strangers in.
 *   discovery.toml    in the cache directory: who is there. A damaged one is set aside: it can be learnt again.
 *
 * Both are read without a lock, since they are only ever replaced whole, and changed under one: what is there
 * by then is read again and changed by what is new alone, so that stations that run at the same time lose
 * nothing. The lock is a file of its own: one on a file that is then replaced would keep nobody out.
 */
import { renameSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { CbError } from "../core/errors.ts";
import {
  attempt,
  isMissing,
  makeDirectory,
  readSmallFileAndMode,
  type SmallFile,
  writeAtomically,
} from "../core/files.ts";
import { lockFile } from "../core/lock-file.ts";
import type { Channel, Identity } from "../core/names.ts";
import type { Values } from "../core/settings.ts";
import { printable } from "../core/text.ts";
import { formatToml, parseToml } from "../core/toml.ts";
import { utf8 } from "../protocol/bytes.ts";
import type { AgentPublicKey } from "../protocol/keys.ts";
import type { AgentStore, Learnt, Saved } from "../station/agent-store.ts";
import {
  asDiscovery,
  type Discovered,
  type DiscoveryDocument,
  discoveredOn,
  EMPTY_DISCOVERY,
  hasNews,
  withoutAgents,
  withSeen,
} from "../station/discovery.ts";
import {
  EMPTY_PINS,
  formatPins,
  type PinFile,
  type Pins,
  parsePins,
  pinsOn,
  withoutPins,
  withPins,
} from "../station/pins.ts";
import type { forgetSettings } from "./settings/station.ts";

/** A hundred thousand agents have room in it. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Whoever has the lock has it for milliseconds. */
const LOCK_SECONDS = 10;
/** Of a new file; one that is there keeps its own. */
const MODE = 0o600;

export type AgentStorePlaces = {
  readonly stateDirectory: string;
  /** Undefined: neither read nor written. */
  readonly discoveryFile: string | undefined;
};

export function storePlaces(settings: Values<typeof forgetSettings>): AgentStorePlaces {
  const { "state-directory": directory, "no-discovery": isOff, "discovery-file": discoveryFile } = settings;
  return { stateDirectory: directory, discoveryFile: isOff ? undefined : discoveryFile };
}

export class AgentStoreFiles implements AgentStore {
  readonly pins: Pins;
  readonly discovered: Discovered | undefined;
  /** What was wrong and is no obstacle, a sentence each. */
  readonly notices: readonly string[];
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #pinPath: string;
  readonly #discoveryPath: string | undefined;

  /**
   * Reads the files, which need not be there.
   *
   * @throws {CbError} `key` for a damaged pin file, naming the line; `file` for what the system does not let us read
   */
  constructor({ stateDirectory, discoveryFile }: AgentStorePlaces, channel: Channel, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
    this.#pinPath = pinFile(stateDirectory);
    this.#discoveryPath = discoveryFile;
    const notices: string[] = [];
    this.notices = notices;
    this.pins = pinsOn(channel, readPins(this.#pinPath).content);
    if (discoveryFile === undefined) return;
    let { content, damage } = readDiscovery(discoveryFile);
    if (damage !== undefined) {
      // Once more, under the lock: another station may have set it aside by now and written a sound one.
      const repair = () => this.#soundDiscovery(discoveryFile, notices).content;
      const isRepaired = attemptTo(() => (content = locked(discoveryFile, repair)), notices);
      if (!isRepaired) notices.push(damage);
    }
    this.discovered = discoveredOn(channel, content);
  }

  save({ seen, pins }: Learnt): Saved {
    const failures: string[] = [];
    let refused: readonly Identity[] = [];
    if (pins.size > 0) {
      attemptTo(() => {
        this.#changePins((file) => {
          const pinned = withPins(file, this.#channel, pins);
          refused = pinned.refused;
          return pinned.file;
        });
      }, failures);
    }
    if (hasNews(seen, this.discovered ?? new Map())) {
      attemptTo(() => {
        const now = this.#clock.wall();
        this.#changeDiscovery((document) => withSeen(document, this.#channel, seen, now), failures);
      }, failures);
    }
    return { refused, failures };
  }

  /**
   * Forgets agents, keys and all; of those that are not known nothing is changed.
   *
   * @throws {CbError} `file`, `key` or `locked`
   */
  forget(identities: readonly Identity[]): void {
    this.#changePins((file) => withoutPins(file, this.#channel, identities));
    this.#changeDiscovery((document) => withoutAgents(document, this.#channel, identities), []);
  }

  /**
   * Pins a key in place of the one that is pinned, if any.
   *
   * @throws {CbError} `key` where the key is pinned for another agent; `file` or `locked`
   */
  repin(identity: Identity, key: AgentPublicKey): void {
    this.#changePins((file) => {
      const without = withoutPins(file, this.#channel, [identity]);
      const { file: repinned, refused } = withPins(without, this.#channel, new Map([[identity, key]]));
      if (refused.length === 0) return repinned;
      throw new CbError("key", `Cannot accept this key for "${identity}": it is pinned for another agent`);
    });
  }

  #changePins(change: (file: PinFile) => PinFile): void {
    locked(this.#pinPath, () => {
      const { content, mode } = readPins(this.#pinPath);
      writeAtomically(this.#pinPath, utf8(formatPins(change(content))), mode);
    });
  }

  #changeDiscovery(change: (document: DiscoveryDocument) => DiscoveryDocument, notices: string[]): void {
    const path = this.#discoveryPath;
    if (path === undefined) return;
    locked(path, () => {
      const { content, mode } = this.#soundDiscovery(path, notices);
      writeAtomically(path, utf8(formatToml(change(content))), mode);
    });
  }

  /** Reads the discovery file, and sets it aside where it is damaged; to be called under its lock. */
  #soundDiscovery(path: string, notices: string[]): Read<DiscoveryDocument> {
    const found = readDiscovery(path);
    if (found.damage === undefined) return found;
    const aside = `${path}.damaged-${this.#clock.wall()}`;
    attempt("rename", path, () => renameSync(path, aside));
    notices.push(`${found.damage}; set it aside as "${printable(aside)}"`);
    return found;
  }
}

/** What is in a file, and the mode in which it is to be written. */
type Read<Content> = { readonly content: Content; readonly mode: number };

/** Of a directory of state. */
export function pinFile(stateDirectory: string): string {
  return join(stateDirectory, "known_agents");
}

/** @throws {CbError} as `AgentStoreFiles` */
export function readPins(path: string): Read<PinFile> {
  const file = readIfThere(path);
  if (file === undefined) return { content: EMPTY_PINS, mode: MODE };
  return { content: parsePins(new TextDecoder().decode(file.bytes), path), mode: file.mode };
}

/** @returns an empty document where the file is damaged, and why it is */
export function readDiscovery(path: string): Read<DiscoveryDocument> & { readonly damage?: string } {
  const file = readIfThere(path);
  const empty = { content: EMPTY_DISCOVERY, mode: file?.mode ?? MODE };
  if (file === undefined) return empty;
  try {
    return { ...empty, content: asDiscovery(parseToml(file.bytes, path, "file"), path) };
  } catch (error) {
    if (error instanceof CbError) return { ...empty, damage: error.message };
    throw error;
  }
}

function readIfThere(path: string): SmallFile | undefined {
  try {
    return readSmallFileAndMode(path, MAX_BYTES);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Changes a file under its lock; the directory is made where it is not there.
 *
 * @param patience seconds to wait for it
 * @throws {CbError} `file` or `locked`, besides what the action throws
 */
export function locked<Result>(path: string, action: () => Result, patience = LOCK_SECONDS): Result {
  makeDirectory(dirname(path), 0o700);
  const lock = lockFile(`${path}.lock`, "station", patience);
  try {
    return action();
  } finally {
    lock.release();
  }
}

/** Does what a session does not depend on, and says whether it was done; where it was not, the reason is kept. */
function attemptTo(action: () => void, failures: string[]): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!(error instanceof CbError)) throw error;
    failures.push(error.message);
    return false;
  }
}

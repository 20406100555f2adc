/**
 * What an agent keeps on its disk: one locked folder for each channel and identity, with its key and journal.
 *
 *     <state directory>/<channel>/<identity>/{agent.key,journal,lock}
 */
import { join } from "node:path";
import {
  createExclusive,
  isMissing,
  makeDirectory,
  readSmallFileAndMode,
  refuseIfReadableByOthers,
  refuseIfWritableByOthers,
} from "../core/files.ts";
import { lockFile } from "../core/lock-file.ts";
import type { Channel, Identity } from "../core/names.ts";
import { utf8 } from "../protocol/bytes.ts";
import { wipe } from "../protocol/crypto.ts";
import { formatKeyFile, MAX_KEY_FILE_BYTES, parseKeyFile } from "../protocol/key-text.ts";
import { type AgentKeyPair, agentKeyPair, newSeed } from "../protocol/keys.ts";
import { ReplayJournal } from "./replay-journal.ts";

export type AgentState = {
  readonly keyPair: AgentKeyPair;
  readonly journal: ReplayJournal;
  /** Where a damaged journal was set aside just now. */
  readonly damagedJournal: string | undefined;
  readonly close: () => void;
};

/**
 * Opens the state of one agent, and makes key and journal at its first start.
 *
 * @param now milliseconds since the epoch
 * @throws {CbError} `locked` where another agent has it, `key` for a damaged key, `file` for the system's refusals
 */
export function openAgentState(
  directory: string,
  channel: Channel,
  identity: Identity,
  now: number,
): AgentState {
  const folder = join(directory, channel, identity);
  makeDirectory(folder, 0o700);
  // Who can write the journal can make a request new again.
  refuseIfWritableByOthers(folder);
  const lock = lockFile(join(folder, "lock"), "agent");
  let damagedJournal: string | undefined;
  const keyFile = join(folder, "agent.key");
  const known = readAgentKey(keyFile);
  const journal = ReplayJournal.open(join(folder, "journal"), now, known === undefined, (aside) => {
    damagedJournal = aside;
  });
  // The journal first: a key without one reads as a journal that was lost.
  const keyPair = known ?? createAgentKey(keyFile, now);
  const close = () => {
    journal.close();
    lock.release();
  };
  return { keyPair, journal, damagedJournal, close };
}

function readAgentKey(path: string): AgentKeyPair | undefined {
  try {
    const { bytes, mode } = readSmallFileAndMode(path, MAX_KEY_FILE_BYTES, "key");
    refuseIfReadableByOthers(path, mode, {});
    return parseKeyFile(Buffer.from(bytes).toString(), "agent-secret", path)[0];
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function createAgentKey(path: string, now: number): AgentKeyPair {
  const seed = newSeed();
  const keyPair = agentKeyPair(seed);
  wipe(seed);
  createExclusive(path, utf8(formatKeyFile("agent-secret", keyPair, now)), 0o600);
  return keyPair;
}

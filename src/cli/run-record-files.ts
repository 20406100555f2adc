/** The records of the last run on each channel, in the state directory: `last-run/CHANNEL.json`, for its owner alone. */
import { dirname, join } from "node:path";
import { CbError } from "../core/errors.ts";
import { isMissing, makeDirectory, readSmallFile, writeAtomically } from "../core/files.ts";
import type { Channel, CommandName, Identity } from "../core/names.ts";
import { utf8 } from "../protocol/bytes.ts";
import { formatRunRecord, parseRunRecord, type RunRecord, toRepeat } from "../station/run-record.ts";

/** A hundred thousand agents have room in it. */
const MAX_BYTES = 16 * 1024 * 1024;

/** @returns what could not be kept, a sentence, or nothing: a run does not depend on it */
export function keepRunRecord(
  stateDirectory: string,
  channel: Channel,
  record: RunRecord,
): readonly string[] {
  const path = pathOf(stateDirectory, channel);
  try {
    makeDirectory(dirname(path), 0o700);
    writeAtomically(path, utf8(formatRunRecord(record)), 0o600);
    return [];
  } catch (error) {
    if (error instanceof CbError) return [error.message];
    throw error;
  }
}

/**
 * Where a command is to be run once more; none where it went well everywhere.
 *
 * @throws {CbError} `usage` where that was not the last command on the channel; `file`
 */
export function agentsToRepeat(
  stateDirectory: string,
  channel: Channel,
  command: CommandName,
): readonly Identity[] {
  const path = pathOf(stateDirectory, channel);
  const record = readIfThere(path);
  const cannot = (why: string) => new CbError("usage", `Cannot repeat "${command}": ${why}`);
  if (record === undefined) throw cannot(`no run on channel "${channel}" is recorded here`);
  if (record.command !== command)
    throw cannot(`the last run on channel "${channel}" was of "${record.command}"`);
  if (record.agents.size === 0) throw cannot(`nobody was reached by its last run on channel "${channel}"`);
  return toRepeat(record);
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

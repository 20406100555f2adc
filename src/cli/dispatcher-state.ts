/**
 * What a dispatcher keeps on its disk, in a directory that is its own while it runs:
 *
 *     <state directory>/{agent.json,lock,dispatcher.sock,spool/,quarantine/,work/}
 *
 * `agent.json` holds the agent's token, which never expires: who has it can post results in this agent's name.
 */
import { existsSync, readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { CbError } from "../core/errors.ts";
import {
  attempt,
  isMissing,
  makeDirectory,
  type Owner,
  readSmallFileAndMode,
  refuseIfReadableByOthers,
  refuseIfWritableByOthers,
  writeAtomically,
} from "../core/files.ts";
import { type LockFile, lockFile } from "../core/lock-file.ts";
import { printable } from "../core/text.ts";
import { isAgentToken } from "../faraday/api.ts";
import type { Registration } from "../setup/dispatcher-setup.ts";
import { actingAs } from "./state-owner.ts";

const MAX_FILE_BYTES = 64 * 1024;

export function dispatcherSocket(directory: string): string {
  return join(directory, "dispatcher.sock");
}

export function stateLock(directory: string): string {
  return join(directory, "lock");
}

/** @param owner of what is made, where root does something for the service */
export function lockState(directory: string, owner?: Owner): LockFile {
  makeDirectory(directory, 0o700, owner);
  refuseIfWritableByOthers(directory);
  return actingAs(owner, () => lockFile(stateLock(directory), "dispatcher"));
}

/** Whether anything waits in the spool, or is in quarantine. @throws {CbError} `file` */
export function holdsResults(directory: string): boolean {
  return ["spool", "quarantine"].some((name) => {
    const path = join(directory, name);
    return existsSync(path) && attempt("read", path, () => readdirSync(path)).length > 0;
  });
}

/** @throws {CbError} `key` for a file that others can read, or that is damaged */
export function readRegistration(directory: string): Registration | undefined {
  const path = registrationFile(directory);
  try {
    const { bytes, mode } = readSmallFileAndMode(path, MAX_FILE_BYTES, "key");
    refuseIfReadableByOthers(path, mode, {});
    const registration = parseRegistration(new TextDecoder().decode(bytes));
    if (registration !== undefined) return registration;
    throw new CbError(
      "key",
      `Cannot use "${printable(path)}": it is damaged, expected the token of an agent`,
      {
        hint: "Register again with --token CODE --register-again",
      },
    );
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** @throws {CbError} `file` */
export function writeRegistration(directory: string, registration: Registration, owner?: Owner): void {
  writeAtomically(registrationFile(directory), Buffer.from(registrationText(registration)), 0o600, owner);
}

/** Whether a registration could be written. @throws {CbError} `file` */
export function probeState(directory: string): void {
  const path = join(directory, "probe");
  writeAtomically(path, new Uint8Array(4096), 0o600);
  attempt("delete", path, () => unlinkSync(path));
}

/** What `agent.json` holds. */
export function registrationText(registration: Registration): string {
  return `${JSON.stringify(registration)}\n`;
}

export function registrationFile(directory: string): string {
  return join(directory, "agent.json");
}

function parseRegistration(text: string): Registration | undefined {
  try {
    const { token, server, id } = JSON.parse(text) as Partial<Record<keyof Registration, unknown>>;
    if (typeof token !== "string" || !isAgentToken(token) || typeof server !== "string") return undefined;
    return { token, server, ...(typeof id === "number" && { id }) };
  } catch {
    return undefined;
  }
}

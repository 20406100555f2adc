/** What the wizard writes: the files of a set-up, and a server's certificate beside them. */
import { existsSync, readFileSync, rmdirSync, unlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { CbError, systemCode } from "../core/errors.ts";
import type { LockFile } from "../core/lock-file.ts";
import { printable } from "../core/text.ts";
import type { EditableValue } from "../core/toml-edit.ts";
import { FaradayApi } from "../faraday/api.ts";
import type { HttpClient } from "../faraday/http-client.ts";
import type { Registration } from "../setup/dispatcher-setup.ts";
import { wizardSettings } from "../setup/wizard-settings.ts";
import type { Draft, OutlinedFile, Registered } from "../setup/work.ts";
import { newAgent, storedRegistration } from "./dispatcher-registration.ts";
import { lockState, registrationFile, stateLock } from "./dispatcher-state.ts";
import { type PlannedFile, planSetup, type SetupPlace, writePlanned } from "./setup-files.ts";
import { actingAs } from "./state-owner.ts";

export type WizardPlace = {
  readonly place: SetupPlace;
  /** The keys that dispatcher.toml has. */
  readonly now: { readonly has: (key: string) => boolean };
  /** Settings that options have given and that are not asked for. */
  readonly besides: ReadonlyMap<string, EditableValue>;
};

/** @throws {CbError} `file` where something would be lost that may not be */
function filesFor(
  { place, now, besides }: WizardPlace,
  draft: Draft,
  registration: Registration | undefined,
  replace: boolean,
): readonly PlannedFile[] {
  const { server, trust } = draft.connection;
  const name = `${new URL(server).hostname.replaceAll(/[^A-Za-z0-9.-]/g, "_")}.pem`;
  const certificate = join(dirname(place.config), name);
  const settings = new Map([...wizardSettings(draft, certificate, now), ...besides]);
  const files = planSetup(place, { settings, executors: draft.made, registration }, { replace });
  if (trust.kind !== "certificate") return files;
  const before = existsSync(certificate) ? readFileSync(certificate, "utf8") : undefined;
  if (before === trust.pem) return files;
  if (before !== undefined && !replace) {
    throw new CbError("file", `Cannot write "${printable(certificate)}": another certificate is there`, {
      hint: "Look at it, and add --replace if it may go",
    });
  }
  return [{ path: certificate, text: trust.pem, mode: 0o644, owner: undefined }, ...files];
}

export function outline(place: WizardPlace, draft: Draft, replace: boolean): readonly OutlinedFile[] {
  return filesFor(place, draft, undefined, replace).map(({ path }) => ({ path, isNew: !existsSync(path) }));
}

/** @returns the paths, as they were written */
export function writeAgreed(
  place: WizardPlace,
  draft: Draft,
  registration: Registration | undefined,
  replace: boolean,
): readonly string[] {
  // A token that the server has just told, and never tells again, may go over one that is there, and goes first.
  const token = registrationFile(place.place.stateDirectory);
  const files = filesFor(place, draft, undefined, replace);
  const first = registration === undefined ? [] : filesFor(place, draft, registration, true);
  const all = [...first.filter(({ path }) => path === token), ...files];
  writePlanned(place.place, all);
  return all.map(({ path }) => path);
}

/**
 * Asks the server for a token, and keeps it nowhere yet: what was made for that on the disk goes again where there is
 * none.
 *
 * @throws {CbError} for what a second try would not mend
 */
export async function registerFor(
  { place: { stateDirectory: directory, service } }: WizardPlace,
  { name, description }: Draft,
  code: string,
  http: HttpClient,
  signal: AbortSignal,
): Promise<Registered> {
  const made = missingOf(directory);
  const isFirst = !existsSync(stateLock(directory));
  let lock: LockFile | undefined;
  let isRegistered = false;
  try {
    lock = lockState(directory, service);
    const settings = { "state-directory": directory, name, description };
    storedRegistration({ ...settings, token: code, "register-again": true }, http.server);
    const api = new FaradayApi(http);
    const agent = await newAgent(settings, code, { api, server: http.server, signal });
    signal.throwIfAborted();
    if (agent === undefined) throw new Error("no registration, and no reason");
    isRegistered = true;
    return { ok: true, token: agent.token, id: agent.id };
  } catch (error) {
    // Another code may do, or the same once the dispatcher that runs has been stopped.
    if (!(error instanceof CbError) || !["server", "locked"].includes(error.code)) throw error;
    return { ok: false, problem: error.message, hint: error.hint };
  } finally {
    // While it is ours.
    if (!isRegistered && isFirst && lock !== undefined)
      actingAs(service, () => unlinkSync(stateLock(directory)));
    lock?.release();
    if (!isRegistered) removeEmpty(made);
  }
}

/** Others may have put something there meanwhile: only what is empty goes. @param directories the deepest first */
function removeEmpty(directories: readonly string[]): void {
  try {
    for (const directory of directories) rmdirSync(directory);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}

/** The directories on the way, and the last, that are not there yet; the deepest first. */
function missingOf(directory: string): readonly string[] {
  const missing: string[] = [];
  for (let next = resolve(directory); !existsSync(next); next = dirname(next)) missing.push(next);
  return missing;
}

/**
 * `cb dispatcher import FILE`: what a configuration of Faraday's agent dispatcher says, in files of ours.
 *
 * All of it is read and planned before anything is written. What the old agent used and this one cannot have is said as
 * LOST, and makes the status 1 although the rest is written: whoever moves fifty machines has to look at that one.
 */
import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { CbError, ExitStatus } from "../core/errors.ts";
import { attempt, openToOthers, readSmallFileAndMode } from "../core/files.ts";
import type { Environment } from "../core/settings.ts";
import { count, printable } from "../core/text.ts";
import { findInstallation, type Installation, readOfficialManifest } from "../faraday/official-executors.ts";
import { pythonOfOriginal } from "../faraday/original-dispatcher.ts";
import type { DispatcherSetup } from "../setup/dispatcher-setup.ts";
import type { ImportSurroundings } from "../setup/import-surroundings.ts";
import type { Note } from "../setup/notes.ts";
import { readOldConfiguration } from "../setup/old-configuration.ts";
import { setupOf } from "../setup/old-dispatcher.ts";
import { hasOfficial } from "../setup/old-executors.ts";
import { table } from "../station/table.ts";
import type { Invocation } from "./command.ts";
import { refuseOtherResults } from "./dispatcher-registration.ts";
import { write } from "./output.ts";
import { DISTRO_RUN_DIRECTORIES } from "./settings/dispatcher.ts";
import type { dispatcherImportSettings } from "./settings/dispatcher-setup.ts";
import {
  currentSettings,
  isHiddenFromService,
  planSetup,
  type SetupPlace,
  setupPlace,
  writePlanned,
} from "./setup-files.ts";
import { filesText, nextSteps } from "./setup-report.ts";
import { readCertificates } from "./tls-files.ts";

/** The original's own have a few kilobytes. */
const MAX_BYTES = 1024 * 1024;

/** @returns 0 where the new dispatcher does what the old one did; what was lost is thrown after all is written */
export async function importDispatcher({
  settings,
  origins,
  operands,
  context,
}: Invocation<typeof dispatcherImportSettings>): Promise<number> {
  const { replace, plan } = settings;
  const path = fileIn(operands[0] ?? "");
  const { bytes, mode } = readSmallFileAndMode(path, MAX_BYTES);
  const old = readOldConfiguration(bytes, path);
  const { environment } = context;
  const place = placeOf(settings, origins["state-directory"] === "default", environment);
  const installation = hasOfficial(old)
    ? await installationFor(settings.python, place, environment)
    : undefined;
  const taken = setupOf(old, surroundings(path, place, installation, environment));
  const setup = withStateDirectory(taken, place, origins["state-directory"] === "argument");
  refuseUnsafe(place, setup);
  const files = planSetup(place, setup, { replace });
  if (!plan) writePlanned(place, files);
  const notes = old.notes.all;
  if (!settings["errors-only"]) {
    const open = openToOthers(path, mode, environment);
    if (open !== undefined) await write(context.stderr, `cb: warning: "${printable(path)}": ${open}\n`);
    const written = `${filesText(files, plan)}\n${nextSteps(place, setup, environment)}`;
    await write(context.stdout, `${notesText(notes)}\n${written}`);
  }
  refuseLoss(path, notes);
  return ExitStatus.ok;
}

/** A directory stands for the file that the original would find in it. */
function fileIn(operand: string): string {
  const path = resolve(operand);
  const isDirectory = existsSync(path) && attempt("read", path, () => statSync(path)).isDirectory();
  if (!isDirectory) return path;
  const names = ["dispatcher.yaml", "dispatcher.ini", "config/dispatcher.yaml", "config/dispatcher.ini"];
  const found = names.map((name) => join(path, name)).find((candidate) => existsSync(candidate));
  if (found !== undefined) return found;
  const why = "it is a directory without a dispatcher.yaml or dispatcher.ini";
  throw new CbError("file", `Cannot import "${printable(path)}": ${why}`);
}

type Settings = Invocation<typeof dispatcherImportSettings>["settings"];

/** Where the state is, what is there now may say, as it will when the dispatcher is run. */
function placeOf(settings: Settings, isDefault: boolean, environment: Environment): SetupPlace {
  const { output, "state-directory": directory } = settings;
  const place = setupPlace(output, directory, environment);
  const said = currentSettings(place)["state-directory"];
  return isDefault && typeof said === "string" && said !== "" ? setupPlace(output, said, environment) : place;
}

/** Given by hand it must be named, or `cb dispatcher run` would look elsewhere. */
function withStateDirectory(setup: DispatcherSetup, place: SetupPlace, isGiven: boolean): DispatcherSetup {
  if (!isGiven) return setup;
  return { ...setup, settings: new Map([...setup.settings, ["state-directory", place.stateDirectory]]) };
}

/** One that was given must be right; one that is only found may be of another time. */
async function installationFor(
  given: string | undefined,
  place: SetupPlace,
  environment: Environment,
): Promise<Installation | undefined> {
  if (given !== undefined) return findInstallation(resolve(given));
  const said = currentSettings(place)["python"];
  const python = typeof said === "string" && said !== "" ? said : pythonOfOriginal(environment);
  try {
    return python === undefined ? undefined : await findInstallation(python);
  } catch (error) {
    if (error instanceof CbError) return undefined;
    throw error;
  }
}

function surroundings(
  path: string,
  place: SetupPlace,
  installation: Installation | undefined,
  environment: Environment,
): ImportSurroundings {
  const named = currentSettings(place)["run-directory"] ?? DISTRO_RUN_DIRECTORIES;
  // The administrator's own are no packages'.
  const own: readonly unknown[] = [place.runDirectory, DISTRO_RUN_DIRECTORIES[0]];
  const others = [named].flat().filter((directory) => !own.includes(directory));
  const folder = dirname(path);
  // What stands in ~/.faraday/config was most likely started in ~.
  const isUsual = basename(dirname(folder)) === ".faraday";
  const home = isUsual ? dirname(dirname(folder)) : environment["HOME"] || homedir();
  return {
    python: installation?.python,
    officialVariables: (name) => {
      if (installation === undefined) return undefined;
      return orUndefined(() => readOfficialManifest(installation, name).variables);
    },
    isShipped: (name) => others.some((directory) => existsSync(join(String(directory), name))),
    isFile,
    certificatesProblem: (file) => problemOf(() => readCertificates(file)),
    home,
    places: [...new Set([home, folder])],
    runDirectory: place.runDirectory,
    isHidden: (file) => isHiddenFromService(place, file),
  };
}

/** What cannot be looked at is none. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function orUndefined<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CbError) return undefined;
    throw error;
  }
}

function problemOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof CbError) return error.message;
    throw error;
  }
}

/** What no --replace may do: results of one server to another, two executors of one name. */
function refuseUnsafe({ stateDirectory, runDirectory }: SetupPlace, setup: DispatcherSetup): void {
  if (setup.registration !== undefined) refuseOtherResults(stateDirectory, setup.registration.server);
  for (const { name, manifest } of setup.executors) {
    const executable = join(runDirectory, name);
    if (manifest?.official === undefined || !existsSync(executable)) continue;
    const why = `"${printable(executable)}" is there already`;
    throw new CbError("file", `Cannot import executor "${name}": ${why}`, {
      hint: "Move it away: an executor of Faraday's own has a manifest and no executable",
    });
  }
}

const WORDS = { taken: "taken", changed: "changed", left: "left", lost: "LOST" } as const;

function notesText(notes: readonly Note[]): string {
  const width = String(notes.at(-1)?.line ?? 1).length;
  return table(
    notes.map(({ line, kind, key, text }) => {
      const place = `line ${String(line).padStart(width)}`;
      return [WORDS[kind], place, printable(key), printable(text)];
    }),
  );
}

/** @throws {CbError} `setting` where anything was */
function refuseLoss(path: string, notes: readonly Note[]): void {
  const lost = notes.filter(({ kind }) => kind === "lost");
  if (lost.length === 0) return;
  const lines = [...new Set(lost.map(({ line }) => line))];
  const shown = lines.length > 20 ? `${lines.slice(0, 20).join(", ")}, …` : lines.join(", ");
  const where = `${lines.length === 1 ? "line" : "lines"} ${shown}`;
  throw new CbError(
    "setting",
    `Cannot import all of "${printable(path)}": ${count(lost.length, "thing")} that the agent used, ${where}`,
    { hint: "The rest is taken; what stands beside LOST says why, and what to do" },
  );
}

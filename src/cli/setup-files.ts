/**
 * Where the files of a dispatcher's set-up go, and writing them.
 *
 *     /etc/cb/dispatcher.toml                      0640 root:cb-dispatcher, or 0600 where there is no such user
 *     /etc/cb/run.d/NAME, NAME.toml                0755 and 0644, root's
 *     /var/lib/cb-dispatcher/agent.json            0600, cb-dispatcher's
 *     /var/lib/cb-dispatcher/secrets/NAME.VARIABLE 0600, cb-dispatcher's
 *
 * The run-directory is beside `dispatcher.toml`, wherever that is. Everything is planned before anything is written: what
 * would be lost is found out then.
 */
import { execFileSync } from "node:child_process";
import { existsSync, lchownSync, lstatSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { configDirectories } from "../core/directories.ts";
import { CbError } from "../core/errors.ts";
import {
  attempt,
  isMissing,
  makeDirectory,
  type Owner,
  readSmallFile,
  writeAtomically,
} from "../core/files.ts";
import type { Environment } from "../core/settings.ts";
import { printable } from "../core/text.ts";
import { parseToml, type TomlTable } from "../core/toml.ts";
import { type EditableValue, editToml } from "../core/toml-edit.ts";
import type { DispatcherSetup } from "../setup/dispatcher-setup.ts";
import { manifestText } from "../setup/manifest-text.ts";
import { registrationFile, registrationText } from "./dispatcher-state.ts";
import { DISTRO_RUN_DIRECTORIES } from "./settings/dispatcher.ts";
import { actingAs, SERVICE_USER } from "./state-owner.ts";

export type SetupPlace = {
  /** `dispatcher.toml`. */
  readonly config: string;
  readonly runDirectory: string;
  readonly stateDirectory: string;
  /** Of the service, where root sets it up; else whoever asks. */
  readonly service: Owner | undefined;
};

export type PlannedFile = {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  readonly owner: Owner | undefined;
};

const MAX_BYTES = 1024 * 1024;

/**
 * @param output as it was given; without it where `cb dispatcher run` looks first
 * @param stateDirectory made absolute, as manifests must name what is in it
 */
export function setupPlace(
  output: string | undefined,
  stateDirectory: string,
  environment: Environment,
): SetupPlace {
  const isRoot = process.getuid?.() === 0;
  const isOwn = !isRoot || isAbsolute(environment["XDG_CONFIG_HOME"] ?? "");
  const { CREDENTIALS_DIRECTORY: _, ...own } = environment;
  const [first = "/etc/cb"] = configDirectories(own);
  const config = resolve(output ?? join(isOwn ? first : "/etc/cb", "dispatcher.toml"));
  return {
    config,
    runDirectory: join(dirname(config), "run.d"),
    stateDirectory: resolve(stateDirectory),
    service: isRoot ? serviceOwner(stateDirectory) : undefined,
  };
}

/** Whether the service, where there is one to be set up, cannot see a file: ProtectHome=yes (systemd.exec(5)). */
export function isHiddenFromService({ service, config }: SetupPlace, path: string): boolean {
  return service !== undefined && !isPrivate(config) && isPrivate(path);
}

function isPrivate(path: string): boolean {
  return /^\/(?:home|root|run\/user)(?:\/|$)/.test(path);
}

/** What `dispatcher.toml` says now; nothing where it is not there. @throws {CbError} */
export function currentSettings({ config }: SetupPlace): TomlTable {
  return parseToml(new TextEncoder().encode(readText(config) ?? ""), config, "setting");
}

/**
 * The files that the set-up needs and that are not there as they should be.
 *
 * @param replace whether settings and files that say something else may go
 * @throws {CbError} `file` for one that would be lost
 */
export function planSetup(
  place: SetupPlace,
  setup: DispatcherSetup,
  { replace }: { readonly replace: boolean },
): readonly PlannedFile[] {
  const { service, runDirectory, stateDirectory } = place;
  const files: PlannedFile[] = [];
  for (const { name, program, manifest } of setup.executors) {
    const secretFile = (variable: string) => join(stateDirectory, "secrets", `${name}.${variable}`);
    const path = join(runDirectory, name);
    for (const [variable, value] of manifest?.environment ?? []) {
      if (!("secret" in value)) continue;
      files.push({ path: secretFile(variable), text: value.secret, mode: 0o600, owner: service });
    }
    if (program !== undefined) files.push({ path, text: program, mode: 0o755, owner: undefined });
    if (manifest !== undefined) {
      const text = manifestText(manifest, secretFile);
      files.push({ path: `${path}.toml`, text, mode: 0o644, owner: undefined });
    }
  }
  if (setup.registration !== undefined) {
    const path = registrationFile(stateDirectory);
    files.push({ path, text: registrationText(setup.registration), mode: 0o600, owner: service });
  }
  const wanted = files.filter(({ path, text, mode, owner }) => {
    const there = readText(path);
    if (there !== undefined && there !== text && !replace) throw taken(path);
    return there !== text || !isAsPlanned(path, mode, owner);
  });
  // Last, as it names the others.
  return [...wanted, ...plannedConfig(place, setup, replace)];
}

/** @throws {CbError} `file` */
export function writePlanned(place: SetupPlace, files: readonly PlannedFile[]): void {
  makeDirectory(place.stateDirectory, 0o700, place.service);
  for (const { path, text, mode, owner } of files) {
    const bytes = new TextEncoder().encode(text);
    const directory = dirname(path);
    if (!path.startsWith(`${place.stateDirectory}/`)) {
      // The service has to get through.
      makeDirectory(directory, 0o755);
      writeAtomically(path, bytes, mode, owner);
      continue;
    }
    if (owner !== undefined) handOver(directory, owner);
    actingAs(owner, () => {
      // Names of secrets say something, too.
      makeDirectory(directory, 0o700);
      writeAtomically(path, bytes, mode);
    });
  }
}

/** What root made there and was kept from giving away; a link stays what it is. */
function handOver(directory: string, { uid, gid }: Owner): void {
  if (existsSync(directory) && lstatSync(directory).uid === 0)
    attempt("give away", directory, () => lchownSync(directory, uid, gid));
}

function plannedConfig(place: SetupPlace, setup: DispatcherSetup, replace: boolean): readonly PlannedFile[] {
  const { config, service } = place;
  const before = readText(config) ?? "";
  const now = currentSettings(place);
  const changes = new Map([...setup.settings, ...runDirectorySetting(place, now)]);
  for (const [key, value] of changes) {
    const isOther = Object.hasOwn(now, key) && JSON.stringify(now[key]) !== JSON.stringify(value);
    if (isOther && !replace) throw taken(config, `it says ${key} = ${shown(now[key])}`);
  }
  const text = editToml(before, config, changes);
  const owner = service && { uid: 0, gid: service.gid };
  const mode = owner === undefined ? 0o600 : 0o640;
  // Who has opened or closed a file of his own has had a reason; but the service must be able to read it.
  const isReadable = owner === undefined || isAsPlanned(config, mode, owner);
  if (text === before && existsSync(config) && isReadable) return [];
  return [{ path: config, text, mode, owner }];
}

/** Whether a file that is there has this mode, and this owner where one is asked for. */
function isAsPlanned(path: string, mode: number, owner: Owner | undefined): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || (stats.mode & 0o7777) !== mode) return false;
  return owner === undefined || (stats.uid === owner.uid && stats.gid === owner.gid);
}

/** Named where nothing else would lead there. */
function runDirectorySetting(
  { runDirectory }: SetupPlace,
  now: TomlTable,
): ReadonlyMap<string, EditableValue> {
  const named = now["run-directory"] ?? DISTRO_RUN_DIRECTORIES;
  const directories = (Array.isArray(named) ? named : [named]).filter((item) => typeof item === "string");
  if (directories.includes(runDirectory)) return new Map();
  return new Map([["run-directory", [runDirectory, ...directories]]]);
}

/** Not a URL, which may have a password. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.includes("@") ? "something else" : printable(text);
}

function taken(path: string, why = "it is there already, and says something else"): CbError {
  return new CbError("file", `Cannot write "${printable(path)}": ${why}`, {
    hint: "Look at it, and add --replace if it may go",
  });
}

function readText(path: string): string | undefined {
  try {
    return new TextDecoder().decode(readSmallFile(path, MAX_BYTES));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Undefined where there is no such user, or the state is somebody else's. */
function serviceOwner(stateDirectory: string): Owner | undefined {
  const ask = (option: string) =>
    Number(execFileSync("id", [option, SERVICE_USER], { stdio: ["ignore", "pipe", "ignore"] }).toString());
  try {
    const owner = { uid: ask("-u"), gid: ask("-g") };
    if (!existsSync(stateDirectory)) return owner;
    const { uid } = attempt("read", stateDirectory, () => statSync(stateDirectory));
    return uid === owner.uid ? owner : undefined;
  } catch (error) {
    if (error instanceof CbError) throw error;
    return undefined;
  }
}

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
import { existsSync, statSync } from "node:fs";
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
import { SERVICE_USER } from "./state-owner.ts";

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
  const wanted = files.filter(({ path, text }) => {
    const there = readText(path);
    if (there !== undefined && there !== text && !replace) throw taken(path);
    return there !== text;
  });
  // Last, as it names the others.
  return [...wanted, ...plannedConfig(place, setup, replace)];
}

/** @throws {CbError} `file` */
export function writePlanned(place: SetupPlace, files: readonly PlannedFile[]): void {
  makeDirectory(place.stateDirectory, 0o700, place.service);
  for (const { path, text, mode, owner } of files) {
    // Names of secrets say something, too; elsewhere the service has to get through.
    const isState = path.startsWith(`${place.stateDirectory}/`);
    makeDirectory(dirname(path), isState ? 0o700 : 0o755, isState ? owner : undefined);
    writeAtomically(path, new TextEncoder().encode(text), mode, owner);
  }
}

function plannedConfig(place: SetupPlace, setup: DispatcherSetup, replace: boolean): readonly PlannedFile[] {
  const { config, service } = place;
  const before = readText(config) ?? "";
  const now = currentSettings(place);
  const changes = new Map([...setup.settings, ...runDirectorySetting(place, now)]);
  for (const [key, value] of changes) {
    const isOther = Object.hasOwn(now, key) && JSON.stringify(now[key]) !== JSON.stringify(value);
    if (isOther && !replace) throw taken(config, `it has another ${key}`);
  }
  const text = editToml(before, config, changes);
  if (text === before && existsSync(config)) return [];
  const owner = service && { uid: 0, gid: service.gid };
  return [{ path: config, text, mode: owner === undefined ? 0o600 : 0o640, owner }];
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

/** What the wizard begins with: what options say, what `dispatcher.toml` says, and what is on this machine. */
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { resolve as resolvePath } from "node:path";
import { readConfigFile } from "../core/config-file.ts";
import { CbError } from "../core/errors.ts";
import { readSmallFile } from "../core/files.ts";
import { type Environment, type Resolved, resolve } from "../core/settings.ts";
import type { EditableValue } from "../core/toml-edit.ts";
import type { Answer } from "../setup/question.ts";
import { withoutPassword } from "../setup/server-text.ts";
import { variableId } from "../setup/variable-plan.ts";
import type { Start } from "../setup/wizard-plan.ts";
import type { Trust } from "../setup/work.ts";
import type { Invocation } from "./command.ts";
import { storedRegistration } from "./dispatcher-registration.ts";
import { DISTRO_RUN_DIRECTORIES, dispatcherSettings } from "./settings/dispatcher.ts";
import type { dispatcherWizardSettings } from "./settings/dispatcher-wizard.ts";
import { isHiddenFromService, setupPlace } from "./setup-files.ts";
import type { WizardPlace } from "./wizard-files.ts";

export type WizardInvocation = Pick<
  Invocation<typeof dispatcherWizardSettings>,
  "settings" | "origins" | "context"
>;

type FileSettings = Partial<Resolved<typeof dispatcherSettings>["values"]>;

export type Beginning = {
  readonly start: Start;
  /** Answers that options have given, by the ids of their questions; each counts once. */
  readonly given: Map<string, Answer>;
  readonly place: WizardPlace;
  readonly isNew: boolean;
  /** Run-directories, strongest first. */
  readonly directories: readonly string[];
};

const MAX_SECRET_BYTES = 64 * 1024;
/** Of a server that is not known yet; what is asked of it then does not depend on it. */
const ANY_SERVER = new URL("http://localhost");

/** @throws {CbError} for options that do not go together, and for files that cannot be used */
export function beginning({ settings, origins, context }: WizardInvocation): Beginning {
  const { environment } = context;
  const { config } = setupPlace(settings.output, settings["state-directory"], environment);
  const isNew = !existsSync(config);
  const texts = isNew ? new Map() : readConfigFile(config, dispatcherSettings).texts;
  const file = fileSettings(texts, config);
  const isGiven = (name: keyof typeof settings) => ["argument", "environment"].includes(origins[name]);
  const said = isGiven("state-directory") ? undefined : file["state-directory"];
  const stateDirectory = said ?? settings["state-directory"];
  const place = setupPlace(settings.output, stateDirectory, environment);
  /** An option is stronger than the file, and both than a default. */
  const pick = <Name extends keyof typeof settings & keyof FileSettings>(name: Name) =>
    isGiven(name) ? settings[name] : file[name];

  const given = givenAnswers(settings, isGiven);
  const again = settings["register-again"];
  const registered = again
    ? undefined
    : storedRegistration({ ...settings, "state-directory": stateDirectory }, ANY_SERVER);
  const proxy = pick("proxy");
  const start: Start = {
    server: pick("server")?.href.replace(/\/$/, ""),
    proxy: typeof proxy === "string" ? proxy : proxy?.href.replace(/\/$/, ""),
    trust: trustOf(settings, isGiven, file),
    wasInsecure: file.insecure === true,
    proxyOfEnvironment: proxyOf(environment),
    name: pick("name") ?? hostname(),
    description: pick("description") ?? "",
    executors: file.executors ?? [],
    python: settings.python === undefined ? file.python : resolvePath(settings.python),
    secrets: new Set(settings["secret-file"].map((one) => variableId(one.executor, one.variable))),
    registered,
    isHidden: (path) => isHiddenFromService(place, path),
    now: new Map([...texts].map(([key, values]) => [key, values.join(", ")])),
  };
  const named = file["run-directory"] ?? DISTRO_RUN_DIRECTORIES;
  return {
    start,
    given,
    place: { place, now: texts, besides: besidesOf(settings, origins, isGiven) },
    isNew,
    directories: [...new Set([place.runDirectory, ...named])],
  };
}

/** Of the settings those that the file has, as they are read at a start. */
function fileSettings(texts: ReadonlyMap<string, readonly string[]>, path: string): FileSettings {
  const sources = { arguments: new Map(), environment: {}, file: { path, texts } };
  const { values, origins } = resolve(dispatcherSettings, sources);
  const inFile = Object.entries(values).filter(([name]) => origins[name as keyof typeof origins] === "file");
  return Object.fromEntries(inFile);
}

type Settings = WizardInvocation["settings"];
type IsGiven = (name: keyof Settings) => boolean;

function givenAnswers(settings: Settings, isGiven: IsGiven): Map<string, Answer> {
  const { server, proxy, name, description, executors, token, variable } = settings;
  const given = new Map<string, Answer>();
  if (server !== undefined) given.set("server", server.href.replace(/\/$/, ""));
  if (proxy !== undefined) given.set("proxy", proxy === "none" ? proxy : withoutPassword(proxy.href));
  if (isGiven("name")) given.set("name", name);
  if (isGiven("description")) given.set("description", description);
  if (isGiven("executors")) given.set("executors", executors);
  if (token !== undefined) given.set("token", token);
  if (settings["register-later"]) {
    if (token !== undefined)
      throw new CbError("usage", "Cannot use --register-later with --token: expected one of them");
    given.set("token", "");
  }
  for (const one of variable) given.set(variableId(one.executor, one.variable), one.value);
  for (const { executor, variable, value: path } of settings["secret-file"])
    given.set(variableId(executor, variable), secretIn(path));
  return given;
}

/** Without the newline at its end, as `exec/manifest-environment.ts` reads it. */
function secretIn(path: string): string {
  return new TextDecoder().decode(readSmallFile(path, MAX_SECRET_BYTES, "key")).replace(/\r?\n$/, "");
}

function trustOf(settings: Settings, isGiven: IsGiven, file: FileSettings): Trust {
  const { "trust-fingerprint": sha256, "tls-ca": path, insecure } = settings;
  const options = {
    "--trust-fingerprint": sha256,
    "--tls-ca": path,
    "--insecure": (isGiven("insecure") && insecure) || undefined,
  };
  const [one, other] = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  );
  if (one !== undefined && other !== undefined)
    throw new CbError("usage", `Cannot use ${one} with ${other}: expected one of them`);
  if (sha256 !== undefined) return { kind: "fingerprint", sha256 };
  if (options["--insecure"]) return { kind: "insecure" };
  // What is written there stays as it is written.
  const authorities = path === undefined ? file["tls-ca"] : resolvePath(path);
  return authorities === undefined ? { kind: "system" } : { kind: "file", path: authorities };
}

/** For people, without a password. */
function proxyOf(environment: Environment): string | undefined {
  const names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
  const text = names.map((name) => environment[name]).find((value) => value);
  return text === undefined ? undefined : withoutPassword(text.includes("://") ? text : `http://${text}`);
}

/** What is given, is not asked for, and is kept. */
function besidesOf(
  settings: Settings,
  origins: WizardInvocation["origins"],
  isGiven: IsGiven,
): ReadonlyMap<string, EditableValue> {
  const besides = new Map<string, EditableValue>();
  const { "channel-server": channel, "tls-cert": certificate, "tls-key": key, timeout } = settings;
  if (channel !== undefined) besides.set("channel-server", channel.href);
  if (certificate !== undefined) besides.set("tls-cert", resolvePath(certificate));
  if (key !== undefined) besides.set("tls-key", resolvePath(key));
  if (isGiven("timeout")) besides.set("timeout", timeout / 1000);
  // Of a service it comes from systemd each time.
  if (origins["state-directory"] === "argument")
    besides.set("state-directory", resolvePath(settings["state-directory"]));
  return besides;
}

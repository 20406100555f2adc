/** What an executor finds around it: a little of our own environment, its parameters, what its manifest sets. */
import type { Environment } from "../core/settings.ts";
import { SEARCH_PATH } from "../exec/environment.ts";
import { environmentOf } from "../exec/manifest-environment.ts";
import { parameterEnvironment } from "../exec/parameter-environment.ts";
import type { ParameterValues } from "../exec/parameters.ts";
import type { Executor } from "./executor-catalog.ts";
import { pluginEnvironment } from "./run-command.ts";
import { secretsOf } from "./secrets.ts";

export type RunSurroundings = {
  readonly run: string;
  /** The directory that it works in. */
  readonly directory: string;
  readonly values: ParameterValues;
  readonly pluginArgs: ReadonlyMap<string, unknown>;
  /** Our own. */
  readonly own: Environment;
};

/**
 * @returns all its variables, and those texts among them that nobody else shall see
 * @throws {CbError} for a secret that cannot be read
 */
export function runEnvironment(
  { name, manifest }: Executor,
  { run, directory, values, pluginArgs, own }: RunSurroundings,
): { readonly variables: Readonly<Record<string, string>>; readonly secrets: readonly string[] } {
  const fixed = environmentOf(manifest, own);
  const variables = {
    ...inheritedEnvironment(own),
    TMPDIR: directory,
    CB_COMMAND: name,
    CB_RUN: run,
    ...parameterEnvironment(values),
    ...pluginEnvironment(pluginArgs),
    ...fixed,
  };
  return { variables, secrets: secretsOf(manifest, fixed, values) };
}

const USER = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ"];
const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
/** Nmap asks for root, but for this: a service that may use raw sockets has it (nmap(1), --privileged). */
const NMAP = "NMAP_PRIVILEGED";
const INHERITED = [...USER, ...PROXIES, NMAP];
const DEFAULTS = { PATH: SEARCH_PATH, LANG: "C.UTF-8" };

/**
 * The rest of our own may hold what is none of its business. Scanners look for their data below HOME, and for the way
 * out in the names of proxies.
 */
export function inheritedEnvironment(own: Environment): Readonly<Record<string, string>> {
  const found = INHERITED.flatMap((name) => {
    const value = own[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...DEFAULTS, ...Object.fromEntries(found) };
}

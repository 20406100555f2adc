/**
 * Where files are looked for and kept, by the environment.
 *
 * A relative path in an XDG variable is ignored, and so is an empty one, as the XDG Base Directory
 * Specification says; `$CREDENTIALS_DIRECTORY` is set by systemd (systemd.exec(5), Credentials).
 */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Environment } from "./settings.ts";

const SYSTEM_CONFIG = "/etc/cb";

/** The directories of settings and keys, to be tried in this order; none of them need exist. */
export function configDirectories(environment: Environment): readonly string[] {
  const { CREDENTIALS_DIRECTORY: credentials = "" } = environment;
  // The units make /etc/cb their own with XDG_CONFIG_HOME=/etc: one place then, and named once.
  const own = ownConfigDirectory(environment);
  return [...new Set([...(isAbsolute(credentials) ? [credentials] : []), own, SYSTEM_CONFIG])];
}

/** That of them which is not the user's, where there is one. */
export function othersConfigDirectory(environment: Environment): string | undefined {
  return ownConfigDirectory(environment) === SYSTEM_CONFIG ? undefined : SYSTEM_CONFIG;
}

/** The user's own directory of settings: `$XDG_CONFIG_HOME/cb` or `~/.config/cb`. */
export function ownConfigDirectory(environment: Environment): string {
  return join(xdgDirectory(environment, "XDG_CONFIG_HOME", ".config"), "cb");
}

/**
 * The user's directory of what a program has to remember: `$XDG_STATE_HOME/cb` or `~/.local/state/cb`.
 *
 * @param name `cb-dispatcher` has one of its own
 */
export function stateDirectory(environment: Environment, name: "cb" | "cb-dispatcher" = "cb"): string {
  return join(xdgDirectory(environment, "XDG_STATE_HOME", ".local/state"), name);
}

/** The user's directory of what can be lost without harm: `$XDG_CACHE_HOME/cb` or `~/.cache/cb`. */
export function cacheDirectory(environment: Environment): string {
  return join(xdgDirectory(environment, "XDG_CACHE_HOME", ".cache"), "cb");
}

function xdgDirectory(environment: Environment, variable: string, below: string): string {
  const set = environment[variable] ?? "";
  return isAbsolute(set) ? set : join(environment["HOME"] || homedir(), below);
}

/**
 * What an agent reads again at SIGHUP: tags, keys, run-directories and limits, while commands go on.
 *
 * Where anything of it cannot be read, all of the old stays in force: a typing error must not cut a server off.
 */
import { existsSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import type { Agent, AgentSettings } from "../agent/agent.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Environment, Values } from "../core/settings.ts";
import { loadNetworkSecret, loadStationPublics } from "./key-files.ts";
import type { agentSettings } from "./settings/agent.ts";

type Settings = Values<typeof agentSettings>;

/** What stays as it was at the start: it decides who the agent is, where its hub is and what it has open. */
const FIXED = [
  "channel",
  "identity",
  "connection-string",
  "password-file",
  "tls-ca",
  "tls-cert",
  "tls-key",
  "tls-server-name",
  "state-directory",
  "log-format",
  "verbose",
  "errors-only",
  "force-colors",
] as const satisfies readonly (keyof Settings)[];

/** @throws {CbError} `key`, for keys that cannot be used */
export function readReloadable(settings: Settings, environment: Environment): AgentSettings {
  return {
    keys: {
      networks: loadNetworkSecret(settings["network-secret-key"], environment),
      stations: loadStationPublics(settings["base-station-public-key"], environment),
    },
    tags: settings.tags,
    runDirectories: settings["run-directory"],
    jobs: settings.jobs,
    timeLimit: settings["time-limit"],
    stopWait: settings["stop-wait"] ?? settings["stop-grace"],
    stopGrace: settings["stop-grace"],
    drainGrace: settings["drain-grace"],
    logCommandOutput: settings["log-command-output"],
  };
}

type Reload = {
  readonly agent: Agent;
  /** Those at the start, which what a restart alone changes still has. */
  readonly initial: Settings;
  readonly reread: () => Settings;
  readonly environment: Environment;
  readonly log: Log;
};

/** What cannot be used changes nothing, and is logged. */
export function useNewSettings({ agent, initial, reread, environment, log }: Reload): void {
  try {
    const settings = reread();
    agent.useSettings(readReloadable(settings, environment));
    const waiting = FIXED.filter((name) => !isDeepStrictEqual(settings[name], initial[name]));
    log.info({ event: "reloaded", tags: settings.tags.join(",") }, "Read settings and keys again");
    if (waiting.length > 0) {
      log.warn({ event: "restart-needed", settings: waiting.join(",") }, "Keep what a restart alone changes");
    }
    warnOfMissingDirectories(log, settings);
  } catch (error) {
    log.error({ event: "reload-failed", reason: messageOf(error) }, "Keep the old settings and keys");
  }
}

export function warnOfMissingDirectories(log: Log, settings: Settings): void {
  for (const directory of settings["run-directory"].filter((path) => !existsSync(path))) {
    log.warn(
      { event: "run-directory-missing", directory },
      "Find no commands: the run-directory does not exist",
    );
  }
}

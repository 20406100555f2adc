/** `dist/cb dispatcher`, and its other commands. */
import { join } from "node:path";
import { EXECUTABLE } from "../../build/paths.ts";
import { type AgentKind, type AgentSettings, SYSTEM_PATH } from "./agent-kind.ts";

export const OURS: AgentKind = {
  isOurs: true,
  invocation(settings, installed, code) {
    const { name, runDirectory, executors, server, ca, insecure, options = [] } = settings;
    const named = {
      server: server.href,
      name,
      executors: executors.join(","),
      "run-directory": runDirectory,
    };
    const paths = { "state-directory": stateDirectory(settings), python: installed.agentPython };
    const given = { ...named, ...paths, ...(ca === undefined ? {} : { "tls-ca": ca }) };
    return {
      command: [
        EXECUTABLE,
        "dispatcher",
        "run",
        ...Object.entries(given).flatMap(([option, value]) => [`--${option}`, value]),
        ...(insecure === true ? ["--insecure"] : []),
        ...(code === undefined ? [] : ["--token", code]),
        ...options,
      ],
      environment: {
        PATH: SYSTEM_PATH,
        HOME: settings.directory,
        ...(insecure === "False" ? { CB_INSECURE: "False" } : {}),
        ...settings.environment,
      },
    };
  },
};

/** Where it keeps its token and its spool. */
export function stateDirectory({ directory }: AgentSettings): string {
  return join(directory, "state");
}

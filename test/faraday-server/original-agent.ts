/** faraday-dispatcher of the original, for `--original`: the table's oracle, looked at again. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AgentKind, type AgentSettings, SYSTEM_PATH } from "./agent-kind.ts";
import { readFixtureManifest } from "./executor-files.ts";

/** What the configuration wizard writes; 3.9.1 means to have a larger default, and keeps to what is written. */
const LONGEST_LINE = 65_536;

export const ORIGINAL: AgentKind = {
  isOurs: false,
  invocation(settings, installed, code) {
    const { directory } = settings;
    const file = join(directory, "dispatcher.yaml");
    // Only once: it writes its token into the file. JSON is YAML.
    if (!existsSync(file)) writeFileSync(file, JSON.stringify(configuration(settings)));
    const options = ["-c", file, "--logdir", directory, "--log-level", "info"];
    return {
      command: [installed.agent, "run", ...options, ...(code === undefined ? [] : ["--token", code])],
      environment: { PATH: SYSTEM_PATH, HOME: directory, FARADAY_HOME: directory, ...settings.environment },
    };
  },
};

function configuration({ name, runDirectory, executors, server, ca, insecure }: AgentSettings): object {
  return {
    server: {
      host: server.hostname,
      api_port: Number(server.port),
      websocket_port: Number(server.port),
      ssl: server.protocol === "https:",
      ssl_cert: ca ?? "",
      ssl_ignore: insecure ?? false,
    },
    agent: {
      agent_name: name,
      executors: Object.fromEntries(
        executors.map((executor) => [executor, described(executor, runDirectory)]),
      ),
    },
  };
}

function described(executor: string, runDirectory: string): object {
  const manifest = readFixtureManifest(runDirectory, executor);
  const parameters = Object.entries(manifest.parameters ?? {}).map(([name, { type, base, mandatory }]) => [
    name,
    { type, base: base ?? type, mandatory: mandatory ?? false },
  ]);
  return {
    cmd: join(runDirectory, executor),
    max_size: manifest["longest-line"] ?? LONGEST_LINE,
    params: Object.fromEntries(parameters),
    varenvs: manifest.environment ?? {},
  };
}

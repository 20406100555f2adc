/** `cb agent`: listens for stations, and runs what an authorised one asks for. */
import { existsSync } from "node:fs";
import { Agent, type TrustedKeys } from "../agent/agent.ts";
import { openAgentState } from "../agent/agent-state.ts";
import { RateLimit } from "../agent/rate-limit.ts";
import type { Clock } from "../core/clock.ts";
import { wantsColors } from "../core/colors.ts";
import { ExitStatus, messageOf } from "../core/errors.ts";
import { createLog, type Log, type LogOptions, suitingFormat } from "../core/log.ts";
import type { Environment, Values } from "../core/settings.ts";
import { execute } from "../exec/execution.ts";
import { openAgentHub } from "../hub/agent-hub.ts";
import { describeConnection } from "../hub/connection-string.ts";
import { cryptoReady } from "../protocol/crypto.ts";
import { keyIdText } from "../protocol/keys.ts";
import { type Context, defineCommand } from "./command.ts";
import { isPasswordVisible, loadConnection, VISIBLE_PASSWORD } from "./hub-connection.ts";
import { loadNetworkSecret, loadStationPublics } from "./key-files.ts";
import { agentSettings } from "./settings/agent.ts";
import { verbosityOf } from "./settings/common.ts";
import { stopSignal } from "./stop-signal.ts";
import { VERSION } from "./version.ts";

type Settings = Values<typeof agentSettings>;

export const agentCommand = defineCommand({
  words: ["agent"],
  summary: "Listen for stations and run commands for them",
  description: [
    "Runs the executable of the asked name in a run-directory, with the agent's identity as its only " +
      "argument, and sends back what it prints and how it ends.",
  ],
  examples: ["cb agent --tags web,eu --run-directory /etc/cb/run.d", "cb -c lab agent -r ./run.d -t web eu"],
  settings: agentSettings,
  configFile: "agent.toml",
  async run({ settings, origins, context }) {
    await cryptoReady();
    const { environment, clock } = context;
    const keys = loadKeys(settings, environment);
    const connection = loadConnection(settings, environment);
    const log = createLog(logOptions(settings, context));
    if (isPasswordVisible({ values: settings, origins })) {
      log.warn(
        { event: "password-visible", reason: VISIBLE_PASSWORD },
        "Use a password from the command line",
      );
    }
    // For the files that commands make; our own are made with modes of their own. There is one per process.
    process.umask(0o022);
    const { channel, identity, tags } = settings;
    const state = openAgentState(settings["state-directory"], channel, identity, clock.wall());
    const where = describeConnection(connection);
    const stop = stopSignal(context.signal, ["SIGINT", "SIGTERM"]);
    const hub = openAgentHub(connection, channel, hubObserver(log, where, clock));
    const agentKey = keyIdText("agent-public", state.keyPair.publicKey);
    log.info(
      { event: "start", version: VERSION, identity, channel, tags: tags.join(","), agentKey },
      "Start agent",
    );
    if (state.damagedJournal !== undefined) {
      log.warn({ event: "journal-damaged", aside: state.damagedJournal }, "Set a damaged journal aside");
    }
    for (const directory of settings["run-directory"].filter((path) => !existsSync(path))) {
      log.warn(
        { event: "run-directory-missing", directory },
        "Find no commands: the run-directory does not exist",
      );
    }
    const agent = new Agent({
      identity,
      channel,
      tags,
      software: VERSION,
      runDirectories: settings["run-directory"],
      keys,
      keyPair: state.keyPair,
      journal: state.journal,
      hub,
      execute,
      clock,
      log,
      jobs: settings.jobs,
      timeLimit: settings["time-limit"],
      stopGrace: settings["stop-grace"],
      drainGrace: settings["drain-grace"],
      logCommandOutput: settings["log-command-output"],
    });
    const reload = () => reloadKeys(agent, settings, environment, log);
    process.on("SIGHUP", reload);
    try {
      await agent.run(stop.signal);
    } finally {
      process.off("SIGHUP", reload);
      stop.release();
      await hub.close();
      state.close();
    }
    log.info({ event: "stop" }, "Agent stopped");
    return ExitStatus.ok;
  },
});

function loadKeys(settings: Settings, environment: Environment): TrustedKeys {
  return {
    networks: loadNetworkSecret(settings["network-secret-key"], environment),
    stations: loadStationPublics(settings["base-station-public-key"], environment),
  };
}

/** Keys that cannot be read leave the old ones in force: a typing error must not cut a server off. */
function reloadKeys(agent: Agent, settings: Settings, environment: Environment, log: Log): void {
  try {
    agent.useKeys(loadKeys(settings, environment));
    log.info({ event: "keys-reloaded" }, "Read the key files again");
  } catch (error) {
    log.error({ event: "keys-kept", reason: messageOf(error) }, "Keep the old keys");
  }
}

function hubObserver(log: Log, hub: string, clock: Clock): Parameters<typeof openAgentHub>[2] {
  const dropped = new RateLimit(clock);
  return {
    onState: (state) => {
      if (state.kind === "connected") log.info({ event: "hub-connected", hub }, "Listen for requests");
      else log.warn({ event: "hub-lost", hub, reason: state.reason }, "Cannot reach the hub, keep trying");
    },
    onRequestDropped: () => {
      const { isAllowed, suppressed } = dropped.allow("request-dropped");
      if (isAllowed) log.warn({ event: "request-dropped", suppressed }, "Drop a request: too many at once");
    },
  };
}

function logOptions(settings: Settings, { environment, stderr }: Context): LogOptions {
  const isTerminal = stderr.isTTY === true;
  const wanted = settings["log-format"];
  return {
    format: wanted === "auto" ? suitingFormat(environment, isTerminal) : wanted,
    level: logLevel(settings),
    colors: wantsColors(environment, isTerminal, settings["force-colors"]),
  };
}

function logLevel(settings: Settings): LogOptions["level"] {
  const verbosity = verbosityOf(settings);
  if (verbosity === "errors") return "error";
  if (verbosity === "normal") return "info";
  return settings.verbose === 1 ? "debug" : "trace";
}

/** `cb agent`: listens for stations, and runs what an authorised one asks for. */
import { Agent } from "../agent/agent.ts";
import { openAgentState } from "../agent/agent-state.ts";
import { wantsColors } from "../core/colors.ts";
import { ExitStatus } from "../core/errors.ts";
import { createLog, type Log, type LogOptions, suitingFormat } from "../core/log.ts";
import type { Values } from "../core/settings.ts";
import { openAgentHub } from "../hub/agent-hub.ts";
import { describeConnection } from "../hub/connection-string.ts";
import { cryptoReady } from "../protocol/crypto.ts";
import { keyIdText } from "../protocol/keys.ts";
import { type Context, defineCommand } from "./command.ts";
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
  async run({ settings, context }) {
    await cryptoReady();
    const { environment, clock } = context;
    const networks = loadNetworkSecret(settings["network-secret-key"], environment);
    const stations = loadStationPublics(settings["base-station-public-key"], environment);
    const log = createLog(logOptions(settings, context));
    // For the files that commands make; our own are made with modes of their own. There is one per process.
    process.umask(0o022);
    const { channel, identity, tags } = settings;
    const state = openAgentState(settings["state-directory"], channel, identity, clock.wall());
    const connection = settings["connection-string"];
    const where = describeConnection(connection);
    const stop = stopSignal(context.signal);
    const hub = openAgentHub(connection, channel, hubObserver(log, where));
    const agentKey = keyIdText("agent-public", state.keyPair.publicKey);
    log.info(
      { event: "start", version: VERSION, identity, channel, tags: tags.join(","), agentKey },
      "Start agent",
    );
    if (state.damagedJournal !== undefined) {
      log.warn({ event: "journal-damaged", aside: state.damagedJournal }, "Set a damaged journal aside");
    }
    const agent = new Agent({
      identity,
      channel,
      tags,
      software: VERSION,
      runDirectories: settings["run-directory"],
      networks,
      stations,
      keyPair: state.keyPair,
      journal: state.journal,
      hub,
      clock,
      log,
      jobs: settings.jobs,
      timeLimit: settings["time-limit"],
      stopGrace: settings["stop-grace"],
      drainGrace: settings["drain-grace"],
      logCommandOutput: settings["log-command-output"],
    });
    try {
      await agent.run(stop.signal);
    } finally {
      stop.release();
      await hub.close();
      state.close();
    }
    log.info({ event: "stop" }, "Agent stopped");
    return ExitStatus.ok;
  },
});

function hubObserver(log: Log, hub: string): Parameters<typeof openAgentHub>[2] {
  return {
    onState: (state) => {
      if (state.kind === "connected") log.info({ event: "hub-connected", hub }, "Listen for requests");
      else log.warn({ event: "hub-lost", hub, reason: state.reason }, "Cannot reach the hub, keep trying");
    },
    onRequestDropped: () => log.warn({ event: "request-dropped" }, "Drop a request: too many at once"),
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

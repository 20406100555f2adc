/** `cb agent`: listens for stations, and runs what an authorised one asks for. */
import { Agent } from "../agent/agent.ts";
import { type AgentState, openAgentState } from "../agent/agent-state.ts";
import { RateLimit } from "../agent/rate-limit.ts";
import type { Clock } from "../core/clock.ts";
import { CbError, ExitStatus, systemCode } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Values } from "../core/settings.ts";
import { execute } from "../exec/execution.ts";
import { openAgentHub } from "../hub/agent-hub.ts";
import { describeConnection } from "../hub/connection-string.ts";
import { cryptoReady } from "../protocol/crypto.ts";
import { keyIdText } from "../protocol/keys.ts";
import { askHealth, healthSocket } from "./agent-health.ts";
import { readReloadable, useNewSettings, warnOfMissingDirectories } from "./agent-reload.ts";
import { AgentService } from "./agent-service.ts";
import type { Invocation } from "./command.ts";
import { isPasswordVisible, loadConnection, VISIBLE_PASSWORD } from "./hub-connection.ts";
import { write } from "./output.ts";
import { serviceLog } from "./service-log.ts";
import type { agentSettings } from "./settings/agent.ts";
import { stopSignal } from "./stop-signal.ts";
import { VERSION } from "./version.ts";

type Settings = Values<typeof agentSettings>;

export async function runAgent({
  settings,
  origins,
  reread,
  context,
}: Invocation<typeof agentSettings>): Promise<number> {
  const { environment, clock, stdout } = context;
  const { channel, identity } = settings;
  const socket = healthSocket(settings["state-directory"], channel, identity);
  if (settings.health) {
    const { isHealthy, status } = await askHealth(socket);
    await write(stdout, `${status}\n`);
    return isHealthy ? ExitStatus.ok : ExitStatus.setup;
  }
  // From the first moment on, as a SIGHUP that nobody hears would end us; what it asks for is done later then.
  let isReloadDue = false;
  let reload = () => {
    isReloadDue = true;
  };
  const onHangUp = () => reload();
  process.on("SIGHUP", onHangUp);
  await cryptoReady();
  const reloadable = readReloadable(settings, environment);
  const connection = loadConnection(settings, environment);
  const log = serviceLog(settings, context);
  if (isPasswordVisible({ values: settings, origins })) {
    log.warn({ event: "password-visible", reason: VISIBLE_PASSWORD }, "Use a password from the command line");
  }
  // For the files that commands make; our own are made with modes of their own. There is one per process.
  process.umask(0o022);
  const state = openState(settings, clock);
  const where = describeConnection(connection);
  const stop = stopSignal(context.signal, ["SIGINT", "SIGTERM"]);
  const service = new AgentService(environment, channel, where, log);
  const hub = openAgentHub(connection, channel, hubObserver(log, where, clock, service));
  logStart(log, settings, state);
  const agent = new Agent({
    ...reloadable,
    identity,
    channel,
    software: VERSION,
    keyPair: state.keyPair,
    journal: state.journal,
    hub,
    execute,
    environment,
    clock,
    log,
    onRunning: service.onRunning,
  });
  reload = () => {
    service.reload(() => useNewSettings({ agent, initial: settings, reread, environment, log }));
  };
  stop.signal.addEventListener("abort", () => service.stopping(), { once: true });
  try {
    await service.start(hub, socket);
    if (isReloadDue) reload();
    await agent.run(stop.signal);
  } finally {
    process.off("SIGHUP", onHangUp);
    stop.release();
    service.close();
    await hub.close();
    state.close();
  }
  log.info({ event: "stop" }, "Agent stopped");
  return ExitStatus.ok;
}

/**
 * What a machine runs out of, and has again later (errno(3)). A service manager tries again then, as it does not after
 * an error of set-up: an agent that crashed while its disk was full must come back.
 */
const SHORTAGES = ["ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE", "ENOMEM"];

function openState(settings: Settings, clock: Clock): AgentState {
  try {
    const { channel, identity, "state-directory": directory } = settings;
    return openAgentState(directory, channel, identity, clock.wall());
  } catch (error) {
    if (!(error instanceof CbError) || !SHORTAGES.includes(systemCode(error.cause) ?? "")) throw error;
    const { code, message, cause } = error;
    throw new CbError(code, message, { exitStatus: ExitStatus.temporary, cause });
  }
}

function logStart(log: Log, settings: Settings, { keyPair, damagedJournal }: AgentState): void {
  const { channel, identity, tags } = settings;
  const agentKey = keyIdText("agent-public", keyPair.publicKey);
  log.info(
    { event: "start", version: VERSION, identity, channel, tags: tags.join(","), agentKey },
    "Start agent",
  );
  if (damagedJournal !== undefined) {
    log.warn({ event: "journal-damaged", aside: damagedJournal }, "Set a damaged journal aside");
  }
  warnOfMissingDirectories(log, settings);
}

function hubObserver(
  log: Log,
  hub: string,
  clock: Clock,
  service: AgentService,
): Parameters<typeof openAgentHub>[2] {
  const dropped = new RateLimit(clock);
  return {
    onState: (state) => {
      service.onHubState(state);
      if (state.kind === "connected") log.info({ event: "hub-connected", hub }, "Listen for requests");
      else log.warn({ event: "hub-lost", hub, reason: state.reason }, "Cannot reach the hub, keep trying");
    },
    onRequestDropped: () => {
      const { isAllowed, suppressed } = dropped.allow("request-dropped");
      if (isAllowed) log.warn({ event: "request-dropped", suppressed }, "Drop a request: too many at once");
    },
  };
}

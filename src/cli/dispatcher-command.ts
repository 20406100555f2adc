/** `cb dispatcher run`: registers where it must, then runs executors for the server until it is told to stop. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CbError, ExitStatus } from "../core/errors.ts";
import { makeDirectory } from "../core/files.ts";
import type { Log } from "../core/log.ts";
import type { Values } from "../core/settings.ts";
import { execute } from "../exec/execution.ts";
import { JobSlots } from "../exec/job-slots.ts";
import { FaradayApi } from "../faraday/api.ts";
import { openerFor } from "../faraday/channel-opener.ts";
import type { Announcement } from "../faraday/command-channel.ts";
import { CommandLink } from "../faraday/command-link.ts";
import { Dispatcher } from "../faraday/dispatcher.ts";
import { announcementOf, type ExecutorCatalog } from "../faraday/executor-catalog.ts";
import type { HttpClient } from "../faraday/http-client.ts";
import { Poster } from "../faraday/poster.ts";
import { Quarantine } from "../faraday/quarantine.ts";
import { describeServer } from "../faraday/server-failure.ts";
import { Spool } from "../faraday/spool.ts";
import { StatusReports } from "../faraday/status-reports.ts";
import type { Context, Invocation } from "./command.ts";
import { channelSettings, INSECURE, loadCatalog, loadServer } from "./dispatcher-connection.ts";
import { agentToken } from "./dispatcher-registration.ts";
import { DispatcherService } from "./dispatcher-service.ts";
import { lockState } from "./dispatcher-state.ts";
import { serviceLog } from "./service-log.ts";
import type { dispatcherSettings } from "./settings/dispatcher.ts";
import { refuseAnothersState } from "./state-owner.ts";
import { type Stop, stopSignal } from "./stop-signal.ts";
import { VERSION } from "./version.ts";

type Settings = Values<typeof dispatcherSettings>;

/** Milliseconds that are left, once nothing runs any more, to post what is in the spool and to tell how runs ended. */
export const FLUSH_MS = 10_000;
/** Milliseconds that a disk which takes nothing is given at the end, besides the stop grace. */
export const DISK_MS = 5_000;

export async function runDispatcher({
  settings,
  context,
}: Invocation<typeof dispatcherSettings>): Promise<number> {
  const http = loadServer(settings, context.environment);
  const log = serviceLog(settings, context);
  // What executors leave in their work directories is nobody else's business.
  process.umask(0o077);
  refuseAnothersState(settings["state-directory"]);
  const lock = lockState(settings["state-directory"]);
  const stop = stopSignal(context.signal);
  try {
    if (settings.insecure) log.warn({ event: "insecure", reason: INSECURE }, "Take any certificate");
    return await serve(settings, context, http, log, stop);
  } finally {
    stop.release();
    await http.close();
    lock.release();
  }
}

async function serve(
  settings: Settings,
  context: Context,
  http: HttpClient,
  log: Log,
  stop: Stop,
): Promise<number> {
  const { environment, clock } = context;
  const directory = settings["state-directory"];
  const catalog = await loadCatalog(settings);
  const announcements = announce(catalog, log);
  const api = new FaradayApi(http);
  const token = await agentToken(settings, { api, server: http.server, log, signal: stop.signal });
  if (token === undefined) return ExitStatus.ok;

  const quarantine = new Quarantine(makeState(directory, "quarantine"));
  const limitBytes = settings["spool-size"] * 1_000_000;
  const spoolOptions = { limitBytes, besides: () => quarantine.bytes, clock, log };
  const spool = Spool.open(makeState(directory, "spool"), spoolOptions);
  /** The last step of stopping: nothing is posted, told or waited for any more. */
  const giveUp = new AbortController();
  /** The step before: what the disk has not taken by then is lost, and said to be. */
  const letGo = new AbortController();
  const joinedOnce = new AbortController();
  const deletion = new AbortController();
  /** A 403 to a post may be a workspace's or the agent's; to the request for a channel's token it is the agent's. */
  const checkAgent = async () => {
    const answer = await api.channelToken(token, giveUp.signal).catch(() => undefined);
    if (answer?.kind === "deleted") deletion.abort();
  };
  const poster = new Poster({
    spool,
    quarantine,
    post: (workspace, body, signal) => api.bulkCreate(workspace, body, token, signal),
    keep: settings["spool-keep"],
    onDelay: ({ status }) => {
      if (status === 403) void checkAgent();
    },
    clock,
    log,
  });
  const reports = new StatusReports((status, signal) => link.tell(status, signal), giveUp.signal);
  const slots = new JobSlots(settings.jobs);
  const dispatcher = new Dispatcher({
    name: settings.name,
    catalog,
    slots,
    spool,
    poster,
    reports,
    quarantine,
    execute,
    environment,
    workDirectory: makeState(directory, "work"),
    timeLimit: settings["time-limit"],
    stopGrace: settings["stop-grace"],
    drainGrace: settings["drain-grace"],
    letGo: letGo.signal,
    clock,
    log,
  });
  const link = new CommandLink({
    api,
    openChannel: openerFor({ http, api, log, ...channelSettings(settings) }),
    agentToken: token,
    announcements,
    clock,
    log,
    onRun: dispatcher.onRun,
    onJoined: () => {
      // From here on it is known that this is the server which the results are for.
      joinedOnce.abort();
      reports.onJoined();
    },
    onState: () => service.show(),
  });
  const parts = {
    name: settings.name,
    server: describeServer(http.server),
    link,
    runs: dispatcher.runs,
    spool,
    poster,
    quarantine,
  };
  const service = new DispatcherService(environment, parts, clock, log);

  const fields = {
    version: VERSION,
    name: settings.name,
    server: parts.server,
    executors: catalog.names.join(","),
  };
  log.info({ event: "start", ...fields }, "Start dispatcher");
  const posting = aborted(AbortSignal.any([joinedOnce.signal, giveUp.signal])).then(() =>
    poster.run(giveUp.signal),
  );
  dispatcher.recover();
  await service.start(directory);
  const linked = link.run(giveUp.signal);
  try {
    const ending = await Promise.race([linked, aborted(AbortSignal.any([stop.signal, deletion.signal]))]);
    if (ending === "deleted" || deletion.signal.aborted) throw deleted(parts.server);
    service.stopping();
    log.info({ event: "stopping", runs: dispatcher.runs.states.length }, "Stop, and let runs end first");
    await endRuns(dispatcher, settings["stop-wait"] ?? settings["stop-grace"], settings, letGo, stop.again);
    await soonest(dispatcher.runs.idle(), FLUSH_MS, stop.again);
  } finally {
    await endRuns(dispatcher, 0, settings, letGo, stop.again);
    giveUp.abort();
    await Promise.all([linked, posting]);
    await spool.close();
    service.close();
  }
  const left = spool.depth;
  log.info({ event: "stop", waiting: left.results }, "Dispatcher stopped");
  return ExitStatus.ok;
}

/**
 * All that are named, always: of one that is missing the server deletes schedules and history. One that cannot be used
 * now is announced without parameters, and its runs are refused with the reason.
 */
function announce(catalog: ExecutorCatalog, log: Log): readonly Announcement[] {
  return catalog.names.map((name) => {
    try {
      return announcementOf(catalog.find(name));
    } catch (error) {
      if (!(error instanceof CbError)) throw error;
      log.error(
        { event: "executor-unusable", executor: name, reason: error.message },
        "Cannot run an executor",
      );
      return { executor_name: name, category: [], tool: "", args: {} };
    }
  });
}

function makeState(directory: string, name: string): string {
  const path = join(directory, name);
  makeDirectory(path, 0o700);
  return path;
}

/**
 * Lets what runs go on for `wait` milliseconds, then ends it; the second signal ends it at once.
 *
 * A run that waits for room on the disk would wait for ever, so it is let go some time after its processes have ended.
 */
async function endRuns(
  dispatcher: Dispatcher,
  wait: number,
  settings: Settings,
  letGo: AbortController,
  again: AbortSignal,
): Promise<void> {
  dispatcher.leaveQueue();
  await soonest(dispatcher.runs.quiet(), wait, again);
  dispatcher.runs.stop("all");
  await soonest(dispatcher.runs.quiet(), settings["stop-grace"] + DISK_MS, again);
  letGo.abort();
  await dispatcher.runs.quiet();
}

/** Waits for `work`, but not longer than so many milliseconds, nor once the signal aborts. */
async function soonest(work: Promise<void>, milliseconds: number, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const alarm = sleep(milliseconds, undefined, { signal: AbortSignal.any([done.signal, signal]) }).catch(
    () => {},
  );
  await Promise.race([work, alarm]).finally(() => done.abort());
}

function aborted(signal: AbortSignal): Promise<"stopped"> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve("stopped"), { once: true });
    if (signal.aborted) resolve("stopped");
  });
}

function deleted(server: string): CbError {
  return new CbError(
    "server",
    `Cannot serve "${server}": it does not know this agent, which was deleted there`,
    {
      hint: "Make a new one with --token CODE --register-again; results that wait stay in the spool",
    },
  );
}

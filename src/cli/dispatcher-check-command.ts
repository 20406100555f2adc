/**
 * `cb dispatcher check`: whether a dispatcher with these settings would work, one line for each thing it needs.
 *
 * Root can read and run what the user of a service can not, so for a state directory of another user root becomes
 * that one, for good. What the sandbox of the service forbids besides is not seen.
 */
import { accessSync, constants } from "node:fs";
import { tmpdir } from "node:os";
import { CbError, ExitStatus, messageOf } from "../core/errors.ts";
import { isDenied } from "../core/files.ts";
import { createLog } from "../core/log.ts";
import { shellWord } from "../core/shell-word.ts";
import { count, printable } from "../core/text.ts";
import { runChecks } from "../exec/checks.ts";
import { FaradayApi } from "../faraday/api.ts";
import { openerFor } from "../faraday/channel-opener.ts";
import type { OpenChannel } from "../faraday/command-channel.ts";
import { type Executor, type ExecutorCatalog, lackOf } from "../faraday/executor-catalog.ts";
import { runEnvironment } from "../faraday/run-environment.ts";
import { withoutSecrets } from "../faraday/secrets.ts";
import { describeServer } from "../faraday/server-failure.ts";
import { table } from "../station/table.ts";
import type { Context, Invocation } from "./command.ts";
import { channelSettings, INSECURE, loadCatalog, loadServer } from "./dispatcher-connection.ts";
import { readRegistration } from "./dispatcher-state.ts";
import { write } from "./output.ts";
import type { dispatcherCheckSettings } from "./settings/dispatcher.ts";
import { become, ownerBesidesRoot, SERVICE_CONFIG, SERVICE_USER, type User, wordsOf } from "./state-owner.ts";
import { stopSignal } from "./stop-signal.ts";

type Row = { readonly subject: string; readonly ok: boolean; readonly detail: string };

/** Who the checks are made as, where that is not who asks. */
type Stand = {
  /** In words. */
  readonly user: string;
  /** For chown(1). */
  readonly owner: string;
  readonly isService: boolean;
};

/** @returns 0 where all is well, else 1 */
export async function checkDispatcher({
  settings,
  context: { environment: own, ...others },
}: Pick<Invocation<typeof dispatcherCheckSettings>, "settings" | "context">): Promise<number> {
  const directory = settings["state-directory"];
  const owner = ownerBesidesRoot(directory);
  const stand = owner && standOf(owner);
  const context = { ...others, environment: owner === undefined ? own : become(owner, own) };
  const http = loadServer(settings, context.environment);
  const stop = stopSignal(context.signal);
  const api = new FaradayApi(http);
  // What is wrong with the channel is said in its row.
  const log = createLog({ format: "text", level: "error", colors: false });
  const openChannel = openerFor({ http, api, log, ...channelSettings(settings) });
  let failures = 0;
  const subjects = [serverSubject(http.server), ...settings.executors.map(executorSubject)];
  const width = Math.max(...subjects.map(({ length }) => length));
  // Each as soon as it is known: a check may take a minute.
  const show = async ({ subject, ok, detail }: Row) => {
    if (!ok) failures += 1;
    const cells = [ok ? "ok    " : "FAILED", printable(subject).padEnd(width), printable(detail)];
    await write(context.stdout, table([cells]));
  };
  try {
    if (stand !== undefined) await show(userRow(stand, directory));
    const server = await checkServer(api, http.server, stop.signal);
    await show(server);
    await show(tlsRow(http.server, settings.insecure, server.ok));
    await show(await checkChannel(openChannel, server.ok, stop.signal));
    await show(await checkToken(api, directory, stop.signal));
    const catalog = await catalogOrReason(settings);
    if (typeof catalog === "string") await show({ subject: "executors", ok: false, detail: catalog });
    else {
      for (const name of catalog.names) {
        if (!stop.signal.aborted) await show(await checkExecutor(catalog, name, context, stand, stop.signal));
      }
    }
  } finally {
    stop.release();
    await http.close();
  }
  return stop.status() || (failures === 0 ? ExitStatus.ok : ExitStatus.setup);
}

function standOf(user: User): Stand {
  const { name, uid } = user;
  return { user: wordsOf(user), owner: shellWord(name ?? String(uid)), isService: name === SERVICE_USER };
}

function userRow({ user, isService }: Stand, directory: string): Row {
  const subject = "user";
  if (isService && isClosed(SERVICE_CONFIG)) {
    const mend = `chgrp ${SERVICE_USER} ${SERVICE_CONFIG} && chmod 640 ${SERVICE_CONFIG}`;
    return { subject, ok: false, detail: `${user} cannot read "${SERVICE_CONFIG}", run: ${mend}` };
  }
  return { subject, ok: true, detail: `${user}, the owner of "${directory}"` };
}

function isClosed(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return false;
  } catch (error) {
    return isDenied(error);
  }
}

async function checkServer(api: FaradayApi, server: URL, signal: AbortSignal): Promise<Row> {
  const subject = serverSubject(server);
  try {
    const { status, version, oddity } = await api.probe(signal);
    if (oddity !== undefined) return { subject, ok: false, detail: oddity };
    const faraday = version === undefined ? "" : `Faraday ${version}, `;
    return { subject, ok: true, detail: `reachable, ${faraday}HTTP status ${status}` };
  } catch (error) {
    return { subject, ok: false, detail: messageOf(error) };
  }
}

function tlsRow({ protocol }: URL, insecure: boolean, isReachable: boolean): Row {
  const subject = "TLS";
  if (protocol === "http:") return { subject, ok: true, detail: "none: the URL begins with http://" };
  if (insecure) return { subject, ok: false, detail: INSECURE };
  return { subject, ok: isReachable, detail: isReachable ? "certificate verified" : NOT_KNOWN };
}

/** Opens it and joins nobody: a dispatcher that runs would be put out by a second join. */
async function checkChannel(open: OpenChannel, isReachable: boolean, signal: AbortSignal): Promise<Row> {
  const subject = "command channel";
  if (!isReachable) return { subject, ok: false, detail: NOT_KNOWN };
  try {
    const channel = await open({ onRun: () => {} }, signal);
    await channel.close();
    const isOld = channel.protocol === "legacy";
    return { subject, ok: true, detail: isOld ? "opens, in the way of Faraday 4 and older" : "opens" };
  } catch (error) {
    return { subject, ok: false, detail: messageOf(error) };
  }
}

const NOT_KNOWN = "not known: no answer";

function serverSubject(server: URL): string {
  return `server ${describeServer(server)}`;
}

function executorSubject(name: string): string {
  return `executor ${name}`;
}

async function checkToken(api: FaradayApi, directory: string, signal: AbortSignal): Promise<Row> {
  const subject = "agent token";
  try {
    const registration = readRegistration(directory);
    if (registration === undefined)
      return { subject, ok: false, detail: "none is stored: run cb dispatcher register --token CODE" };
    const answer = await api.channelToken(registration.token, signal);
    switch (answer.kind) {
      case "token":
        return { subject, ok: true, detail: "the server knows this agent" };
      case "deleted":
        return { subject, ok: false, detail: "the server does not know this agent, it was deleted there" };
      case "refused":
        return { subject, ok: false, detail: answer.words };
    }
  } catch (error) {
    return { subject, ok: false, detail: messageOf(error) };
  }
}

async function catalogOrReason(
  settings: Parameters<typeof loadCatalog>[0],
): Promise<ExecutorCatalog | string> {
  try {
    return await loadCatalog(settings);
  } catch (error) {
    if (error instanceof CbError) return error.message;
    throw error;
  }
}

/** Whether it could be run now; its checks are run for that. */
export async function checkExecutor(
  catalog: ExecutorCatalog,
  name: string,
  { environment }: Pick<Context, "environment">,
  stand: Stand | undefined,
  signal: AbortSignal,
): Promise<Row> {
  const subject = executorSubject(name);
  try {
    const executor = catalog.find(name);
    const problem = lackOf(executor) ?? (await failedCheck(executor, environment, stand, signal));
    if (problem !== undefined) return { subject, ok: false, detail: problem };
    const { parameters, checks } = executor.manifest;
    return {
      subject,
      ok: true,
      detail: `${count(parameters.size, "parameter")}, ${count(checks.length, "check")} passed`,
    };
  } catch (error) {
    if (error instanceof CbError) return { subject, ok: false, detail: error.message };
    throw error;
  }
}

/** In the surroundings of a run, but for parameters, which there are none of here. */
async function failedCheck(
  executor: Executor,
  own: Context["environment"],
  stand: Stand | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const closed = stand && closedSecret(executor);
  if (stand && closed !== undefined) {
    const { user, owner } = stand;
    return `Cannot read "${printable(closed)}" as ${user}, run: chown ${owner} ${shellWord(closed)}`;
  }
  const around = { run: "check", directory: tmpdir(), values: new Map(), pluginArgs: new Map(), own };
  const { variables, secrets } = runEnvironment(executor, around);
  const hide = (text: string) => withoutSecrets(text, secrets);
  const failed = (await runChecks(executor.manifest, variables, signal, { hide })).find(({ ok }) => !ok);
  return failed && `check "${failed.command}" failed: ${failed.detail}`;
}

/** A file that holds a secret of this executor, and that we may not read. */
function closedSecret({ manifest }: Executor): string | undefined {
  const files = [...manifest.environment.values()].flatMap((entry) =>
    typeof entry === "object" && "file" in entry ? [entry.file] : [],
  );
  return files.find(isClosed);
}

/** `cb dispatcher status`, `stop` and `spool`: they ask the dispatcher that runs here. */
import { ago } from "../core/ago.ts";
import type { Clock } from "../core/clock.ts";
import { CbError, ExitStatus } from "../core/errors.ts";
import { count, printable } from "../core/text.ts";
import type { PostAnswer } from "../faraday/api.ts";
import type { QuarantinedPost } from "../faraday/quarantine.ts";
import type { SpoolDepth } from "../faraday/spool.ts";
import { table } from "../station/table.ts";
import type { Invocation } from "./command.ts";
import { askDispatcher } from "./dispatcher-control.ts";
import type { DispatcherStatus } from "./dispatcher-service.ts";
import { write } from "./output.ts";
import type { dispatcherControlSettings, dispatcherStatusSettings } from "./settings/dispatcher.ts";

type Asked = Invocation<typeof dispatcherControlSettings>;

/** @returns 0 where it is connected, else 1 */
export async function showStatus({
  settings,
  context,
}: Invocation<typeof dispatcherStatusSettings>): Promise<number> {
  const status = await askDispatcher<DispatcherStatus>(settings["state-directory"], { ask: "status" });
  const text = settings.output === "json" ? statusJson(status) : statusText(status, context.clock);
  await write(context.stdout, text);
  return status.link.connected ? ExitStatus.ok : ExitStatus.setup;
}

export async function stopRun({ settings, operands, context }: Asked): Promise<number> {
  const [run = ""] = operands;
  const directory = settings["state-directory"];
  const { stopped } = await askDispatcher<{ stopped: boolean }>(directory, { ask: "stop", run });
  if (!stopped) {
    throw new CbError("usage", `Cannot stop run "${printable(run)}": no such run is going on`, {
      hint: "cb dispatcher status lists those that are",
    });
  }
  await write(context.stdout, `Run ${run} is being ended\n`);
  return ExitStatus.ok;
}

export async function useSpool(action: "list" | "show" | "retry" | "drop", asked: Asked): Promise<number> {
  const { settings, operands, context } = asked;
  const directory = settings["state-directory"];
  if (action === "list") return listSpool(asked);
  let failures = 0;
  for (const item of operands) {
    if (action === "show") {
      const shown = await askDispatcher<{ post: QuarantinedPost; body: string }>(directory, {
        ask: "show",
        item,
      });
      await write(context.stdout, shownText(shown));
      continue;
    }
    if (action === "drop") {
      await askDispatcher(directory, { ask: "drop", item });
      await write(context.stdout, `${printable(item)}   dropped\n`);
      continue;
    }
    const { answer } = await askDispatcher<{ answer: PostAnswer }>(directory, { ask: "retry", item });
    const taken = answer.kind === "created";
    if (!taken) failures += 1;
    await write(
      context.stdout,
      `${printable(item)}   ${taken ? "posted" : `refused: ${printable(answer.words)}`}\n`,
    );
  }
  return failures === 0 ? ExitStatus.ok : ExitStatus.setup;
}

async function listSpool({ settings, context }: Asked): Promise<number> {
  const { posts, spool } = await askDispatcher<{ posts: readonly QuarantinedPost[]; spool: SpoolDepth }>(
    settings["state-directory"],
    { ask: "list" },
  );
  const rows = posts.map(({ id, executor, workspace, at, status, words }) => [
    id,
    printable(executor),
    printable(workspace),
    ago(context.clock.wall() - at),
    [status ?? [], printable(words)].flat().join(" "),
  ]);
  await write(context.stdout, table(rows));
  const waiting = `${count(spool.results, "result")} of ${count(spool.runs, "run")} to post, ${spool.bytes} bytes`;
  await write(context.stderr, `${waiting}; ${count(posts.length, "post")} refused\n`);
  return ExitStatus.ok;
}

function shownText({ post, body }: { readonly post: QuarantinedPost; readonly body: string }): string {
  const { id, run, executor, workspace, at, status, words } = post;
  const head = [
    ["item", id],
    ["run", run],
    ["executor", executor],
    ["workspace", workspace],
    ["refused", new Date(at).toISOString()],
    ["answer", [status ?? [], words].flat().join(" ")],
  ].map(([name = "", value = ""]) => [name, printable(value)]);
  return `${table(head)}\n${printable(body)}\n`;
}

/** Times as RFC 3339 has them; what is not known is null. */
function statusJson({ link, runs, lastError, startedAt, ...rest }: DispatcherStatus): string {
  const time = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString());
  const { connected, since, lastError: trouble = null, attempts, protocol = null } = link;
  return `${JSON.stringify({
    ...rest,
    startedAt: time(startedAt),
    link: { connected, since: time(since), lastError: trouble, attempts, protocol },
    runs: runs.map((run) => ({ ...run, since: time(run.since) })),
    lastError: lastError === undefined ? null : { at: time(lastError.at), words: lastError.words },
  })}\n`;
}

function statusText(status: DispatcherStatus, clock: Clock): string {
  const { name, server, version, startedAt, link, runs, spool, quarantined, lastError } = status;
  const now = clock.wall();
  const since = link.since === undefined ? "" : `, since ${ago(now - link.since).replace(/ ago$/, "")}`;
  const trouble = link.lastError === undefined ? "" : `: ${printable(link.lastError)}`;
  const connected = `connected${link.protocol === "legacy" ? " (legacy protocol)" : ""}${since}`;
  const lines = [
    ["agent", `${printable(name)}, cb ${printable(version)}, started ${ago(now - startedAt)}`],
    ["server", `${printable(server)}, ${link.connected ? connected : `not connected${since}${trouble}`}`],
    ["spool", `${count(spool.results, "result")} to post, ${spool.bytes} bytes`],
    ["refused", count(quarantined, "post")],
    ...(lastError === undefined
      ? []
      : [["last error", `${ago(now - lastError.at)}: ${printable(lastError.words)}`]]),
    ["runs", count(runs.length, "run")],
  ];
  const rows = runs.map(({ id, executor, state, since: at, workspaces }) => [
    `  ${id}`,
    printable(executor),
    state,
    ago(now - at),
    printable(workspaces.join(", ")),
  ]);
  return table(lines) + table(rows);
}

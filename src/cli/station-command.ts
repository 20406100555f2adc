/** `cb station`: sends one request to the agents of a channel and shows what they answer. */
import { fstatSync } from "node:fs";
import { wantsColors } from "../core/colors.ts";
import { CbError, ExitStatus } from "../core/errors.ts";
import { showsUnicode } from "../core/locale.ts";
import { parseNamePattern } from "../core/name-pattern.ts";
import { type CommandName, parseName } from "../core/names.ts";
import type { Resolved, Values } from "../core/settings.ts";
import { connectStationHub } from "../hub/station-hub.ts";
import { cryptoReady } from "../protocol/crypto.ts";
import type { Target } from "../protocol/target.ts";
import { knownAgents } from "../station/agents-table.ts";
import type { Sink } from "../station/line-renderer.ts";
import { checkRequest, type Task } from "../station/messages.ts";
import type { ShownForm } from "../station/output-form.ts";
import { runStation } from "../station/station.ts";
import type { View } from "../station/view.ts";
import type { Beside } from "../station/views.ts";
import { addresseesOf } from "./addressees.ts";
import { AgentStoreFiles, storePlaces } from "./agent-store-files.ts";
import { type Context, type Invocation, parseOperand } from "./command.ts";
import { isPasswordVisible, loadConnection, VISIBLE_PASSWORD } from "./hub-connection.ts";
import { loadNetworkPublic, loadStationSecret } from "./key-files.ts";
import { doubtsAbout } from "./name-doubts.ts";
import { type Stream, write } from "./output.ts";
import { confirmRun } from "./run-guard.ts";
import { agentsToRepeat, keepRunRecord } from "./run-record-files.ts";
import { verbosityOf } from "./settings/common.ts";
import { rolloutOf } from "./settings/rollout.ts";
import type { commandsSettings, pingSettings, runSettings, stationSettings } from "./settings/station.ts";
import { stopSignal } from "./stop-signal.ts";
import { VERSION } from "./version.ts";

export async function runOnAgents({
  settings,
  origins,
  operands,
  context,
}: Invocation<typeof runSettings>): Promise<number> {
  const command = parseOperand("command", operands[0] ?? "", parseName<CommandName>);
  const { timeout: limit, param: parameters, guard, all, plan } = settings;
  const rollout = rolloutOf(settings, settings["reply-wait"]);
  const display = {
    output: settings.output ?? (context.stdout.isTTY === true ? "both" : "live"),
    progress: !settings["no-progress"],
    beside: () => openBeside(settings, context),
  };
  const values = settings["retry-failed"] ? retried(settings, command) : settings;
  if (values === undefined) {
    const all = `"${command}" went well wherever its last run on channel "${settings.channel}" came`;
    if (!settings["errors-only"]) await write(context.stderr, `cb: nothing to repeat: ${all}\n`);
    return ExitStatus.ok;
  }
  const given = { values, origins };
  if (plan) {
    const output = settings.output === "ndjson" ? "ndjson" : "live";
    const kept = (["report", "to-directory"] as const).find((name) => settings[name] !== undefined);
    if (kept !== undefined)
      throw new CbError("usage", `Cannot use --${kept} with --plan: nothing is run that it could keep`);
    const shown = { ...display, output, beside: nothingBeside, plan: command } as const;
    return ask({ type: "ping" }, given, shown, context);
  }
  const check: Check = (target, store) =>
    confirmRun({ command, target, store, guard: all ? 0 : guard }, context);
  return ask({ type: "run", command, limit, parameters, rollout }, given, display, context, check);
}

/**
 * The settings with the agents where the last run of a command is to be repeated; undefined where there are none.
 *
 * @throws {CbError} `usage` or `file`
 */
function retried(
  settings: Values<typeof runSettings>,
  command: CommandName,
): Values<typeof runSettings> | undefined {
  if (settings.to.patterns.size > 0 || settings["to-file"] !== undefined) {
    const why = "it names the agents itself, expected no --to and no --to-file with it";
    throw new CbError("usage", `Cannot use --retry-failed: ${why}`);
  }
  const { channel, "state-directory": directory } = settings;
  const identities = agentsToRepeat(directory, channel, command);
  if (identities.length === 0) return undefined;
  const patterns = identities.map(parseNamePattern);
  return { ...settings, to: { patterns: new Set(patterns), named: new Set(identities) } };
}

export async function pingAgents({
  settings,
  origins,
  context,
}: Invocation<typeof pingSettings>): Promise<number> {
  const display = { output: "live", progress: false, beside: nothingBeside } as const;
  // Nobody runs anything, so nobody is waited for.
  const values = { ...settings, "reply-wait": settings["hello-wait"] };
  return ask({ type: "ping" }, { values, origins: { ...origins, "reply-wait": "none" } }, display, context);
}

export async function listCommands({
  settings,
  origins,
  context,
}: Invocation<typeof commandsSettings>): Promise<number> {
  const output = settings.json ? "commands-json" : "commands";
  const display = { output, progress: true, beside: nothingBeside } as const;
  return ask({ type: "list" }, { values: settings, origins }, display, context);
}

/**
 * How long after the second signal the process may still take to end by itself, in milliseconds: it cannot
 * while whoever reads its output stands still, for no runtime takes back what it has been given to write.
 */
const LEAVE_WAIT = 1_000;

type Display = {
  readonly output: ShownForm;
  readonly progress: boolean;
  /** The command of which a ping is to tell who would run it. */
  readonly plan?: CommandName;
  /** @throws {CbError} `file`, where something of it cannot be used: before anything is asked */
  readonly beside: () => Promise<Beside>;
};

/** The last look before anybody is asked; throws what keeps us from asking. */
type Check = (target: Target | undefined, store: AgentStoreFiles) => Promise<void>;

/** Keys and pins first, then the hub: what can be refused here is refused before anything is published. */
async function ask(
  task: Task,
  settings: Resolved<typeof stationSettings>,
  display: Display,
  context: Context,
  check: Check = async () => {},
): Promise<number> {
  await cryptoReady();
  const { values, origins } = settings;
  const { spared, ...addressees } = await addresseesOf(values);
  const network = loadNetworkPublic(values["network-public-key"], context.environment);
  const keyPair = loadStationSecret(values["base-station-secret-key"], context.environment);
  const connection = loadConnection(values, context.environment);
  if (isPasswordVisible(settings) && !values["errors-only"]) {
    await write(context.stderr, `cb: ${VISIBLE_PASSWORD}\n`);
  }
  const store = new AgentStoreFiles(storePlaces(values), values.channel, context.clock);
  for (const notice of store.notices) await write(context.stderr, `cb: ${notice}\n`);
  const { identity, channel } = values;
  checkRequest(task, { identity, channel, clock: context.clock, ...addressees });
  const isTyped = origins["not-to"] === "argument";
  const known = knownAgents(store.discovered ?? new Map(), store.pins);
  for (const doubt of doubtsAbout({ ...addressees, spared, isTyped }, known)) {
    if (!values["errors-only"]) await write(context.stderr, `cb: ${doubt}\n`);
  }
  await check(addressees.target, store);
  // Last, as it may make a directory, which would stand in the way of a second try.
  const beside = await display.beside();
  const stop = stopSignal(context.signal);
  stop.again.addEventListener("abort", () => setTimeout(stop.end, LEAVE_WAIT).unref(), { once: true });
  try {
    const hub = await connectStationHub(connection, channel, stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
      return undefined; // given up by the operator: no failure of the hub
    });
    if (hub === undefined) return stop.status();
    const status = await runStation(
      task,
      {
        identity,
        channel,
        ...addressees,
        waits: {
          helloWait: values["hello-wait"],
          replyWait: values["reply-wait"],
          minimumWait: values["minimum-wait"],
          isMinimumExplicit: origins["minimum-wait"] !== "default",
        },
        network,
        keyPair,
        hub,
        store,
        failMissing: values["fail-missing"],
        expected: values.expect,
        plan: display.plan,
        clock: context.clock,
        stdout: sink(context.stdout, context, values),
        stderr: sink(context.stderr, context, values),
        output: display.output,
        beside,
        finalStatus: (status) => stop.status() || status,
        columns: () => columnsOf(context),
        showsProgress: display.progress && canRedraw(context),
        keep: (record) => keepRunRecord(values["state-directory"], channel, record),
        verbosity: verbosityOf(values),
      },
      { end: stop.signal, leave: stop.again },
    );
    return stop.status() || status;
  } finally {
    stop.release();
  }
}

async function nothingBeside(): Promise<Beside> {
  return { before: [], after: [] };
}

/** The report first: it refuses what is there, where a directory makes something. */
async function openBeside(settings: Values<typeof runSettings>, context: Context): Promise<Beside> {
  const { report, "to-directory": directory, stats } = settings;
  const before: View[] = [];
  if (report !== undefined) {
    const { ReportView } = await import("../station/report-view.ts");
    before.push(new ReportView(report, VERSION));
  }
  if (directory !== undefined) {
    const { DirectoryView } = await import("../station/directory-view.ts");
    // Before the report, which counts in what it has lost.
    before.unshift(new DirectoryView(directory));
  }
  if (!stats) return { before, after: [] };
  const { statisticsView } = await import("../station/statistics-view.ts");
  const bars = () => ({ columns: columnsOf(context), isUnicode: showsUnicode(context.environment) });
  return { before, after: [statisticsView(sink(context.stderr, context, settings), bars)] };
}

function sink(
  stream: Stream,
  { environment }: Context,
  { "force-colors": forced }: Values<typeof stationSettings>,
): Sink {
  const isTerminal = stream.isTTY === true;
  const hasColors = wantsColors(environment, isTerminal, forced);
  return { write: (bytes) => write(stream, bytes), isTerminal, hasColors };
}

/** Of the terminal now; without one, or with one that does not know its size and says 0, as many as a mail has. */
function columnsOf({ stdout, stderr }: Context): number {
  return stdout.columns || stderr.columns || 80;
}

/**
 * Whether a line can be taken back (terminfo(5)), which an editor's shell and a serial log cannot, and nobody else
 * writes to the terminal meanwhile: whoever reads our output through a pipe, such as less(1), may well do so.
 */
function canRedraw({ stderr, environment }: Context): boolean {
  return stderr.isTTY === true && environment["TERM"] !== "dumb" && !isPipe(STANDARD_OUTPUT);
}

const STANDARD_OUTPUT = 1;

function isPipe(descriptor: number): boolean {
  const status = fstatSync(descriptor);
  // A pipe of some shells, and of those who start programs, is a pair of sockets.
  return status.isFIFO() || status.isSocket();
}

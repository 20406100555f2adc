/** `cb station`: sends one request to the agents of a channel and shows what they answer. */
import { fstatSync } from "node:fs";
import { wantsColors } from "../core/colors.ts";
import { CbError, ExitStatus } from "../core/errors.ts";
import { showsUnicode } from "../core/locale.ts";
import { type CommandName, type Identity, parseName } from "../core/names.ts";
import type { Resolved, Values } from "../core/settings.ts";
import { connectStationHub } from "../hub/station-hub.ts";
import { cryptoReady } from "../protocol/crypto.ts";
import { type KnownAgent, knownAgents } from "../station/agents-table.ts";
import { Attendance } from "../station/attendance.ts";
import type { KeptOutputs } from "../station/kept-outputs.ts";
import type { Sink } from "../station/line-renderer.ts";
import { type Addressees, checkRequest, type Task } from "../station/messages.ts";
import type { ShownForm } from "../station/output-form.ts";
import type { Plan } from "../station/plan-text.ts";
import { RecordView } from "../station/record-view.ts";
import { runStation } from "../station/station.ts";
import type { View } from "../station/view.ts";
import type { Beside } from "../station/views.ts";
import { type Addressed, addresseesOf } from "./addressees.ts";
import type { AgentFiles } from "./agent-files.ts";
import { AgentStoreFiles, storePlaces } from "./agent-store-files.ts";
import { type Context, type Invocation, parseOperand } from "./command.ts";
import { isPasswordVisible, loadConnection, VISIBLE_PASSWORD } from "./hub-connection.ts";
import { loadNetworkPublic, loadStationSecret } from "./key-files.ts";
import { doubtsAbout } from "./name-doubts.ts";
import { type Stream, write } from "./output.ts";
import { requireOneAgent } from "./raw-guard.ts";
import { retried } from "./retry.ts";
import { confirmRun } from "./run-guard.ts";
import { RunRecordFile } from "./run-record-files.ts";
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
  const task = { type: "run", command, limit, parameters, rollout } as const;
  const retry = settings["retry-failed"] ? await retried(settings, task, context) : undefined;
  if (settings["retry-failed"] && retry === undefined) return ExitStatus.ok;
  const given = { values: retry?.settings ?? settings, origins };
  const announce: Check = async ({ target }, known) => retry?.announce(target, known);
  if (plan) {
    const output = settings.output === "ndjson" ? "ndjson" : "live";
    const kept = (["report", "to-directory"] as const).find((name) => settings[name] !== undefined);
    if (kept !== undefined)
      throw new CbError("usage", `Cannot use --${kept} with --plan: nothing is run that it could keep`);
    const shown = { ...display, output, beside: nothingBeside, plan: { command, rollout } } as const;
    return ask({ type: "ping" }, given, shown, context, announce);
  }
  const check: Check = async (addressed, known) => {
    if (display.output === "raw") requireOneAgent(addressed, known);
    await announce(addressed, known);
    await confirmRun({ command, addressed, known, guard: all ? 0 : guard }, context);
  };
  return ask(task, given, display, context, check);
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
  /** The run of which a ping is to tell who would be asked. */
  readonly plan?: Plan;
  /** @throws {CbError} `file`, where something of it cannot be used: before anything is asked */
  readonly beside: () => Promise<Beside>;
};

/** The last look before anybody is asked; throws what keeps us from asking. */
type Check = (addressed: Addressed, known: readonly KnownAgent[]) => Promise<void>;

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
  const addressed = await addresseesOf(values);
  const { target, named } = addressed;
  const addressees = { target, named };
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
  for (const doubt of doubtsAbout({ ...addressed, isTyped }, known)) {
    if (!values["errors-only"]) await write(context.stderr, `cb: ${doubt}\n`);
  }
  await check(addressed, known);
  // Last, as it may make a directory, which would stand in the way of a second try.
  const beside = await display.beside();
  const stop = stopSignal(context.signal);
  const record = task.type === "run" ? recordOf(task.command, values, addressees, store, context) : undefined;
  let isReported = false;
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
        beside: record === undefined ? beside : { ...beside, before: [record, ...beside.before] },
        finalStatus: (status) => stop.status() || status,
        columns: () => columnsOf(context),
        showsProgress: display.progress && canRedraw(context),
        record,
        verbosity: verbosityOf(values),
      },
      { end: stop.signal, leave: stop.again },
    );
    isReported = true;
    return stop.status() || status;
  } finally {
    record?.close();
    const unsaid = isReported || values["errors-only"] ? [] : (record?.failures ?? []);
    for (const why of unsaid) await write(context.stderr, `cb: ${why}\n`).catch(() => {});
    stop.release();
  }
}

/** The record of a run, for whoever asks to repeat it. */
function recordOf(
  command: CommandName,
  { channel, "state-directory": directory }: Values<typeof stationSettings>,
  { target, named }: Addressees,
  { discovered, pins }: AgentStoreFiles,
  { clock }: Context,
): RecordView {
  const identities = new Attendance(discovered, target, named).missing.map(({ identity }) => identity);
  const isKept = (identity: Identity) =>
    target !== undefined || pins.has(identity) || discovered?.has(identity) === true;
  return new RecordView(new RunRecordFile(directory, { channel, command }, { identities, isKept }, clock));
}

async function nothingBeside(): Promise<Beside> {
  return { before: [], after: [] };
}

/** @throws {CbError} `file`, where a directory or a page cannot be written: then neither is there afterwards */
async function openBeside(settings: Values<typeof runSettings>, context: Context): Promise<Beside> {
  const { report, "to-directory": directory, stats } = settings;
  const before: View[] = [];
  let files: AgentFiles | undefined;
  let kept: KeptOutputs | undefined;
  if (directory !== undefined) {
    const [{ AgentFiles }, { DirectoryView }] = await Promise.all([
      import("./agent-files.ts"),
      import("../station/directory-view.ts"),
    ]);
    files = new AgentFiles(directory);
    // Before the report, which counts in what it has lost.
    before.push(new DirectoryView(files));
  }
  if (report !== undefined) {
    const [{ openReportFile }, { ReportView }, { KeptOutputs }] = await Promise.all([
      import("./report-file.ts"),
      import("../station/report-view.ts"),
      import("../station/kept-outputs.ts"),
    ]);
    kept = new KeptOutputs();
    try {
      // After the directory, in which it may be.
      before.push(new ReportView(openReportFile(report), VERSION, kept));
    } catch (error) {
      files?.undo();
      throw error;
    }
  }
  if (!stats) return { before, after: [], kept };
  const { statisticsView } = await import("../station/statistics-view.ts");
  const bars = () => ({ columns: columnsOf(context), isUnicode: showsUnicode(context.environment) });
  return { before, after: [statisticsView(sink(context.stderr, context, settings), bars)], kept };
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

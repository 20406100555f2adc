/** `cb dispatcher try`: one run of an executor by hand, with what the dispatcher would make of it, and no server. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CbError, ExitStatus } from "../core/errors.ts";
import { type CommandName, parseName } from "../core/names.ts";
import { printable } from "../core/text.ts";
import { runChecks } from "../exec/checks.ts";
import { type ExecutionEnd, execute } from "../exec/execution.ts";
import { checkParameters, type ParameterValues, valuesOfTexts } from "../exec/parameters.ts";
import { type Executor, ExecutorCatalog, lackOf } from "../faraday/executor-catalog.ts";
import { executorOutput } from "../faraday/executor-output.ts";
import { findInstallation } from "../faraday/official-executors.ts";
import { clean } from "../faraday/payload.ts";
import type { ResultLine } from "../faraday/result-lines.ts";
import { runEnvironment } from "../faraday/run-environment.ts";
import { type LineCounts, NO_LINES, outcomeOf } from "../faraday/run-outcome.ts";
import { withoutSecrets } from "../faraday/secrets.ts";
import { deleteTree } from "../faraday/workplace.ts";
import { type Context, type Invocation, parseOperand } from "./command.ts";
import { type Stream, write } from "./output.ts";
import type { dispatcherTrySettings } from "./settings/dispatcher.ts";
import { stopSignal } from "./stop-signal.ts";

/** Milliseconds, as the dispatcher has them by default. */
const STOP_GRACE = 10_000;
const DRAIN_GRACE = 1_000;

/** @returns 0 where the run would be a success, else 1; 128 and more where a signal ended it */
export async function tryExecutor({
  settings,
  operands,
  context,
}: Invocation<typeof dispatcherTrySettings>): Promise<number> {
  const { "run-directory": directories, python, param } = settings;
  const name = parseOperand("executor", operands[0] ?? "", parseName<CommandName>);
  const installation = python === undefined ? undefined : await findInstallation(python);
  const executor = new ExecutorCatalog([name], directories, installation).find(name);
  const values = valuesFor(executor, param);
  const lack = lackOf(executor);
  if (lack !== undefined) throw new CbError("setting", `Cannot run "${name}": ${lack}`);
  const directory = mkdtempSync(join(tmpdir(), "cb-try-"));
  const stop = stopSignal(context.signal);
  try {
    const trial = new Trial(executor, values, directory, context);
    const isSuccess = await trial.perform(stop.signal);
    return stop.status() || (isSuccess ? ExitStatus.ok : ExitStatus.setup);
  } finally {
    stop.release();
    deleteTree(directory);
  }
}

function valuesFor({ name, manifest }: Executor, param: ReadonlyMap<string, string>): ParameterValues {
  const check = checkParameters(manifest.parameters, valuesOfTexts(param, manifest.parameters));
  if (check.accepted) return check.values;
  throw new CbError("usage", `Cannot run "${name}": ${check.kind} parameter: ${check.problems.join("; ")}`);
}

class Trial {
  readonly #executor: Executor;
  readonly #directory: string;
  readonly #context: Context;
  readonly #variables: Readonly<Record<string, string>>;
  readonly #secrets: readonly string[];
  #lines: LineCounts = NO_LINES;

  constructor(executor: Executor, values: ParameterValues, directory: string, context: Context) {
    this.#executor = executor;
    this.#directory = directory;
    this.#context = context;
    const around = { run: "try", directory, values, pluginArgs: new Map(), own: context.environment };
    const { variables, secrets } = runEnvironment(executor, around);
    this.#variables = variables;
    this.#secrets = secrets;
  }

  async perform(signal: AbortSignal): Promise<boolean> {
    const { manifest } = this.#executor;
    const hide = (text: string) => withoutSecrets(text, this.#secrets);
    const checks = await runChecks(manifest, this.#variables, signal, { hide });
    for (const { command, ok, detail } of checks)
      if (!ok) await this.#say(`check "${command}" failed: ${detail}`);
    if (checks.some(({ ok }) => !ok)) return false;
    const end = await this.#execute(signal);
    const { successful, message } = outcomeOf(end, this.#lines, manifest.timeout, "");
    await this.#say(`${successful ? "successful" : "not successful"}: ${message}`);
    return successful;
  }

  async #execute(signal: AbortSignal): Promise<ExecutionEnd> {
    const output = executorOutput(this.#executor, {
      execute,
      secrets: this.#secrets,
      directory: this.#directory,
      environment: this.#variables,
      timeLimit: this.#executor.manifest.timeout,
      stopGrace: STOP_GRACE,
      drainGrace: DRAIN_GRACE,
      signal,
      clock: this.#context.clock,
    });
    for await (const event of output) {
      if (event.kind === "end") return event.end;
      if (event.kind === "results") for (const line of event.lines) await this.#take(line);
      else for (const line of event.lines) await this.#say(line);
    }
    throw new Error("an execution ended without its end");
  }

  async #take(line: ResultLine): Promise<void> {
    if (line.kind !== "result") {
      if (line.kind === "ignored") return;
      this.#count(KINDS[line.kind]);
      return this.#say(line.detail);
    }
    // As many bytes as there are: here nothing is split.
    const cleaned = clean(line.value, { maxBytes: Number.POSITIVE_INFINITY });
    if ("problem" in cleaned) {
      this.#count("invalid");
      return this.#say(`line ${line.line}: ${withoutSecrets(cleaned.problem, this.#secrets)}`);
    }
    this.#count("results");
    const mended = Object.entries(cleaned.counts).filter(([, number]) => number > 0);
    const changes = mended.map(([kind, number]) => `${kind} ${number}`).join(", ");
    if (changes !== "") await this.#say(`line ${line.line}: mended before it would be posted: ${changes}`);
    for (const body of cleaned.bodies) await write(this.#context.stdout, `${JSON.stringify(body)}\n`);
  }

  #count(kind: keyof LineCounts): void {
    this.#lines = { ...this.#lines, [kind]: this.#lines[kind] + 1 };
  }

  async #say(line: string): Promise<void> {
    const { stderr }: { readonly stderr: Stream } = this.#context;
    if (line.trim() !== "") await write(stderr, `${printable(line)}\n`);
  }
}

const KINDS = { garbage: "garbage", "not-an-object": "notObjects", "too-long": "tooLong" } as const;

/** `cb executor nmap`: a run of nmap, or a report of one, as results for Faraday on standard output. */
import { CbError } from "../core/errors.ts";
import { abridged, printable, shortened } from "../core/text.ts";
import { findTool } from "../exec/tool.ts";
import { type AgentOptions, agentOptions } from "../scanners/agent-options.ts";
import { isAddress } from "../scanners/host-name.ts";
import { nmapScans } from "../scanners/nmap-arguments.ts";
import { type NmapEvent, type NmapHost, NmapReport } from "../scanners/nmap-report.ts";
import { hostResult } from "../scanners/nmap-result.ts";
import type { Invocation } from "./command.ts";
import { ExecutorOutput, failureOf } from "./executor-output.ts";
import { readReport } from "./executor-report.ts";
import type { executorSettings } from "./settings/executor.ts";
import { stopSignal } from "./stop-signal.ts";

/**
 * @returns 0 where all was scanned and read; 128 and more where a signal ended it
 * @throws {CbError} `setting` for a parameter, `scanner` where a part is missing; what there is has been printed then
 */
export async function runNmap({ settings, context }: Invocation<typeof executorSettings>): Promise<number> {
  const options = agentOptions(context.environment);
  const output = new ExecutorOutput(context);
  const run = new NmapRun(output, options);
  if (settings.report !== undefined) {
    await readReport(settings.report, (bytes) => run.push(bytes));
    await run.endReport(undefined);
    await run.sumUp();
    return output.conclude("read the report");
  }
  const scans = nmapScans(context.environment, options);
  const nmap = findTool("nmap", context.environment["PATH"]);
  if (nmap === undefined) throw new CbError("scanner", "Cannot scan: nmap is not installed");
  const stop = stopSignal(context.signal);
  try {
    for (const words of scans) if (!stop.signal.aborted) await run.scan(nmap, words, stop.signal);
  } finally {
    stop.release();
  }
  await run.sumUp();
  return stop.status() || output.conclude("finish the scan");
}

class NmapRun {
  readonly #output: ExecutorOutput;
  readonly #options: AgentOptions;
  #report = new NmapReport();
  /** nmap's own words for what went wrong with the present report; they tell more than its exit status. */
  #error = "";
  /** Hosts that are said to be up and answered nothing. */
  #silent = 0;

  constructor(output: ExecutorOutput, options: AgentOptions) {
    this.#output = output;
    this.#options = options;
  }

  async scan(nmap: string, words: readonly string[], signal: AbortSignal): Promise<void> {
    const onLine = (line: string) => {
      // In no report and no exit status.
      const name = /^Failed to resolve "(.*)"\.$/.exec(line)?.[1];
      if (name !== undefined) this.#output.problem(`the name "${printable(name)}" does not resolve`);
    };
    const end = await this.#output.run(nmap, words, signal, (bytes) => this.push(bytes), onLine);
    await this.endReport(failureOf("nmap", end));
  }

  async push(bytes: Uint8Array): Promise<void> {
    for (const event of this.#report.push(bytes)) await this.#take(event);
  }

  /** @param failure of nmap itself, which explains what is missing in the report */
  async endReport(failure: string | undefined): Promise<void> {
    for (const event of this.#report.end()) await this.#take(event);
    const { problem } = this.#report;
    const damage = problem && `nmap's report is not whole: ${problem}`;
    const known = this.#error || failure || damage;
    if (known !== undefined) this.#output.problem(known);
    this.#report = new NmapReport();
    this.#error = "";
  }

  async sumUp(): Promise<void> {
    const hosts = this.#silent === 1 ? "1 host" : `${this.#silent} hosts`;
    await this.#output.sumUp(this.#silent === 0 ? "" : `; left out, since nothing answered: ${hosts}`);
  }

  async #take(event: NmapEvent): Promise<void> {
    switch (event.kind) {
      case "host":
        return this.#takeHost(event.host);
      case "progress":
        return this.#output.say(`${event.task}: ${Math.floor(event.percent)} % done`);
      case "script":
        return this.#output.say(`${event.script.id}: ${event.script.output.trim()}`);
      case "skipped":
        return this.#output.problem(`nmap makes nothing of the target "${printable(event.target)}"`);
      case "finished":
        this.#error = shortened(event.error);
    }
  }

  async #takeHost(host: NmapHost): Promise<void> {
    if (host.isUp && !isAddress(host.ip))
      return this.#output.problem(`the report has a host whose address is none, "${abridged(host.ip)}"`);
    if (host.isTimedOut)
      await this.#output.say(`${host.ip}: given up, HOST_TIMEOUT is over; its ports are not known`);
    const result = hostResult(host, this.#options);
    if (result !== undefined) await this.#output.post(result);
    else if (host.isUp) this.#silent += 1;
  }
}

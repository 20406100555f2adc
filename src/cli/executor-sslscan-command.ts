/** `cb executor sslscan`: runs of sslscan, or a report of one, as results for Faraday on standard output. */
import { lookup } from "node:dns/promises";
import { CbError } from "../core/errors.ts";
import { abridged, printable, shortened } from "../core/text.ts";
import { findTool } from "../exec/tool.ts";
import { type AgentOptions, agentOptions } from "../scanners/agent-options.ts";
import { sslscanArguments, sslscanTargets, type TlsTarget } from "../scanners/sslscan-arguments.ts";
import { type SslscanEvent, SslscanReport } from "../scanners/sslscan-report.ts";
import { hasPlace, tlsResult } from "../scanners/sslscan-result.ts";
import type { Invocation } from "./command.ts";
import { ExecutorOutput, failureOf } from "./executor-output.ts";
import { readReport } from "./executor-report.ts";
import type { executorSettings } from "./settings/executor.ts";
import { stopSignal } from "./stop-signal.ts";

/**
 * @returns 0 where all was scanned and read; 128 and more where a signal ended it
 * @throws {CbError} `setting` for a parameter, `scanner` where a part is missing; what there is has been printed then
 */
export async function runSslscan({
  settings,
  context,
}: Invocation<typeof executorSettings>): Promise<number> {
  const { environment } = context;
  const options = agentOptions(environment);
  const output = new ExecutorOutput(context);
  if (settings.report !== undefined) {
    const report = new SslscanReport();
    await readReport(settings.report, (bytes) => takeAll(report.push(bytes), options, output));
    await endReport(report, undefined, options, output);
    await output.sumUp();
    return output.conclude("read the report");
  }
  const targets = sslscanTargets(environment);
  const sslscan = findTool("sslscan", environment["PATH"]);
  if (sslscan === undefined) throw new CbError("scanner", "Cannot scan: sslscan is not installed");
  const stop = stopSignal(context.signal);
  try {
    for (const target of targets) {
      const address = stop.signal.aborted ? undefined : await addressOf(target, output);
      if (address === undefined) continue;
      const report = new SslscanReport();
      const words = sslscanArguments(environment, target, address);
      const onOutput = (bytes: Uint8Array) => takeAll(report.push(bytes), options, output);
      const end = await output.run(sslscan, words, stop.signal, onOutput);
      await endReport(report, failureOf("sslscan", end), options, output);
    }
  } finally {
    stop.release();
  }
  await output.sumUp();
  return stop.status() || output.conclude("finish the scan");
}

async function addressOf({ host }: TlsTarget, output: ExecutorOutput): Promise<string | undefined> {
  try {
    // IPv4 first, as nmap looks names up: one host in Faraday.
    return (await lookup(host, { verbatim: false })).address;
  } catch {
    output.problem(`the name "${printable(host)}" does not resolve`);
    return undefined;
  }
}

async function endReport(
  report: SslscanReport,
  failure: string | undefined,
  options: AgentOptions,
  output: ExecutorOutput,
): Promise<void> {
  await takeAll(report.end(), options, output);
  const damage = report.problem && `sslscan's report is not whole: ${report.problem}`;
  const known = failure || damage;
  if (known !== undefined) output.problem(known);
}

async function takeAll(
  events: readonly SslscanEvent[],
  options: AgentOptions,
  output: ExecutorOutput,
): Promise<void> {
  for (const event of events) {
    if (event.kind === "error") {
      output.problem(shortened(event.error));
      continue;
    }
    const { test } = event;
    const result = tlsResult(test, options);
    if (result !== undefined) await output.post(result);
    else if (!hasPlace(test))
      output.problem(`the report has a host whose address or port is none, "${abridged(test.host)}"`);
    else output.problem(`"${printable(test.host)}" speaks no TLS on port ${test.port}`);
  }
}

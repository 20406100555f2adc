/** `cb executor nmap`: a run of nmap, or a report of one, as results for Faraday on standard output. */
import { createReadStream } from "node:fs";
import { CbError, systemCode } from "../core/errors.ts";
import { systemReason } from "../core/files.ts";
import { printable } from "../core/text.ts";
import { findTool, runTool, type ToolEnd } from "../exec/tool.ts";
import { agentOptions } from "../scanners/agent-options.ts";
import { nmapScans } from "../scanners/nmap-arguments.ts";
import type { Context, Invocation } from "./command.ts";
import { NmapResults } from "./executor-nmap-results.ts";
import { write } from "./output.ts";
import { scannerEnvironment } from "./scanner-environment.ts";
import type { executorSettings } from "./settings/executor.ts";
import { stopSignal } from "./stop-signal.ts";

/**
 * @returns 0 where all was scanned and read; 128 and more where a signal ended it
 * @throws {CbError} `setting` for a parameter, `scanner` where a part is missing; what there is has been printed then
 */
export async function runNmap({ settings, context }: Invocation<typeof executorSettings>): Promise<number> {
  const options = agentOptions(context.environment);
  const results = new NmapResults(context, options);
  if (settings.report !== undefined) {
    await readReport(settings.report, results);
    return results.conclude("read the report");
  }
  const scans = nmapScans(context.environment, options);
  const nmap = findTool("nmap", context.environment["PATH"]);
  if (nmap === undefined) throw new CbError("scanner", "Cannot scan: nmap is not installed");
  const stop = stopSignal(context.signal);
  try {
    for (const words of scans) {
      if (!stop.signal.aborted) await scan(nmap, words, results, context, stop.signal);
    }
  } finally {
    stop.release();
  }
  if (stop.status() === 0) return results.conclude("finish the scan");
  await results.sumUp();
  return stop.status();
}

async function scan(
  nmap: string,
  words: readonly string[],
  results: NmapResults,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const environment = scannerEnvironment(context.environment);
  const report = results.begin();
  const stderr = new TextDecoder();
  let rest = "";
  for await (const event of runTool(nmap, { arguments: words, environment, signal })) {
    if (event.kind === "end") {
      if (rest !== "") await heard(rest, results, context);
      await report.end(failureOf(event));
    } else if (event.stream === "stdout") {
      await report.push(event.data);
    } else {
      const lines = (rest + stderr.decode(event.data, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) await heard(line, results, context);
    }
  }
}

/** What nmap says on standard error goes to ours; a name that it cannot look up is in no report and no exit status. */
async function heard(line: string, results: NmapResults, { stderr }: Context): Promise<void> {
  if (line.trim() !== "") await write(stderr, `${printable(line)}\n`);
  const name = /^Failed to resolve "(.*)"\.$/.exec(line)?.[1];
  if (name !== undefined) results.problem(`the name "${printable(name)}" does not resolve`);
}

function failureOf({ status, signal, detail }: ToolEnd): string | undefined {
  if (status === 0) return undefined;
  if (detail !== undefined) return `nmap was not started, ${detail}`;
  return signal === undefined ? `nmap ended with exit status ${status}` : `nmap was ended by ${signal}`;
}

async function readReport(path: string, results: NmapResults): Promise<void> {
  const report = results.begin();
  const input: AsyncIterable<Uint8Array> = path === "-" ? process.stdin : createReadStream(path);
  try {
    for await (const bytes of input) await report.push(bytes);
  } catch (cause) {
    // Our own are about the output, and have a code as well.
    if (cause instanceof CbError || systemCode(cause) === undefined) throw cause;
    throw new CbError("file", `Cannot read "${printable(path)}": ${systemReason(cause)}`, { cause });
  }
  await report.end(undefined);
}

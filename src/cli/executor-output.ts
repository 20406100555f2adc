/** What an executor of ours prints: results as lines on standard output, all else on standard error. */
import { CbError, ExitStatus } from "../core/errors.ts";
import { count, printable, shortened } from "../core/text.ts";
import { runTool, type ToolEnd } from "../exec/tool.ts";
import type { HostResult } from "../scanners/host-result.ts";
import type { Context } from "./command.ts";
import { write } from "./output.ts";
import { scannerEnvironment } from "./scanner-environment.ts";

/** Problems that one message names. */
const MOST_NAMED = 5;

export class ExecutorOutput {
  readonly #context: Context;
  readonly #problems = new Set<string>();
  readonly #counts = { hosts: 0, services: 0, vulnerabilities: 0 };

  constructor(context: Context) {
    this.#context = context;
  }

  /** Notes what keeps the run from being a success; a piece of a sentence, harmless to a terminal. */
  problem(problem: string): void {
    this.#problems.add(problem);
  }

  /** Prints a host, as a result of its own. */
  async post({ host, services, vulnerabilities }: HostResult): Promise<void> {
    this.#counts.hosts += 1;
    this.#counts.services += services;
    this.#counts.vulnerabilities += vulnerabilities;
    await write(this.#context.stdout, `${JSON.stringify({ hosts: [host] })}\n`);
  }

  async say(line: string): Promise<void> {
    await write(this.#context.stderr, `${shortened(line)}\n`);
  }

  /** Says how much was found. */
  async sumUp(more = ""): Promise<void> {
    const { hosts, services, vulnerabilities } = this.#counts;
    const kinds = vulnerabilities === 1 ? "1 vulnerability" : `${vulnerabilities} vulnerabilities`;
    await this.say(`${count(hosts, "host")}, ${count(services, "service")}, ${kinds}${more}`);
  }

  /**
   * The exit status, where all is there.
   *
   * @param what was to be done, as in `Cannot <what>: …`
   * @throws {CbError} `scanner` where something is missing
   */
  conclude(what: string): number {
    const problems = [...this.#problems];
    if (problems.length === 0) return ExitStatus.ok;
    const more = problems.length - MOST_NAMED;
    const named = [...problems.slice(0, MOST_NAMED), ...(more > 0 ? [`and ${more} more`] : [])];
    throw new CbError("scanner", `Cannot ${what}: ${named.join("; ")}`);
  }

  /**
   * Runs a scanner to its end; what it says on standard error is said on ours.
   *
   * @param onLine told each of those lines
   */
  async run(
    path: string,
    words: readonly string[],
    signal: AbortSignal,
    onOutput: (bytes: Uint8Array) => Promise<void>,
    onLine: (line: string) => void = () => {},
  ): Promise<ToolEnd> {
    const { environment: own, stderr } = this.#context;
    const heard = async (line: string) => {
      if (line.trim() !== "") await write(stderr, `${printable(line)}\n`);
      onLine(line);
    };
    const decoder = new TextDecoder();
    let rest = "";
    const environment = scannerEnvironment(own);
    for await (const event of runTool(path, { arguments: words, environment, signal })) {
      if (event.kind === "end") {
        await heard(rest);
        return event;
      }
      if (event.stream === "stdout") {
        await onOutput(event.data);
        continue;
      }
      const lines = (rest + decoder.decode(event.data, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) await heard(line);
    }
    throw new Error("a tool ended without its end");
  }
}

/** How a scanner failed, as a piece of a sentence; undefined where it did not. */
export function failureOf(name: string, { status, signal, detail }: ToolEnd): string | undefined {
  if (status === 0) return undefined;
  if (detail !== undefined) return `${name} was not started, ${detail}`;
  return signal === undefined ? `${name} ended with exit status ${status}` : `${name} was ended by ${signal}`;
}

/** Reports of nmap as lines for Faraday, each host as soon as it is complete, and what went wrong on the way. */
import { CbError, ExitStatus } from "../core/errors.ts";
import { count, printable, shortened } from "../core/text.ts";
import type { AgentOptions } from "../scanners/agent-options.ts";
import { type NmapEvent, type NmapHost, NmapReport } from "../scanners/nmap-report.ts";
import { hostResult } from "../scanners/nmap-result.ts";
import type { Context } from "./command.ts";
import { write } from "./output.ts";

/** Problems that one message names. */
const MOST_NAMED = 5;

/** One report, whose bytes come in pieces. */
type ReportReader = {
  readonly push: (bytes: Uint8Array) => Promise<void>;
  /** @param failure of nmap itself, which explains what is missing in the report */
  readonly end: (failure: string | undefined) => Promise<void>;
};

export class NmapResults {
  readonly #context: Context;
  readonly #options: AgentOptions;
  readonly #problems = new Set<string>();
  /** nmap's own words for what went wrong with the present report; they tell more than its exit status. */
  #error = "";
  readonly #counts = { hosts: 0, services: 0, vulnerabilities: 0, silent: 0 };

  constructor(context: Context, options: AgentOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** @param problem a piece of a sentence, harmless to a terminal */
  problem(problem: string): void {
    this.#problems.add(problem);
  }

  begin(): ReportReader {
    const report = new NmapReport();
    this.#error = "";
    const takeAll = async (events: readonly NmapEvent[]) => {
      for (const event of events) await this.#take(event);
    };
    return {
      push: async (bytes) => takeAll(report.push(bytes)),
      end: async (failure) => {
        await takeAll(report.end());
        const damage = report.problem && `nmap's report is not whole: ${report.problem}`;
        const problem = this.#error || failure || damage;
        if (problem !== undefined) this.problem(problem);
      },
    };
  }

  /** Says how much was found. */
  async sumUp(): Promise<void> {
    const { hosts, services, vulnerabilities, silent } = this.#counts;
    const found = [count(hosts, "host"), count(services, "service")].join(", ");
    const kinds = vulnerabilities === 1 ? "1 vulnerability" : `${vulnerabilities} vulnerabilities`;
    const left = silent === 0 ? "" : `; left out, since nothing answered: ${count(silent, "host")}`;
    await this.#say(`${found}, ${kinds}${left}`);
  }

  /**
   * The exit status, where all is there.
   *
   * @param what was to be done, as in `Cannot <what>: …`
   * @throws {CbError} `scanner` where something is missing
   */
  async conclude(what: string): Promise<number> {
    await this.sumUp();
    const problems = [...this.#problems];
    if (problems.length === 0) return ExitStatus.ok;
    const more = problems.length - MOST_NAMED;
    const named = [...problems.slice(0, MOST_NAMED), ...(more > 0 ? [`and ${more} more`] : [])];
    throw new CbError("scanner", `Cannot ${what}: ${named.join("; ")}`);
  }

  async #take(event: NmapEvent): Promise<void> {
    switch (event.kind) {
      case "host":
        return this.#takeHost(event.host);
      case "progress":
        return this.#say(`${event.task}: ${Math.floor(event.percent)} % done`);
      case "script":
        return this.#say(`${event.script.id}: ${event.script.output.trim()}`);
      case "skipped":
        return this.problem(`nmap makes nothing of the target "${printable(event.target)}"`);
      case "finished":
        this.#error = shortened(event.error);
    }
  }

  async #takeHost(host: NmapHost): Promise<void> {
    if (host.isTimedOut)
      await this.#say(`${host.ip}: given up, HOST_TIMEOUT is over; its ports are not known`);
    const result = hostResult(host, this.#options);
    if (result === undefined) {
      this.#counts.silent += Number(host.isUp);
      return;
    }
    this.#counts.hosts += 1;
    this.#counts.services += result.services;
    this.#counts.vulnerabilities += result.vulnerabilities;
    await write(this.#context.stdout, `${JSON.stringify({ hosts: [result.host] })}\n`);
  }

  async #say(line: string): Promise<void> {
    await write(this.#context.stderr, `${shortened(line)}\n`);
  }
}

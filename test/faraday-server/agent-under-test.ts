/** An agent of either kind that a case starts, watches and ends. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { RunningProgram } from "../support/running-program.ts";
import type { AgentKind, AgentSettings } from "./agent-kind.ts";
import type { Installation } from "./installation.ts";

export class AgentUnderTest {
  readonly settings: AgentSettings;
  readonly #kind: AgentKind;
  readonly #installation: Installation;
  #program: RunningProgram | undefined;

  constructor(kind: AgentKind, settings: AgentSettings, installed: Installation) {
    this.settings = settings;
    this.#kind = kind;
    this.#installation = installed;
  }

  /** The process that was started last. */
  get program(): RunningProgram {
    if (this.#program === undefined) throw new Error("The agent was not started");
    return this.#program;
  }

  /** All that it has said, on both streams; empty before its start. */
  get said(): string {
    return this.#program === undefined ? "" : `${this.#program.stdout}${this.#program.stderr}`;
  }

  /** @param code to register with */
  start(code?: string): RunningProgram {
    const { command, environment } = this.#kind.invocation(this.settings, this.#installation, code);
    this.#program = new RunningProgram(command, environment);
    return this.#program;
  }

  /** `up`, or how its process ended: `exit 1`, `SIGKILL`. */
  async state(): Promise<string> {
    if (this.program.isRunning) return "up";
    const { status } = await this.program.finished;
    return typeof status === "number" ? `exit ${status}` : status;
  }

  /** Ids of the processes that run an executor of this agent, its children or not. */
  executors(): readonly number[] {
    const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return ids.filter((id) => commandLine(id).includes(join(this.settings.runDirectory, "/"))).map(Number);
  }

  /** Ends the agent at once, and what it may have left. */
  async destroy(): Promise<void> {
    if (this.#program?.isRunning === true) {
      // A stopped process takes SIGKILL alone.
      this.#program.kill("SIGKILL");
      await this.#program.finished;
    }
    for (const id of this.executors()) {
      try {
        process.kill(id, "SIGKILL");
      } catch {
        // It ended by itself.
      }
    }
  }
}

/** Empty for a process that has ended. */
function commandLine(id: string): string {
  try {
    return readFileSync(`/proc/${id}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

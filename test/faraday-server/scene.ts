/**
 * Where one case plays: a real server, a workspace of its own, and the agents that it starts, which end with it.
 *
 * What is looked at is waited for, up to a bound: the server shows hosts seconds after it has taken them.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AgentKind, AgentSettings } from "./agent-kind.ts";
import { AgentUnderTest } from "./agent-under-test.ts";
import type { FaradayApi } from "./api.ts";
import { matches, type Seen, type Wanted } from "./case.ts";
import { copyExecutors } from "./executor-files.ts";
import type { Installation } from "./installation.ts";
import { poll } from "./poll.ts";
import type { FaradayServer, Heartbeat } from "./server.ts";
import type { Turns } from "./turns.ts";

/** Seconds until a run has its final status, if it ever gets one. */
const RUN_LIMIT = 20;
/** Seconds after which a run has none that is not expected to get one. */
const NO_END_LIMIT = 6;
/** Seconds until the server shows what it has taken. */
const IMPORT_LIMIT = 20;
const JOIN_LIMIT = 20;

export type World = {
  readonly server: FaradayServer;
  readonly api: FaradayApi;
  readonly installation: Installation;
  readonly kind: AgentKind;
  readonly heartbeat: Heartbeat;
  /** Registrations go one at a time. */
  readonly registrations: Turns;
};

/** A run in one workspace. */
export type Run = { readonly command: number; readonly workspace: string };

type AgentOptions = Partial<Omit<AgentSettings, "name" | "directory" | "runDirectory" | "executors">>;

export class Scene {
  readonly server: FaradayServer;
  readonly api: FaradayApi;
  readonly signal: AbortSignal;
  readonly #world: World;
  readonly #directory = mkdtempSync(join(tmpdir(), "cb-scene-"));
  readonly #name: string;
  /** In the order of their making. */
  readonly agents: AgentUnderTest[] = [];
  readonly runs: Run[] = [];
  readonly #ends: (() => Promise<unknown>)[] = [];
  #workspaces = 0;

  /** @param name of agents and workspaces, with a number behind it */
  constructor(world: World, name: string, signal: AbortSignal) {
    this.#world = world;
    this.server = world.server;
    this.api = world.api;
    this.#name = name;
    this.signal = signal;
  }

  get isOurs(): boolean {
    return this.#world.kind.isOurs;
  }

  /** For files of the case; removed with it. */
  get directory(): string {
    return this.#directory;
  }

  /** What must be ended with the case. */
  onEnd<Thing extends { stop(): Promise<unknown> }>(thing: Thing): Thing {
    this.#ends.unshift(() => thing.stop());
    return thing;
  }

  /** Seconds after which the server misses an agent that does not answer. */
  get deadLinkLimit(): number {
    const { interval, timeout } = this.#world.heartbeat;
    // 317 were measured with 60 and 220.
    return (interval + timeout) * 1.2 + 10;
  }

  async pause(seconds: number): Promise<void> {
    await sleep(seconds * 1000, undefined, { signal: this.signal });
  }

  async workspace(): Promise<string> {
    this.#workspaces += 1;
    const name = `${this.#name}-${this.#workspaces}`;
    await this.api.createWorkspace(name);
    return name;
  }

  /** One that is not started yet. */
  agent(executors: readonly string[], options: AgentOptions = {}): AgentUnderTest {
    const name = `${this.#name}-agent-${this.agents.length + 1}`;
    const directory = join(this.#directory, name);
    mkdirSync(directory);
    const runDirectory = join(directory, "run.d");
    copyExecutors(executors, runDirectory);
    const settings = { name, directory, runDirectory, executors, server: this.server.url, ...options };
    const agent = new AgentUnderTest(this.#world.kind, settings, this.#world.installation);
    this.agents.push(agent);
    return agent;
  }

  /**
   * Starts one with a good code, and waits until it has used that, if it can.
   *
   * In turn: of two that register at the same moment, faradaysec 5.25.2 tells one no token (its view keeps the form of
   * the answer in itself), and that one cannot go on.
   */
  async register(agent: AgentUnderTest): Promise<void> {
    await this.#world.registrations.take(async () => {
      agent.start(await this.api.registrationCode());
      const isOver = async () =>
        !agent.program.isRunning || (await this.api.agent(agent.settings.name)) !== undefined;
      await this.until(isOver, JOIN_LIMIT);
    });
  }

  /** One that has registered and joined. */
  async joined(executors: readonly string[], options: AgentOptions = {}): Promise<AgentUnderTest> {
    const agent = this.agent(executors, options);
    await this.register(agent);
    await this.online(agent);
    return agent;
  }

  /** Resolves when the server shows it as online. */
  async online(agent: AgentUnderTest): Promise<void> {
    const seen = await this.presence(agent, "online", JOIN_LIMIT);
    if (seen !== "online") throw new Error(`${agent.settings.name} is ${seen}, and should be online`);
  }

  /** `online`, `up, offline`, or how its process ended; waits a while for what is wanted. */
  async presence(agent: AgentUnderTest, wanted?: string | RegExp, seconds = RUN_LIMIT): Promise<string> {
    const look = async () => {
      const state = await agent.state();
      if (state !== "up") return state;
      const row = await this.api.agent(agent.settings.name);
      return row?.is_online === true ? "online" : "up, offline";
    };
    return poll(look, (seen) => wanted !== undefined && matches(wanted, seen), {
      seconds: wanted === undefined ? 0 : seconds,
      signal: this.signal,
    });
  }

  /** Presses the button Run; `workspaces` may be one that exists, or several. */
  async runIn(
    workspaces: readonly string[],
    agent: AgentUnderTest,
    executor: string,
    args: Readonly<Record<string, unknown>> = {},
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<readonly Run[]> {
    const row = await this.api.agent(agent.settings.name);
    if (row === undefined) throw new Error(`The server does not know ${agent.settings.name}`);
    const commands = await this.api.run(row.id, executor, args, workspaces, options);
    const runs = commands.map((command, index) => ({ command, workspace: workspaces[index] ?? "" }));
    this.runs.push(...runs);
    return runs;
  }

  /** The same in a new workspace. */
  async run(
    agent: AgentUnderTest,
    executor: string,
    args: Readonly<Record<string, unknown>> = {},
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<Run> {
    const [run] = await this.runIn([await this.workspace()], agent, executor, args, options);
    if (run === undefined) throw new Error("The server answers without a command");
    return run;
  }

  /** `running/successful` as the server has them: `false/true` went well, `true/null` goes on. */
  async state({ command }: Run): Promise<string> {
    const { running, successful } = await this.api.execution(command);
    return `${running}/${successful}`;
  }

  /** The same when it is final, or after a while. */
  async execution(run: Run, wanted?: string | RegExp, seconds = RUN_LIMIT): Promise<string> {
    const mayEnd = wanted === undefined || !String(wanted).includes("null");
    return poll(
      () => this.state(run),
      (seen) => seen.startsWith("false/"),
      {
        seconds: mayEnd ? seconds : NO_END_LIMIT,
        signal: this.signal,
      },
    );
  }

  /** The same when it is as wanted, or after a while: a server that has missed the agent says `false/false` too early. */
  async lastWord(run: Run, wanted: string | RegExp | undefined, seconds: number): Promise<string> {
    return poll(
      () => this.state(run),
      (seen) => wanted !== undefined && matches(wanted, seen),
      {
        seconds,
        signal: this.signal,
      },
    );
  }

  /** Its number at the agent, and in `cb dispatcher stop`. */
  executionId({ command }: Run): number {
    const statement = `select id from agent_execution where command_id = ${command}`;
    return Number(this.server.database.query(statement)[0]?.[0]);
  }

  /** The status message, which the API does not show. */
  message({ command }: Run): string {
    const statement = `select message from agent_execution where command_id = ${command}`;
    return this.server.database.query(statement)[0]?.[0] ?? "";
  }

  /** Addresses of hosts with blanks between them, when they are as wanted or after a while. */
  async hosts(
    workspace: string,
    wanted: string | RegExp | undefined,
    seconds = IMPORT_LIMIT,
  ): Promise<string> {
    const look = async () => (await this.api.hosts(workspace)).join(" ");
    return poll(look, (seen) => matches(wanted, seen) && seen !== "", {
      seconds: wanted === "" ? NO_END_LIMIT : seconds,
      signal: this.signal,
    });
  }

  /** How many of so many hosts are there: `40 of 40`. */
  async hostCount({ workspace }: Run, count: number, seconds = IMPORT_LIMIT): Promise<string> {
    const look = async () => (await this.api.hosts(workspace)).length;
    const seen = await poll(look, (seen) => seen >= count, { seconds, signal: this.signal });
    return `${seen} of ${count}`;
  }

  /** How many processes run an executor of the agent; those that are about to end are waited for. */
  async executors(agent: AgentUnderTest, wanted: string | RegExp | undefined): Promise<string> {
    const look = () => String(agent.executors().length);
    return poll(look, (seen) => matches(wanted, seen), { seconds: NO_END_LIMIT, signal: this.signal });
  }

  /** Resolves when an executor of the agent runs. */
  async started(agent: AgentUnderTest): Promise<void> {
    const runs = await this.until(() => agent.executors().length > 0, RUN_LIMIT);
    if (!runs) throw new Error("No executor was started");
  }

  /** Whether it came true within so many seconds. */
  async until(check: () => Promise<boolean> | boolean, seconds: number): Promise<boolean> {
    return poll(check, (seen) => seen, { seconds, signal: this.signal });
  }

  /** All that is worth seeing of one run. */
  async outcome(agent: AgentUnderTest, run: Run, wanted: Wanted): Promise<Seen> {
    const execution = await this.execution(run, wanted["execution"]);
    return {
      execution,
      message: this.message(run),
      hosts: await this.hosts(run.workspace, wanted["hosts"]),
      executors: await this.executors(agent, wanted["executors"]),
      agent: await this.presence(agent, wanted["agent"], NO_END_LIMIT),
    };
  }

  /** The end of what each agent said, for a case that failed. */
  lastWords(): string {
    return this.agents
      .map(({ settings, said }) => `${settings.name} said:\n${said.split("\n").slice(-30).join("\n")}`)
      .join("\n");
  }

  async end(): Promise<void> {
    for (const agent of this.agents) await agent.destroy();
    for (const end of this.#ends) await end();
    rmSync(this.#directory, { recursive: true });
  }
}

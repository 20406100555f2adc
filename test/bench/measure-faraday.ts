/**
 * The dispatcher beside the original agent, both at the small server of test/support: from start to join, from trigger
 * to process and to the end, results per second, what an idle one weighs; and 10 000 results through a server that
 * fails half of its answers.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AgentKind } from "../faraday-server/agent-kind.ts";
import { AgentUnderTest } from "../faraday-server/agent-under-test.ts";
import { type Installation, installation } from "../faraday-server/installation.ts";
import { ORIGINAL } from "../faraday-server/original-agent.ts";
import { OURS } from "../faraday-server/our-agent.ts";
import { FaradayServer } from "../support/faraday-server.ts";
import { memory } from "./programs.ts";
import { type Row, side } from "./table.ts";

const BESIDE = "the original agent 3.9.1";
const ROUNDS = 7;
/** Results of one run: ours, and the original's, which sleeps for a second after each. */
const OUR_RESULTS = 2_000;
const THEIR_RESULTS = 3;
const FAULTY_RESULTS = 10_000;
/** Until nothing is left to do after a start, in milliseconds. */
const SETTLE = 5_000;
/** For anything that is waited for, in milliseconds. */
const PATIENCE = 60_000;

/** Prints as many results as it is told; of each the description is the time at which it was printed. */
const EXECUTOR = `#!/usr/bin/python3 -uS
import os, time
for n in range(int(os.environ["EXECUTOR_CONFIG_N"])):
    print('{"hosts":[{"ip":"192.0.2.%d","description":"%d"}]}' % (n % 250, time.time_ns()))
`;
const MANIFEST = '[parameters.N]\ntype = "integer"\nmandatory = true\n';

export async function faraday(signal: AbortSignal): Promise<readonly Row[]> {
  const installed = await installation(signal);
  await using ours = await Bench.start(OURS, installed);
  await using theirs = await Bench.start(ORIGINAL, installed);
  const starts = await side(
    ROUNDS,
    () => ours.restart(),
    () => theirs.restart(),
  );
  await sleep(SETTLE);
  const weights = [ours, theirs].map(({ pid }) => ["Rss", "Pss"].map((field) => [memory(pid, field)]));
  const triggers = await side(
    ROUNDS,
    () => ours.toProcess(),
    () => theirs.toProcess(),
  );
  const ends = await side(
    ROUNDS,
    () => ours.toEnd(1),
    () => theirs.toEnd(1),
  );
  const rates = await side(
    3,
    () => ours.rate(OUR_RESULTS),
    () => theirs.rate(THEIR_RESULTS),
  );
  const faulty = await side(
    1,
    () => ours.toEnd(FAULTY_RESULTS, true),
    () => ours.toEnd(FAULTY_RESULTS),
  );
  const row = (what: string, unit: Row["unit"], samples: Pick<Row, "ours" | "theirs">): Row => {
    return { what: `dispatcher, ${what}`, unit, beside: BESIDE, ...samples };
  };
  return [
    row("start to join", "ms", starts),
    row("trigger to process", "ms", triggers),
    row("trigger to final status, 1 result", "ms", ends),
    row("results", "a second", rates),
    ...["RSS", "PSS"].map((name, index) => {
      return row(`idle, ${name}`, "MB", {
        ours: weights[0]?.[index] ?? [],
        theirs: weights[1]?.[index] ?? [],
      });
    }),
    {
      ...row(`${FAULTY_RESULTS} results, half of the answers 500`, "ms", faulty),
      beside: "the same without faults",
    },
  ];
}

/** One agent with a server of its own, so that neither has to wait for the other's posts. */
class Bench implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "cb-bench-"));
  readonly #server: FaradayServer;
  readonly #agent: AgentUnderTest;

  private constructor(kind: AgentKind, installed: Installation, server: FaradayServer) {
    this.#server = server;
    const runDirectory = join(this.#directory, "run.d");
    mkdirSync(runDirectory);
    writeFileSync(join(runDirectory, "print"), EXECUTOR);
    chmodSync(join(runDirectory, "print"), 0o755);
    writeFileSync(join(runDirectory, "print.toml"), MANIFEST);
    const settings = {
      name: "bench",
      directory: this.#directory,
      runDirectory,
      executors: ["print"],
      server: server.url,
    };
    this.#agent = new AgentUnderTest(kind, settings, installed);
  }

  static async start(kind: AgentKind, installed: Installation): Promise<Bench> {
    const bench = new Bench(kind, installed, await FaradayServer.start());
    bench.#agent.start(bench.#server.registrationCode);
    await bench.#joined(1);
    return bench;
  }

  get pid(): number {
    return this.#agent.program.pid;
  }

  /** @returns milliseconds from a start with a stored token to the join */
  async restart(): Promise<number> {
    await this.#agent.destroy();
    await until("it is offline", () => !this.#server.channel.online);
    const [joins, startedAt] = [this.#server.channel.joins.length, performance.now()];
    this.#agent.start();
    await this.#joined(joins + 1);
    return performance.now() - startedAt;
  }

  /** @returns milliseconds from the server's event to the first words of the executor */
  async toProcess(): Promise<number> {
    const startedAt = Date.now();
    const id = await this.#ran(1);
    const [first] = this.#server.accepted(id);
    return Number(first?.hosts?.[0]?.["description"]) / 1e6 - startedAt;
  }

  /** @returns milliseconds from the server's event to the final status, with every result at the server */
  async toEnd(results: number, isFaulty = false): Promise<number> {
    let asked = 0;
    this.#server.fault = ({ path }) => {
      if (!isFaulty || !path.endsWith("/bulk_create")) return undefined;
      asked += 1;
      return asked % 2 === 0 ? { status: 500 } : undefined;
    };
    const startedAt = performance.now();
    await this.#ran(results);
    return performance.now() - startedAt;
  }

  async rate(results: number): Promise<number> {
    return (1000 * results) / (await this.toEnd(results));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
    await this.#server.stop();
    rmSync(this.#directory, { recursive: true });
  }

  /** One run, to its end. @returns its execution */
  async #ran(results: number): Promise<number> {
    this.#server.posts.length = 0;
    const [id = 0] = this.#server.run("print", { N: results });
    await until("the run is over", () => this.#server.executions.get(id)?.running === false);
    const execution = this.#server.executions.get(id);
    const printed = new Set(
      this.#server.accepted(id).flatMap(({ hosts = [] }) => hosts.map(({ description }) => description)),
    );
    if (execution?.successful !== true || printed.size < results)
      throw new Error(`${printed.size} of ${results} results came, ${execution?.message}`);
    return id;
  }

  async #joined(times: number): Promise<void> {
    await until("it has joined", () => this.#server.channel.joins.length >= times);
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const deadline = performance.now() + PATIENCE; !holds(); await sleep(2)) {
    if (performance.now() > deadline) throw new Error(`Not seen: ${what}`);
  }
}

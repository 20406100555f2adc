/** Real agent processes: how long a station takes until it has all their answers. */
import { cpus } from "node:os";
import { EXECUTABLE } from "../../build/paths.ts";
import { type Agent, Fleet } from "../support/fleet.ts";
import { lines, RunningProgram } from "../support/running-program.ts";
import { ManySockets } from "./many-sockets.ts";
import { idleAgents } from "./measure-idle.ts";
import { completed, cpuTime, ENVIRONMENT, milliseconds } from "./programs.ts";
import { RespSocket } from "./resp.ts";
import { type Row, side } from "./table.ts";

/** Agents that start at a time. */
const AT_ONCE = 8;
const FEW_ROUNDS = 9;
const MANY_ROUNDS = 15;

/** Three agents, and beside them the least that Redis can do for as many. */
export async function threeAgents(): Promise<readonly Row[]> {
  await using fleet = await Fleet.start();
  const agents = await startAgents(fleet, 3);
  const redis = await RespSocket.open(fleet.redisSocket);
  const subscribers = await ManySockets.subscribe(fleet.redisSocket, "bare", agents.length, () => {
    void redis.ask(["RPUSH", "bare:reply", "hello"]);
  });
  const redisCli = `redis-cli -s ${fleet.redisSocket}`;
  const pops = agents.map(() => "BLPOP bare:reply 5\\n").join("");
  const script = `${redisCli} PUBLISH bare x; printf '${pops}' | ${redisCli}`;
  const beside = "redis-cli PUBLISH, redis-cli BLPOP";
  const theirs = () => milliseconds("/bin/sh", "-c", script);
  const start = () => milliseconds(EXECUTABLE, "--version");
  try {
    return [
      {
        what: "cb --version",
        unit: "ms",
        beside: "redis-cli --version",
        ...(await side(MANY_ROUNDS, start, () => milliseconds("redis-cli", "--version"))),
      },
      {
        what: "3 agents, cb station run",
        unit: "ms",
        beside,
        ...(await side(MANY_ROUNDS, () => runOnAll(fleet, agents), theirs)),
        aim: {
          of: "median",
          most: 60,
          whereMissed: "the start of the program is the larger part of it (first row)",
        },
      },
      {
        what: "3 agents, cb station ping",
        unit: "ms",
        beside,
        ...(await side(MANY_ROUNDS, () => pingAll(fleet, agents), theirs)),
      },
    ];
  } finally {
    subscribers.destroy();
    redis.destroy();
  }
}

/** A hundred agents: a command on all of them, and then nothing. */
export async function hundredAgents(): Promise<readonly Row[]> {
  await using fleet = await Fleet.start();
  const agents = await startAgents(fleet, 100);
  const pids = agents.map(({ program }) => program.pid);
  const names = agents.map(({ identity }) => identity).join(" ");
  const script = `printf '%s\\n' ${names} | xargs -P 100 -n 1 ${fleet.path("run.d/hello")}`;
  const cpu = { ours: [] as number[], theirs: [] as number[] };
  const ours = async () => {
    const before = cpuTime(pids);
    const time = await runOnAll(fleet, agents);
    cpu.ours.push((cpuTime(pids) - before) / agents.length);
    return time;
  };
  const theirs = async () => {
    const finished = await new RunningProgram(["/bin/sh", "-c", `${script}; times`], ENVIRONMENT).finished;
    cpu.theirs.push(timesOfChildren(finished.stdout) / agents.length);
    return completed(finished);
  };
  const run: Row = {
    what: "100 agents, cb station run",
    unit: "ms",
    beside: "the 100 commands alone, xargs -P",
    ...(await side(FEW_ROUNDS, ours, theirs)),
    aim: {
      of: "median",
      most: 400,
      whereMissed: `100 agents share ${cpus().length} cores here, and each uses them as long as the next row says`,
    },
  };
  const cost: Row = {
    what: "100 agents, CPU of each for that",
    unit: "ms",
    beside: "the command alone",
    ...cpu,
  };
  return [run, cost, ...(await idleAgents(pids))];
}

async function startAgents(fleet: Fleet, count: number): Promise<readonly Agent[]> {
  fleet.command("hello", 'echo "hello $1"');
  const agents: Agent[] = [];
  while (agents.length < count) {
    const next = Array.from({ length: Math.min(AT_ONCE, count - agents.length) }, (_, index) =>
      fleet.agent(`agent-${agents.length + index}`),
    );
    agents.push(...(await Promise.all(next)));
  }
  return agents;
}

async function runOnAll(fleet: Fleet, agents: readonly Agent[]): Promise<number> {
  const finished = await fleet.station("run", "hello");
  const wanted = agents.map(({ identity }) => `${identity} │ hello ${identity}`);
  const shown = lines(finished.stdout).map((line) => line.replace(/ +│/, " │"));
  return completed(finished, wanted, shown);
}

async function pingAll(fleet: Fleet, agents: readonly Agent[]): Promise<number> {
  const finished = await fleet.station("ping");
  const names = agents.map(({ identity }) => identity);
  const shown = lines(finished.stdout).map((line) => line.split(" ")[0] ?? "");
  return completed(finished, names, shown);
}

/** Milliseconds in what the shell's `times` printed last, such as `0m0.120s 0m0.340s`. */
function timesOfChildren(stdout: string): number {
  const line = lines(stdout).at(-1) ?? "";
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)]
    .map(([, minutes, seconds]) => 60_000 * Number(minutes) + 1000 * Number(seconds))
    .reduce((sum, time) => sum + time, 0);
}

/**
 * What the operator's side takes, beside clush(1) and dshbak(1) on the same outputs: from a line that is printed to the
 * line on the screen, the CPU of lines that pass, folding, and memory.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { tool } from "../../build/tool.ts";
import { utf8 } from "../../src/protocol/bytes.ts";
import { Fleet } from "../support/fleet.ts";
import type { RunningProgram } from "../support/running-program.ts";
import { COMMAND } from "./fleet.ts";
import { startEmulated } from "./measure-emulated.ts";
import { completed, ENVIRONMENT, milliseconds } from "./programs.ts";
import { type Row, side } from "./table.ts";

/** Agents whose outputs are folded, and lines that each has printed. */
const FOLDED = 10_000;
const FOLDED_LINES = 5;
/** Agents of a whole run that folds. */
const WHOLE = 1_000;
const LINES = 500_000;
const LINES_OF_A_FIGURE = 10_000;
const BIG_AGENTS = 100;
const BIG_BYTES = 10_000_000;

/**
 * One after the other, so that what fails takes no other figures with it.
 *
 * @param fold the executable of `fold.ts`
 */
export function station(fold: string): readonly (() => Promise<readonly Row[]>)[] {
  const clush = () => tool("clush", "clustershell");
  return [
    () => firstLine(clush()),
    () => lines(clush()),
    () => folding(fold, tool("dshbak", "pdsh")),
    () => wholeRuns(clush()),
    () => bigOutputs(clush()),
  ];
}

/** `-R exec` starts the command here, once for each name: no ssh is in the figures. */
function clushCommand(clush: string, names: string, ...command: readonly string[]): readonly string[] {
  return [clush, "-R", "exec", "-f", "128", "-w", names, ...command];
}

async function firstLine(clush: string): Promise<readonly Row[]> {
  await using fleet = await Fleet.start();
  const clock = fleet.command("clock", "sleep 0.2", "date +%s%N", "sleep 0.1");
  await fleet.agent("web1");
  const delay = async (command: readonly string[], environment: NodeJS.ProcessEnv) => {
    const [file = "", ...args] = command;
    const child = spawn(file, args, { env: environment, stdio: ["ignore", "pipe", "ignore"] });
    const [shown] = (await once(child.stdout, "data")) as [Uint8Array];
    const seen = Date.now();
    await once(child, "close");
    const [printed = ""] = /\d{19}/.exec(new TextDecoder().decode(shown)) ?? [];
    return seen - Number(printed) / 1e6;
  };
  const [file, environment] = [fleet.executable, { ...fleet.environment }];
  const ours = () => delay([...file, "station", "run", "clock"], environment);
  const theirs = () => delay(clushCommand(clush, "web1", clock), ENVIRONMENT);
  const samples = await side(15, ours, theirs);
  return [{ what: "a line on screen after it was printed", beside: "clush", unit: "ms", ...samples }];
}

async function lines(clush: string): Promise<readonly Row[]> {
  await using fleet = await Fleet.start();
  const source = fleet.file(
    "source",
    "a line of some sixty characters, as many a program prints it\n".repeat(LINES),
  );
  fleet.command("lines", `exec cat ${source}`);
  await fleet.agent("web1");
  const wrapper = ["/bin/sh", "-c", '"$@" > /dev/null; echo $?; times', "sh"];
  const cpuOf = (stdout: string) => {
    // The last line of times(1) is about children: user and system.
    const [user = 0, system = 0] = (stdout.trimEnd().split("\n").at(-1) ?? "").split(" ").map((text) => {
      const [, minutes, seconds] = /^(\d+)m([\d.]+)s$/.exec(text) ?? [];
      return 60 * Number(minutes) + Number(seconds);
    });
    return (1000 * (user + system) * LINES_OF_A_FIGURE) / LINES;
  };
  const ours = async () => cpuOf((await fleet.cb(["station", "run", "lines"], { wrapper })).stdout);
  const theirs = async () => {
    const program = fleet.program([...wrapper, ...clushCommand(clush, "web1", "cat", source)]);
    return cpuOf((await program.finished).stdout);
  };
  const samples = await side(5, ours, theirs);
  const what = `CPU of the station for ${LINES_OF_A_FIGURE} lines`;
  return [{ what, beside: "clush and cat", unit: "ms", ...samples }];
}

async function folding(fold: string, dshbak: string): Promise<readonly Row[]> {
  await using fleet = await Fleet.start();
  const rows: Row[] = [];
  const clubak = tool("clubak", "clustershell");
  const besides = [
    { beside: "dshbak -c", command: `${dshbak} -c`, kind: "identical", agents: FOLDED },
    // Of those that are different it compares each with each: of as many as above, for minutes.
    { beside: "dshbak -c", command: `${dshbak} -c`, kind: "different", agents: FOLDED / 10 },
    { beside: "clubak -b, as clush folds", command: `${clubak} -b`, kind: "identical", agents: FOLDED },
    { beside: "clubak -b, as clush folds", command: `${clubak} -b`, kind: "different", agents: FOLDED },
  ] as const;
  for (const { beside, command, kind, agents } of besides) {
    const source = fleet.file("source", outputsOf(agents, kind === "identical"));
    const take = (program: string) => {
      return milliseconds("/bin/sh", "-c", `${program} < ${source} > ${fleet.path("out")}`);
    };
    const samples = await side(
      5,
      () => take(fold),
      () => take(command),
    );
    const aim = { of: "ratio", most: 1, whereMissed: "our folding costs more" } as const;
    rows.push({ what: `fold ${agents} ${kind} outputs`, beside, unit: "ms", ...samples, aim });
  }
  return rows;
}

/** Outputs as dshbak(1) reads them. */
function outputsOf(agents: number, areIdentical: boolean): string {
  const texts = Array.from({ length: agents }, (_, agent) => {
    const word = areIdentical ? "same" : `its own ${agent}`;
    const its = Array.from({ length: FOLDED_LINES }, (_, line) => `web${agent}: line ${line} ${word}\n`);
    return its.join("");
  });
  return texts.join("");
}

async function wholeRuns(clush: string): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const kind of ["identical", "different"] as const) {
    await using fleet = await Fleet.start();
    const text = (agent: number) => `line one\nline two ${kind === "identical" ? "" : agent}\n`;
    await using _agents = await startEmulated(fleet, WHOLE, (agent) => ({ stdout: utf8(text(agent)) }));
    const script = fleet.file(
      "print",
      `#!/bin/sh\nprintf 'line one\\nline two %s\\n' ${kind === "identical" ? "''" : '"$1"'}\n`,
    );
    chmodSync(script, 0o755);
    const ours = async () => completed(await fleet.station("run", COMMAND, "--output", "folded"));
    const theirs = () => milliseconds(...clushCommand(clush, `n[1-${WHOLE}]`, "-b", script, "%h"));
    const what = `a run on ${WHOLE} agents, ${kind} outputs folded`;
    rows.push({ what, beside: "clush -b, processes here", unit: "ms", ...(await side(3, ours, theirs)) });
  }
  return rows;
}

async function bigOutputs(clush: string): Promise<readonly Row[]> {
  await using fleet = await Fleet.start();
  const line = "sixty-three characters of a line that is different for each agent\n";
  const text = (agent: number) => utf8(`${agent}\n${line.repeat(BIG_BYTES / line.length)}`);
  await using _agents = await startEmulated(fleet, BIG_AGENTS, (agent) => ({ stdout: text(agent) }));
  const source = fleet.path("source");
  // A tenth of it: with all of it, it has taken in nothing after a minute.
  writeFileSync(source, text(0).subarray(0, BIG_BYTES / 10));
  const quiet = ["/bin/sh", "-c", 'exec "$@" > /dev/null', "sh"];
  const ours = await peak(fleet.start(["station", "run", COMMAND, "--output", "folded"], { wrapper: quiet }));
  const theirs = await peak(
    fleet.program([
      ...quiet,
      ...clushCommand(clush, `n[1-${BIG_AGENTS}]`, "-b", "sh", "-c", `echo %h; cat ${source}`),
    ]),
  );
  return [
    {
      what: `memory at most, ${BIG_AGENTS} agents × ${BIG_BYTES / 1e6} MB folded`,
      beside: `clush -b, ${BIG_BYTES / 1e7} MB each`,
      unit: "MB",
      ours: [ours],
      theirs: [theirs],
      aim: {
        of: "median",
        most: 200,
        whereMissed: "a station that shows nothing takes half of that, and the runtime collects late",
      },
    },
  ];
}

/** Megabytes that a program has held at most (proc(5), VmHWM). */
async function peak(program: RunningProgram): Promise<number> {
  let most = 0;
  while (program.isRunning) {
    try {
      const [, kilobytes = 0] =
        /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${program.pid}/status`, "utf8")) ?? [];
      most = Math.max(most, (Number(kilobytes) * 1024) / 1e6);
    } catch {
      // It has ended.
    }
    await sleep(20);
  }
  completed(await program.finished);
  return most;
}

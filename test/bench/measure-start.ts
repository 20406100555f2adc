/** What it costs to start `cb`, to keep it waiting and to ship it: the executable, beside its bundle on Node and Deno. */
import { globSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BUNDLE, DIST, EXECUTABLE, PINNED } from "../../build/paths.ts";
import { Fleet } from "../support/fleet.ts";
import { completed, memory } from "./programs.ts";
import { type Row, side } from "./table.ts";

const ROUNDS = 15;
/** Agents of each runtime; milliseconds until they have nothing to do, and for which they are watched. */
const AGENTS = 3;
const SETTLE = 10_000;
const WATCH = 30_000;
/** 60 MiB. */
const RSS_AIM = (60 * 1024 * 1024) / 1e6;

export async function startAndIdle(): Promise<readonly Row[]> {
  await using ours = await Fleet.start();
  await startAgents(ours);
  const rows: Row[] = [];
  for (const runtime of ["node", "deno"]) {
    await using theirs = await Fleet.start({ runtime });
    await startAgents(theirs);
    rows.push(...(await besideBundle(ours, theirs, runtime)));
  }
  return [...rows, ...sizes()];
}

async function besideBundle(ours: Fleet, theirs: Fleet, runtime: string): Promise<readonly Row[]> {
  const beside = `cb.cjs on ${runtime}`;
  const times = async (what: string, ...args: readonly string[]): Promise<Row> => {
    const of = (fleet: Fleet) => async () => completed(await fleet.cb(args));
    return { what, unit: "ms", beside, ...(await side(ROUNDS, of(ours), of(theirs))) };
  };
  const version = await times("cb --version", "--version");
  const ping = await times(`cb station ping, ${AGENTS} agents`, "station", "ping");
  const idle = await Promise.all([watch(ours), watch(theirs)]);
  const compare = (what: string, unit: Row["unit"], field: keyof Idle): Row => {
    return { what: `idle agent, ${what}`, unit, beside, ours: idle[0][field], theirs: idle[1][field] };
  };
  return [
    {
      ...version,
      aim: { of: "median", most: 10, whereMissed: "an empty program of this runtime takes half of it" },
    },
    ping,
    {
      ...compare("RSS", "MB", "rss"),
      aim: {
        of: "median",
        most: RSS_AIM,
        whereMissed: "most of it is the file of the runtime, which is shared",
      },
    },
    compare("private memory", "MB", "own"),
    compare("wake-ups", "a minute", "wakeUps"),
  ];
}

async function startAgents(fleet: Fleet): Promise<void> {
  for (let index = 0; index < AGENTS; index += 1) await fleet.agent(`agent-${index}`);
}

type Idle = { readonly [Field in "rss" | "own" | "wakeUps"]: readonly number[] };

async function watch(fleet: Fleet): Promise<Idle> {
  const { pids } = fleet;
  await sleep(SETTLE);
  const before = pids.map(switches);
  await sleep(WATCH);
  const wakeUps = pids.map((pid, index) => {
    const counts = [...switches(pid)].map(([thread, count]) => count - (before[index]?.get(thread) ?? 0));
    return (counts.reduce((sum, count) => sum + count, 0) * 60_000) / WATCH;
  });
  return {
    rss: pids.map((pid) => memory(pid, "Rss")),
    own: pids.map((pid) => memory(pid, "Private_Clean") + memory(pid, "Private_Dirty")),
    wakeUps,
  };
}

/**
 * By thread, how often it has gone to sleep of its own accord, and so was woken (proc(5), status). Threads that end
 * meanwhile, as those of compilers do, take their count along.
 */
function switches(pid: number): ReadonlyMap<string, number> {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8");
    return [thread, Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1])] as const;
  });
  return new Map(threads);
}

/** The executable beside Bun, the bundle beside Node, and packages, where they were made, beside the executable. */
function sizes(): readonly Row[] {
  const size = (path: string) => statSync(path).size / 1e6;
  const row = (path: string, beside: string, other: string): Row => {
    return {
      what: `size of ${basename(path)}`,
      unit: "MB",
      beside,
      ours: [size(path)],
      theirs: [size(other)],
    };
  };
  const packages = ["*.deb", "*.rpm"].flatMap((pattern) => globSync(pattern, { cwd: DIST })).sort();
  return [
    row(EXECUTABLE, "Bun alone", PINNED.bun),
    row(BUNDLE, "Node alone", PINNED.node),
    ...packages.map((name) => row(join(DIST, name), "dist/cb", EXECUTABLE)),
  ];
}

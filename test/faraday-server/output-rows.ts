/** Table 11.4, rows 1 to 13 and 26: what executors print and how they end. */
import type { Case, Seen, Wanted } from "./case.ts";
import { control } from "./control.ts";
import type { Scene } from "./scene.ts";

const GOES_ON_FOR_EVER = { execution: "true/null", message: /started running/, agent: "online" } as const;
const WENT_WELL = { execution: "false/true", executors: "0", agent: "online" } as const;
const LOST_LINES = { execution: "false/false", executors: "0", agent: "online" } as const;

/** A fresh agent runs the executor once. */
const once = (executor: string) => async (scene: Scene, wanted: Wanted) => {
  const agent = await scene.joined([executor]);
  return scene.outcome(agent, await scene.run(agent, executor), wanted);
};

export const OUTPUT_ROWS: readonly Case[] = [
  {
    name: "ok",
    original: "false/true, finished successfully; stored; up",
    theirs: { execution: "false/true", message: /finished successfully/, hosts: "good", agent: "online" },
    ours: { ...WENT_WELL, message: /./, hosts: "good" },
    limit: 60,
    act: once("ok"),
  },
  {
    name: "garbage lines (text, broken JSON, bad UTF-8), then good",
    original: "false/TRUE; good line stored; up",
    theirs: { execution: "false/true", hosts: "good", agent: "online" },
    ours: { ...LOST_LINES, message: /\b3\b/, hosts: "good" },
    limit: 60,
    act: once("garbage"),
  },
  {
    name: "schema error (host without ip, bulk 400)",
    original: "false/TRUE; lost; up",
    theirs: { execution: "false/true", hosts: "good", agent: "online" },
    ours: { ...LOST_LINES, message: /\b1\b/, hosts: "good" },
    limit: 60,
    act: once("schema-error"),
  },
  {
    name: "5 MB line, longest line 65 536",
    original: "false/TRUE; that line lost, next stored; ~39 error lines in the log; up",
    theirs: { execution: "false/true", hosts: "good", agent: "online" },
    ours: { ...LOST_LINES, message: /\b1\b/, hosts: "good" },
    limit: 60,
    act: once("long-line"),
  },
  {
    name: "5 MB line, longest line 6 000 000",
    original: "false/true in 4.6 s; stored",
    theirs: { execution: "false/true", hosts: "good long", agent: "online" },
    ours: { ...WENT_WELL, hosts: "good long" },
    limit: 60,
    act: once("long-line-taken"),
  },
  {
    name: "last line without newline",
    original: "false/TRUE; lost; up",
    theirs: { execution: "false/true", hosts: "first", agent: "online" },
    ours: { ...WENT_WELL, hosts: "first last" },
    limit: 60,
    act: once("no-final-newline"),
  },
  {
    name: "output after a blank line",
    original: "false/TRUE; only what came before; up",
    theirs: { execution: "false/true", hosts: "before", agent: "online" },
    ours: { ...WENT_WELL, hosts: "after before" },
    limit: 60,
    act: once("after-blank-line"),
  },
  {
    name: "blank line, then 400 kB",
    original: "TRUE/NULL for ever; –; up, child blocked",
    theirs: { ...GOES_ON_FOR_EVER, hosts: "before", executors: /[1-9]/ },
    ours: { ...WENT_WELL, hosts: "after before flood" },
    limit: 60,
    act: once("flood-after-blank-line"),
  },
  {
    name: "top-level array",
    original: "TRUE/NULL for ever; rest lost; up",
    theirs: { ...GOES_ON_FOR_EVER, hosts: "" },
    ours: { ...LOST_LINES, message: /\b1\b/, hosts: "good" },
    limit: 60,
    act: once("array"),
  },
  {
    name: "numeric variable in the configuration",
    original: "TRUE/NULL for ever; –; up",
    theirs: { ...GOES_ON_FOR_EVER, hosts: "" },
    ours: { ...WENT_WELL, hosts: "good", variables: "5 0.5 True" },
    limit: 60,
    act: async (scene, wanted) => {
      const agent = await scene.joined(["numeric-variable"]);
      const run = await scene.run(agent, "numeric-variable");
      const seen = await scene.outcome(agent, run, wanted);
      const descriptions = await scene.api.descriptions(run.workspace);
      return { ...seen, variables: descriptions.get("good") ?? "" };
    },
  },
  {
    name: "exit 1, or command not found (127)",
    original: 'TRUE/NULL for ever, "… started running"; what was printed is stored; up',
    theirs: { ...GOES_ON_FOR_EVER, hosts: "good", "not found": "true/null" },
    ours: {
      ...LOST_LINES,
      message: /status 1\b.*no route to 192\.0\.2\.1/s,
      hosts: "good",
      "not found": "false/false",
      "not found, message": /./,
    },
    limit: 60,
    act: async (scene, wanted) => {
      const agent = await scene.joined(["exits-1", "no-interpreter"]);
      const seen = await scene.outcome(agent, await scene.run(agent, "exits-1"), wanted);
      const missing = await scene.run(agent, "no-interpreter");
      const execution = await scene.execution(missing, wanted["not found"]);
      return { ...seen, "not found": execution, "not found, message": scene.message(missing) };
    },
  },
  {
    name: "never ends",
    original: "true/null; –; up; no cancel anywhere",
    theirs: { ...GOES_ON_FOR_EVER, executors: /[1-9]/ },
    ours: {
      stop: "status 0",
      ...LOST_LINES,
      message: /stop/i,
      "time limit": "false/false",
      "time limit, message": /time|2 s/i,
      "time limit, hosts": "good",
    },
    limit: 60,
    act: async (scene, wanted) => {
      const agent = await scene.joined(["never-ends", "times-out"]);
      const run = await scene.run(agent, "never-ends");
      await scene.started(agent);
      if (!scene.isOurs) return scene.outcome(agent, run, { ...wanted, hosts: "" });
      const stop = await control(agent, ["stop", String(scene.executionId(run))]);
      const limited = await scene.run(agent, "times-out");
      const seen: Seen = {
        stop: `status ${stop.status}`,
        execution: await scene.execution(run),
        message: scene.message(run),
        "time limit": await scene.execution(limited),
        "time limit, message": scene.message(limited),
        "time limit, hosts": await scene.hosts(limited.workspace, "good"),
      };
      const executors = await scene.executors(agent, "0");
      return { ...seen, executors, agent: await scene.presence(agent) };
    },
  },
  {
    name: "two runs of one executor at once",
    original: "first TRUE/NULL for ever, second false/true (twice); both stored, slowed down; up",
    theirs: { first: "true/null", second: "false/true", hosts: "4 of 4", "second, hosts": "4 of 4" },
    ours: {
      overlapped: "yes",
      first: "false/true",
      second: "false/true",
      hosts: "4 of 4",
      "second, hosts": "4 of 4",
      agent: "online",
    },
    limit: 60,
    act: async (scene, wanted) => {
      const agent = await scene.joined(["prints-results"]);
      const args = { COUNT: 4, PAUSE: "0.5" };
      const first = await scene.run(agent, "prints-results", args);
      const second = await scene.run(agent, "prints-results", args);
      const both = await scene.until(async () => {
        const states = [await scene.state(first), await scene.state(second)];
        return states.every((state) => state === "true/null");
      }, 3);
      const ends = [await scene.execution(second), await scene.execution(first, wanted["first"])];
      return {
        overlapped: both ? "yes" : "no",
        first: ends[1] ?? "",
        second: ends[0] ?? "",
        hosts: await scene.hostCount(first, 4),
        "second, hosts": await scene.hostCount(second, 4),
        agent: await scene.presence(agent),
      };
    },
  },
];

/** The last row, which keeps the server's worker busy for two minutes. */
export const LAST_ROW: Case = {
  name: "10 000 vulns in one 1.75 MB line",
  original: "false/true after 6.1 s; 201 after 3.8 s, visible after 116 s; up",
  theirs: { execution: "false/true", vulnerabilities: "10000" },
  ours: { execution: "false/true", vulnerabilities: "10000", executors: "0", agent: "online" },
  limit: 480,
  waits: true,
  act: async (scene) => {
    const agent = await scene.joined(["ten-thousand"]);
    const run = await scene.run(agent, "ten-thousand");
    const execution = await scene.execution(run, "false/true", 60);
    const look = () => scene.api.vulnerabilityCount(run.workspace);
    await scene.until(async () => (await look()) === 10_000, 400);
    return {
      execution,
      vulnerabilities: String(await look()),
      executors: await scene.executors(agent, "0"),
      agent: await scene.presence(agent),
    };
  },
};

/** Table 11.4, rows 14 to 19: signals, a server that goes away, a link that dies, somebody else's refused join. */
import type { AgentUnderTest } from "./agent-under-test.ts";
import type { Case, Seen, Wanted } from "./case.ts";
import type { Scene } from "./scene.ts";
import { refusedJoin } from "./stranger.ts";

const DISCONNECTED = /Execution terminated due to agent disconnection/;
/** So that executors that do not end by themselves are ended soon. */
const STOPS_SOON = ["--stop-wait", "1", "--stop-grace", "2"] as const;

/** Sends the signal while `never-ends` runs. */
async function signalled(scene: Scene, signal: NodeJS.Signals, wanted: Wanted): Promise<Seen> {
  const agent = await scene.joined(["never-ends"], { options: STOPS_SOON });
  const run = await scene.run(agent, "never-ends");
  await scene.started(agent);
  agent.program.kill(signal);
  return {
    agent: await scene.presence(agent, wanted["agent"]),
    execution: await scene.execution(run, wanted["execution"]),
    message: scene.message(run),
    executors: await scene.executors(agent, wanted["executors"]),
  };
}

/** Lines that an executor prints while the server goes away and comes back: 12 s of them. */
const LINES = 60;
const SLOWLY = { COUNT: LINES, PAUSE: "0.2" } as const;

/** The server goes while `prints-results` prints, and is back when three seconds have passed. */
async function withoutServer(scene: Scene, how: "SIGTERM" | "SIGKILL", wanted: Wanted): Promise<Seen> {
  const agent = await scene.joined(["prints-results"]);
  const run = await scene.run(agent, "prints-results", SLOWLY);
  await scene.hostCount(run, 3);
  await scene.server.down(how);
  await scene.pause(3);
  await scene.server.up(scene.signal);
  return {
    execution: scene.isOurs
      ? await scene.lastWord(run, wanted["execution"], 60)
      : await scene.execution(run, wanted["execution"]),
    hosts: await scene.hostCount(run, LINES, scene.isOurs ? 40 : 5),
    agent: await scene.presence(agent, wanted["agent"]),
    executors: await scene.executors(agent, wanted["executors"]),
  };
}

/** The agent does not run for as long as the server needs to miss it. */
async function stopped(scene: Scene, wanted: Wanted): Promise<Seen> {
  const agent = await scene.joined(["prints-results", "ok"]);
  const live = await scene.run(agent, "prints-results", SLOWLY);
  await scene.hostCount(live, 1);
  agent.program.kill("SIGSTOP");
  const meanwhile = await scene.run(agent, "ok");
  const isMissed = () => scene.state(live).then((state) => state === "false/false");
  if (!(await scene.until(isMissed, scene.deadLinkLimit))) throw new Error("The server does not miss it");
  const stateThen = `${await scene.state(live)}, ${await scene.state(meanwhile)}`;
  agent.program.kill("SIGCONT");
  return {
    "while stopped": stateThen,
    agent: await scene.presence(agent, wanted["agent"], 40),
    execution: await scene.lastWord(live, wanted["execution"], scene.isOurs ? 40 : 3),
    "sent meanwhile": await scene.lastWord(meanwhile, wanted["sent meanwhile"], scene.isOurs ? 40 : 3),
    // The server's worker may have much to do for the case beside this one.
    hosts: await scene.hostCount(live, LINES, scene.isOurs ? 300 : 1),
  };
}

async function refusedNextDoor(scene: Scene, wanted: Wanted): Promise<Seen> {
  const agent = await scene.joined(["prints-results", "ok"]);
  const run = await scene.run(agent, "prints-results", { COUNT: 10, PAUSE: "0.3" });
  await scene.hostCount(run, 1);
  await refusedJoin(scene.server.url);
  await scene.pause(1);
  return {
    agent: await scene.presence(agent, wanted["agent"]),
    execution: await scene.execution(run, wanted["execution"]),
    message: scene.message(run),
    hosts: await scene.hostCount(run, 10),
    "next run": scene.isOurs ? await nextRun(scene, agent) : "–",
  };
}

async function nextRun(scene: Scene, agent: AgentUnderTest): Promise<string> {
  return scene.execution(await scene.run(agent, "ok"));
}

export const PROCESS_ROWS: readonly Case[] = [
  {
    name: "SIGTERM idle or in a run",
    original: "unchanged, online; ignores it, takes further runs",
    theirs: { idle: "online", agent: "online", execution: "true/null", executors: /[1-9]/ },
    ours: {
      idle: "exit 0",
      "idle, at the server": "offline",
      agent: "exit 0",
      execution: "false/false",
      message: /stop/i,
      executors: "0",
    },
    limit: 90,
    act: async (scene, wanted) => {
      const idle = await scene.joined(["ok"]);
      idle.program.kill("SIGTERM");
      const seen = await scene.presence(idle, wanted["idle"], 5);
      const row = await scene.api.agent(idle.settings.name);
      const atServer = row?.is_online === true ? "online" : "offline";
      return { idle: seen, "idle, at the server": atServer, ...(await signalled(scene, "SIGTERM", wanted)) };
    },
  },
  {
    name: "SIGINT in a run",
    original: 'false/false, "…agent disconnection."; exit 1, traceback, child ORPHANED',
    theirs: { agent: "exit 1", execution: "false/false", message: DISCONNECTED, executors: /[1-9]/ },
    ours: { agent: "exit 0", execution: "false/false", message: /stop/i, executors: "0" },
    limit: 60,
    act: (scene, wanted) => signalled(scene, "SIGINT", wanted),
  },
  {
    name: "SIGKILL in a run",
    original: "same, offline after 0.4 s; child ORPHANED",
    theirs: { agent: "SIGKILL", execution: "false/false", message: DISCONNECTED, executors: /[1-9]/ },
    ours: {
      agent: "SIGKILL",
      execution: "false/false",
      "started again": "online",
      "started again, executors": "0",
      "started again, message": /kill/i,
    },
    limit: 60,
    act: async (scene, wanted) => {
      const seen = await signalled(scene, "SIGKILL", wanted);
      if (!scene.isOurs) return seen;
      const [agent] = scene.agents;
      const [run] = scene.runs;
      if (agent === undefined || run === undefined) throw new Error("There is an agent with a run");
      agent.start();
      await scene.online(agent);
      await scene.until(() => /kill/i.test(scene.message(run)), 20);
      return {
        ...seen,
        "started again": await scene.presence(agent),
        "started again, executors": await scene.executors(agent, "0"),
        "started again, message": scene.message(run),
      };
    },
  },
  {
    name: "server TERM/KILL in a run",
    original:
      "TRUE/NULL for ever after restart; lines after the stop LOST; exit 1 within 1.7 s, not restarted",
    theirs: { execution: "true/null", hosts: new RegExp(`^(?!${LINES} )`), agent: "exit 1" },
    ours: {
      execution: "false/true",
      hosts: `${LINES} of ${LINES}`,
      agent: "online",
      executors: "0",
      "KILL, execution": "false/true",
      "KILL, hosts": `${LINES} of ${LINES}`,
      "KILL, agent": "online",
    },
    limit: 200,
    act: async (scene, wanted) => {
      const seen = await withoutServer(scene, "SIGTERM", wanted);
      if (!scene.isOurs) return seen;
      const killed = await withoutServer(scene, "SIGKILL", wanted);
      const renamed = Object.entries(killed).map(([aspect, value]) => [`KILL, ${aspect}`, value]);
      return { ...seen, ...Object.fromEntries(renamed) };
    },
  },
  {
    name: "SIGSTOP / dead link",
    original: "live run false/FALSE after 317 s, run sent meanwhile NULL/NULL for ever; after SIGCONT exit 1",
    theirs: {
      "while stopped": "false/false, null/null",
      agent: "exit 1",
      "sent meanwhile": /^(null|true)\/null$/,
    },
    ours: {
      agent: "online",
      execution: "false/true",
      "sent meanwhile": "false/true",
      hosts: `${LINES} of ${LINES}`,
    },
    limit: 480,
    waits: true,
    act: stopped,
  },
  {
    name: "somebody's join refused",
    original:
      "false/FALSE (agent disconnection), even if delivered; stored; alive, silent, OFFLINE for 226 s, then exits",
    theirs: { agent: "up, offline", execution: "false/false", message: DISCONNECTED, hosts: "10 of 10" },
    ours: { agent: "online", execution: "false/true", hosts: "10 of 10", "next run": "false/true" },
    limit: 90,
    act: refusedNextDoor,
  },
];

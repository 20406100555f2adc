/** What must not lose a result: crashes of the dispatcher, a server that is away, one that fails, one that refuses for a while. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AgentUnderTest } from "./agent-under-test.ts";
import type { Case } from "./case.ts";
import { filesBelow } from "./files-below.ts";
import { stateDirectory } from "./our-agent.ts";
import { startPostsProxy, type Treatment } from "./posts-proxy.ts";

const MANY = 1000;
/** Results of 4 kB: half a megabyte of them is posted at once. */
const SIZE = 4000;
const SOME = 200;
const UNAVAILABLE: Treatment = { status: 503, words: "overloaded", passedOn: false };

/** @param away seconds for which the server is away in the middle of a run */
export function lossCases(away: number): readonly Case[] {
  return [
    {
      name: `kill -9 with all ${MANY} results in the spool, some of them posted`,
      ours: {
        spooled: `${MANY}`,
        "posted at the kill": /^[1-9]\d{0,2}$/,
        execution: "false/true",
        hosts: `${MANY} of ${MANY}`,
        agent: "online",
      },
      limit: 480,
      waits: true,
      act: async (scene) => {
        const proxy = scene.onEnd(await startPostsProxy(scene.server.url));
        proxy.treat(() => UNAVAILABLE);
        const agent = await scene.joined(["prints-results"], { server: proxy.url });
        const run = await scene.run(agent, "prints-results", { COUNT: MANY, SIZE });
        await scene.until(() => resultsIn(agent) === MANY && agent.executors().length === 0, 60);
        const spooled = String(resultsIn(agent));
        proxy.treat(() => (proxy.acknowledged.length < 2 ? "pass" : UNAVAILABLE));
        await scene.until(() => proxy.acknowledged.length === 2, 60);
        agent.program.kill("SIGKILL");
        await agent.program.finished;
        const posted = String(highestResult(proxy.acknowledged.join("")));
        proxy.treat(() => "pass");
        agent.start();
        const hosts = await scene.hostCount(run, MANY, 360);
        return {
          spooled,
          "posted at the kill": posted,
          execution: await scene.lastWord(run, "false/true", 90),
          hosts,
          agent: await scene.presence(agent, "online"),
        };
      },
    },
    {
      name: "kill -9 while the executor prints",
      ours: {
        "executors after the kill": /^[1-9]/,
        lost: "none",
        execution: "false/false",
        message: /kill/i,
        executors: "0",
        agent: "online",
      },
      limit: 120,
      act: async (scene) => {
        const agent = await scene.joined(["clings"]);
        const run = await scene.run(agent, "clings");
        await scene.hostCount(run, 20);
        agent.program.kill("SIGKILL");
        await agent.program.finished;
        const left = agent.executors().length;
        const spooled = resultsIn(agent);
        agent.start();
        await scene.hostCount(run, spooled, 30);
        await scene.until(() => /kill/i.test(scene.message(run)), 30);
        const hosts = new Set(await scene.api.hosts(run.workspace));
        const lost = Array.from({ length: spooled }, (_, index) => result(index + 1)).filter(
          (name) => !hosts.has(name),
        );
        return {
          "executors after the kill": String(left),
          "spooled at the kill": String(spooled),
          lost: lost.length === 0 ? "none" : lost.join(" "),
          execution: await scene.state(run),
          message: scene.message(run),
          executors: await scene.executors(agent, "0"),
          agent: await scene.presence(agent, "online"),
        };
      },
    },
    {
      name: `the server away for ${away} s in the middle`,
      ours: { execution: "false/true", hosts: "100 of 100", agent: "online", executors: "0" },
      limit: away + 240,
      act: async (scene) => {
        const agent = await scene.joined(["prints-results"]);
        const run = await scene.run(agent, "prints-results", { COUNT: 100, PAUSE: "0.1" });
        await scene.hostCount(run, 5);
        await scene.server.down("SIGTERM");
        await scene.pause(away);
        await scene.server.up(scene.signal);
        return {
          // The pauses between its attempts have grown to a minute.
          agent: await scene.presence(agent, "online", 90),
          execution: await scene.lastWord(run, "false/true", 90),
          hosts: await scene.hostCount(run, 100, 120),
          executors: await scene.executors(agent, "0"),
        };
      },
    },
    {
      name: "a proxy that answers 500 to half of all posts, before or after the server took them",
      ours: {
        execution: "false/true",
        hosts: `${SOME} of ${SOME}`,
        "posts spoiled": /^([5-9]|\d\d+)$/,
        executors: "0",
        agent: "online",
      },
      limit: 480,
      waits: true,
      act: async (scene) => {
        const proxy = scene.onEnd(await startPostsProxy(scene.server.url));
        // Two of four, in turn without the server and behind its back.
        const treatments: readonly Treatment[] = [
          "pass",
          { status: 500, words: "<html>Internal Server Error</html>", passedOn: false },
          "pass",
          { status: 500, words: "<html>Internal Server Error</html>", passedOn: true },
        ];
        proxy.treat((number) => treatments[number % treatments.length] ?? "pass");
        const agent = await scene.joined(["prints-results"], { server: proxy.url });
        const run = await scene.run(agent, "prints-results", { COUNT: SOME, PAUSE: "0.05" });
        const execution = await scene.execution(run, undefined, 200);
        return {
          execution,
          hosts: await scene.hostCount(run, SOME, 300),
          "posts spoiled": String(proxy.spoiled),
          executors: await scene.executors(agent, "0"),
          agent: await scene.presence(agent),
        };
      },
    },
    {
      name: "a workspace that is inactive, then read-only, then open again",
      ours: {
        "while inactive": "true/null",
        "while read-only": "true/null",
        execution: "false/true",
        hosts: "20 of 20",
      },
      limit: 180,
      act: async (scene) => {
        const agent = await scene.joined(["prints-results"]);
        const run = await scene.run(agent, "prints-results", { COUNT: 20, PAUSE: "0.1" });
        await scene.hostCount(run, 1);
        await scene.api.changeWorkspace(run.workspace, { active: false });
        await scene.until(() => agent.executors().length === 0, 20);
        await scene.pause(2);
        const inactive = await scene.state(run);
        await scene.api.changeWorkspace(run.workspace, { active: true, readonly: true });
        await scene.pause(3);
        const readOnly = await scene.state(run);
        await scene.api.changeWorkspace(run.workspace, { readonly: false });
        return {
          "while inactive": inactive,
          "while read-only": readOnly,
          execution: await scene.execution(run, undefined, 90),
          hosts: await scene.hostCount(run, 20),
        };
      },
    },
  ];
}

/** As `prints-results` and `clings` call it. */
function result(number: number): string {
  return `result-${String(number).padStart(6, "0")}`;
}

/** How many results the spool's files hold, by the highest number in them. */
function resultsIn({ settings }: AgentUnderTest): number {
  const files = filesBelow(join(stateDirectory(settings), "spool"));
  return Math.max(0, ...files.map((file) => highestResult(readFileSync(file, "latin1"))));
}

function highestResult(text: string): number {
  return Math.max(0, ...Array.from(text.matchAll(/result-(\d{6})/g), ([, digits]) => Number(digits)));
}

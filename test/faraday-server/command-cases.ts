/** What a user of `cb dispatcher` does beside waiting: registration, checks, status, stop, the spool, several workspaces. */
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Case, Seen } from "./case.ts";
import { control } from "./control.ts";
import { filesBelow } from "./files-below.ts";
import { stateDirectory } from "./our-agent.ts";
import { startPostsProxy } from "./posts-proxy.ts";
import { refusedJoin } from "./stranger.ts";

const NOT_FOR_THE_ORIGINAL = { limit: 90 } as const;
const SECRET = "correct-horse-battery";
const REPORT = `<?xml version="1.0"?>
<nmaprun scanner="nmap" args="nmap 192.0.2.7" start="1700000000" version="7.93">
<host starttime="1700000000" endtime="1700000001"><status state="up"/><address addr="192.0.2.7" addrtype="ipv4"/>
<ports><port protocol="tcp" portid="22"><state state="open"/><service name="ssh"/></port></ports></host>
</nmaprun>
`;

export const COMMAND_CASES: readonly Case[] = [
  {
    ...NOT_FOR_THE_ORIGINAL,
    name: "registration, check, a second --token, status, stop",
    ours: {
      joined: "online",
      "modes of the state": /^(600 ?)+$/,
      check: /^status 0: ok .*server .*reachable.*ok .*never-ends/s,
      "check without server": /^status 1: .*FAILED .*server.*refused/s,
      "--token again": /^status 1: .*--register-again/s,
      "agents at the server": "1",
      status: /^status 0: .*connected.*never-ends/s,
      stop: /^status 0/,
      execution: "false/false",
      "stop of no run": /^status 1: .*no such run/s,
    },
    act: async (scene) => {
      const agent = await scene.joined(["never-ends"]);
      const { server, runDirectory } = agent.settings;
      const executors = ["--executors", "never-ends", "--run-directory", runDirectory];
      const check = ["--server", server.href, ...executors];
      const gone = ["--server", "http://127.0.0.1:9", ...executors];
      const again = ["--name", agent.settings.name, "--token", await scene.api.registrationCode()];
      const run = await scene.run(agent, "never-ends");
      await scene.started(agent);
      const seen: Seen = {
        joined: await scene.presence(agent),
        "modes of the state": modes(stateDirectory(agent.settings)),
        check: said(await control(agent, ["check"], check)),
        "check without server": said(await control(agent, ["check"], gone)),
        status: said(await control(agent, ["status"])),
        stop: said(await control(agent, ["stop", String(scene.executionId(run))])),
        execution: await scene.execution(run),
        "stop of no run": said(await control(agent, ["stop", "999999"])),
      };
      agent.program.kill("SIGTERM");
      await agent.program.finished;
      const secondCode = said(await control(agent, ["run"], [...check, ...again]));
      const named = (await scene.api.agents()).filter(({ name }) => name === agent.settings.name);
      return { ...seen, "--token again": secondCode, "agents at the server": String(named.length) };
    },
  },
  {
    ...NOT_FOR_THE_ORIGINAL,
    name: "parameters and plugin arguments as the executor sees them; a password nowhere else",
    ours: {
      execution: "false/true",
      given: JSON.stringify({
        AGENT_CONFIG_HOSTNAME_TAG: "",
        AGENT_CONFIG_IGNORE_INFO: "False",
        AGENT_CONFIG_MAX_SEVERITY: "HIGH",
        AGENT_CONFIG_RESOLVE_HOSTNAME: "False",
        AGENT_CONFIG_SERVICE_TAG: "",
        AGENT_CONFIG_VULN_TAG: "t1,t2",
        EXECUTOR_CONFIG_DEEP: "False",
        EXECUTOR_CONFIG_PORTS: "80",
        EXECUTOR_CONFIG_RATE: "0.5",
        EXECUTOR_CONFIG_TARGET: '["192.0.2.1", "b\\u00fccher.example"]',
        EXECUTOR_CONFIG_TOKEN: "(the password)",
      }),
      "in the log": "no",
      "at the server": /^TARGET=.*DEEP=False/,
    },
    act: async (scene) => {
      const agent = await scene.joined(["shows-parameters"], { options: ["-v"] });
      const args = {
        TARGET: ["192.0.2.1", "bücher.example"],
        DEEP: false,
        PORTS: 80,
        RATE: 0.5,
        TOKEN: SECRET,
      };
      const options = { resolve_hostname: false, vuln_tag: ["t1", "t2"], max_severity: "HIGH" };
      const run = await scene.run(agent, "shows-parameters", args, options);
      const execution = await scene.execution(run);
      await scene.hosts(run.workspace, "given");
      const description = (await scene.api.descriptions(run.workspace)).get("given") ?? "{}";
      // Without the blanks that Python writes.
      const given = JSON.stringify(JSON.parse(description)).replace(SECRET, "(the password)");
      const parameters = await scene.api.commandParameters(run.workspace, run.command);
      return {
        execution,
        given,
        "in the log": agent.said.includes(SECRET) ? "yes" : "no",
        "at the server": parameters.includes(SECRET) ? "the password" : parameters,
      };
    },
  },
  {
    ...NOT_FOR_THE_ORIGINAL,
    name: "two runs at once, each in two workspaces",
    ours: { executions: "false/true false/true false/true false/true", hosts: "5 5 5 5", foreign: "none" },
    act: async (scene) => {
      const agent = await scene.joined(["prints-results"]);
      const start = async (name: string) => {
        const workspaces = [await scene.workspace(), await scene.workspace()];
        return scene.runIn(workspaces, agent, "prints-results", { COUNT: 5, PAUSE: "0.3", NAME: name });
      };
      const runs = [...(await start("one")), ...(await start("two"))];
      const executions: string[] = [];
      const hosts: string[] = [];
      let foreign = "none";
      for (const [index, run] of runs.entries()) {
        executions.push(await scene.execution(run));
        hosts.push((await scene.hostCount(run, 5)).replace(" of 5", ""));
        const own = index < 2 ? "one-" : "two-";
        const others = (await scene.api.hosts(run.workspace)).filter((host) => !host.startsWith(own));
        if (others.length > 0) foreign = others.join(" ");
      }
      return { executions: executions.join(" "), hosts: hosts.join(" "), foreign };
    },
  },
  {
    ...NOT_FOR_THE_ORIGINAL,
    name: "the rule that a blank line ends the output, where the manifest asks for it",
    ours: { execution: "false/true", hosts: "before", executors: "0", agent: "online" },
    act: async (scene, wanted) => {
      const agent = await scene.joined(["ends-at-blank-line"]);
      const run = await scene.run(agent, "ends-at-blank-line");
      return scene.outcome(agent, run, wanted);
    },
  },
  {
    ...NOT_FOR_THE_ORIGINAL,
    name: "an executor of the original, run by the Python in which it is installed",
    ours: { execution: "false/true", hosts: "192.0.2.7", executors: "0", agent: "online" },
    act: async (scene, wanted) => {
      const agent = scene.agent(["reads-report"]);
      writeFileSync(join(agent.settings.directory, "scan.xml"), REPORT);
      await scene.register(agent);
      await scene.online(agent);
      const run = await scene.run(agent, "reads-report", { REPORT_NAME: "scan.xml" });
      return scene.outcome(agent, run, wanted);
    },
  },
  {
    ...NOT_FOR_THE_ORIGINAL,
    name: "a run for no workspace, and a join while others are refused",
    ours: { "after the empty run": "online", joined: "online", execution: "false/true" },
    act: async (scene) => {
      const first = await scene.joined(["ok"]);
      await scene.runIn([], first, "ok");
      const refusals = Promise.all(Array.from({ length: 10 }, () => refusedJoin(scene.server.url)));
      const second = scene.agent(["ok"]);
      await scene.register(second);
      await refusals;
      const joined = await scene.presence(second, "online");
      return {
        "after the empty run": await scene.presence(first),
        joined,
        execution: await scene.execution(await scene.run(second, "ok")),
      };
    },
  },
  {
    ...NOT_FOR_THE_ORIGINAL,
    name: "a result that the server refuses: spool list, show, retry, drop",
    ours: {
      execution: "false/false",
      message: /2 results?.*refused|refused.*2|set aside/i,
      hosts: "result-000001 result-000004",
      list: /^status 0: .*no such colour/s,
      show: /^status 0: .*no such colour.*result-00000[23]/s,
      retry: /^status 0: .*posted/s,
      drop: /^status 0: .*dropped/s,
      "hosts then": /^result-000001 result-00000[23] result-000004$/,
      "list then": /^status 0: (?!.*no such colour)/s,
    },
    act: async (scene) => {
      const proxy = scene.onEnd(await startPostsProxy(scene.server.url));
      const words = '{"messages":{"json":{"hosts":["no such colour"]}}}';
      const refusal = { status: 400, words, passedOn: false };
      proxy.treat((_number, body) => (/result-00000[23]/.test(body) ? refusal : "pass"));
      const agent = await scene.joined(["prints-results"], { server: proxy.url });
      const run = await scene.run(agent, "prints-results", { COUNT: 4 });
      const execution = await scene.execution(run);
      const message = scene.message(run);
      const hosts = await scene.hosts(run.workspace, "result-000001 result-000004");
      proxy.treat(() => "pass");
      const list = await control(agent, ["spool", "list"]);
      const [one = "", other = ""] = list.stdout.match(/^\S+(?=.*no such colour)/gm) ?? [];
      const seen: Seen = {
        execution,
        message,
        hosts,
        list: said(list),
        show: said(await control(agent, ["spool", "show", one])),
        retry: said(await control(agent, ["spool", "retry", one])),
        drop: said(await control(agent, ["spool", "drop", other])),
      };
      const then = await scene.hosts(run.workspace, /^\S+ \S+ \S+$/);
      return { ...seen, "hosts then": then, "list then": said(await control(agent, ["spool", "list"])) };
    },
  },
];

/** Permissions of what is in the directory: `600 600`. */
function modes(directory: string): string {
  return filesBelow(directory)
    .map((file) => (statSync(file).mode & 0o777).toString(8))
    .join(" ");
}

/** `status 0: ` and both streams. */
function said(finished: {
  readonly status: unknown;
  readonly stdout: string;
  readonly stderr: string;
}): string {
  return `status ${finished.status}: ${finished.stdout}${finished.stderr}`;
}

/** Table 11.4, rows 20 to 25: codes, tokens, certificates. */
import { Authority, type Identity } from "../support/certificates.ts";
import { ConnectProxy } from "../support/connect-proxy.ts";
import type { AgentUnderTest } from "./agent-under-test.ts";
import type { Case, Seen } from "./case.ts";
import type { Scene } from "./scene.ts";
import { startTlsFront } from "./tls-front.ts";

/** Seconds in which an agent that could join would have joined. */
const TIME_TO_JOIN = 8;
const TRACEBACK = /Traceback|^ {4}at /m;

/**
 * What an agent that should not join does: how it stands after a while, and which of the words it says.
 *
 * @param words of which one line is expected to have some
 */
async function refused(scene: Scene, agent: AgentUnderTest, words: RegExp): Promise<string> {
  const isOver = async () => (await agent.state()) !== "up" || words.test(agent.said);
  await scene.until(isOver, TIME_TO_JOIN);
  // It has said so, and may be about to end.
  const state = await scene.presence(agent, /^exit/, 2);
  const said = agent.said.split("\n").find((line) => words.test(line));
  const trace = TRACEBACK.test(agent.said) ? ", with a traceback" : "";
  return `${state}${trace}: ${said ?? "(nothing about it)"}`;
}

/** Started with these options and a good code. */
async function attempt(scene: Scene, options: Parameters<Scene["agent"]>[1]): Promise<AgentUnderTest> {
  const agent = scene.agent(["ok"], options);
  await scene.register(agent);
  return agent;
}

async function tls(scene: Scene, identity: Identity): Promise<URL> {
  return scene.onEnd(await startTlsFront(scene.server.url, identity)).url;
}

function authority(scene: Scene): Authority {
  return new Authority(scene.directory, "authority");
}

const NO_TRACE = /^exit 1: /;
const CERTIFICATE = /certificate/i;

export const SETUP_ROWS: readonly Case[] = [
  {
    name: "wrong code 000000",
    original: 'exit 1 in 0.7 s, "Invalid registration token…"',
    theirs: { agent: /^exit 1.*Invalid registration token/ },
    ours: { agent: NO_TRACE, "at the server": "no agent" },
    limit: 30,
    act: async (scene) => {
      const agent = scene.agent(["ok"]);
      agent.start("000000");
      const seen = await refused(scene, agent, /code|registration token/i);
      const row = await scene.api.agent(agent.settings.name);
      return { agent: seen, "at the server": row === undefined ? "no agent" : "an agent" };
    },
  },
  {
    name: "code too short / none / bad stored token",
    original:
      'exit 1, "must be 6 character length" / "No connected before, provide a token…" / "Invalid agent token…"',
    theirs: { short: /^exit 1/, none: /^exit 1/, "bad token": /^exit 1/ },
    ours: {
      short: /^exit 1: .*six digits/,
      none: /^exit 1: .*--token/,
      "bad token": /^exit 1: .*(token|deleted)/,
    },
    limit: 60,
    act: async (scene) => {
      const short = scene.agent(["ok"]);
      short.start("123");
      const none = scene.agent(["ok"]);
      none.start();
      const deleted = await scene.joined(["ok"]);
      deleted.program.kill("SIGKILL");
      await deleted.program.finished;
      const row = await scene.api.agent(deleted.settings.name);
      await scene.api.deleteAgent(row?.id ?? 0);
      deleted.start();
      return {
        short: await refused(scene, short, /six digits|character length/),
        none: await refused(scene, none, /--token|provide a token/i),
        "bad token": await refused(scene, deleted, /deleted|agent token/i),
      };
    },
  },
  {
    name: "self-signed certificate, or wrong host name (TLS asked of a plain port)",
    original:
      'exit 1, "Invalid SSL Certificate, use `config-wizard`…" (plain HTTP port with `ssl: true`: the same text)',
    theirs: {
      "self-signed": /^exit 1.*Certificate/,
      "wrong name": /^exit 1.*Certificate/,
      "plain port": /^exit 1/,
    },
    ours: {
      "self-signed": /^(exit 1|up, offline): .*(certificate|self.signed)/i,
      "wrong name": /^(exit 1|up, offline): .*(name|certificate)/i,
      "plain port": /^(exit 1|up, offline): .*(TLS|SSL|http:)/i,
    },
    limit: 60,
    act: async (scene) => {
      const own = authority(scene);
      const self = await attempt(scene, { server: await tls(scene, own.issue("server")) });
      const elsewhere = own.issue("elsewhere", { names: "DNS:elsewhere.example" });
      const wrong = await attempt(scene, { server: await tls(scene, elsewhere), ca: own.certificate });
      const plain = new URL(scene.server.url);
      plain.protocol = "https:";
      const noTls = await attempt(scene, { server: plain, ca: own.certificate });
      return {
        "self-signed": await refused(scene, self, CERTIFICATE),
        "wrong name": await refused(scene, wrong, CERTIFICATE),
        "plain port": await refused(scene, noTls, /TLS|SSL|certificate/i),
      };
    },
  },
  {
    name: '`ssl_ignore: true`, the string "False", or any HTTPS_PROXY in the environment',
    original: "online, NO VERIFICATION, connects to the self-signed server",
    theirs: { ignored: "online", '"False"': /^online/, HTTPS_PROXY: /^online/ },
    ours: {
      ignored: "online",
      "ignored, said": /insecure|any certificate|not verified/i,
      '"False"': /^exit 1: .*expected true or false/,
      HTTPS_PROXY: /^(exit 1|up, offline): .*(certificate|self.signed)/i,
      "HTTPS_PROXY and CA": "online, tunnelled",
    },
    limit: 90,
    act: async (scene) => {
      const own = authority(scene);
      const server = await tls(scene, own.issue("server"));
      const proxy = scene.onEnd(await ConnectProxy.start());
      const environment = { HTTPS_PROXY: proxy.url, https_proxy: proxy.url };
      const ignored = await attempt(scene, { server, insecure: true });
      const text = await attempt(scene, { server, insecure: "False" });
      const proxied = await attempt(scene, { server, environment });
      const seen: Seen = {
        ignored: await scene.presence(ignored, "online", TIME_TO_JOIN),
        "ignored, said":
          ignored.said.split("\n").find((line) => /insecure|certificate|verified/i.test(line)) ?? "",
        '"False"': await orOnline(scene, text, /true or false|certificate/i),
        HTTPS_PROXY: await orOnline(scene, proxied, CERTIFICATE),
      };
      if (!scene.isOurs) return seen;
      const before = proxy.tunnels;
      const verified = await attempt(scene, { server, environment, ca: own.certificate });
      const presence = await scene.presence(verified, "online", TIME_TO_JOIN);
      const isTunnelled = proxy.tunnels > before;
      return { ...seen, "HTTPS_PROXY and CA": `${presence}, ${isTunnelled ? "tunnelled" : "not tunnelled"}` };
    },
  },
  {
    name: "`ssl_cert` = the CA file",
    original: "online, verified",
    theirs: { agent: "online" },
    ours: { agent: "online", execution: "false/true", hosts: "good" },
    limit: 60,
    act: async (scene) => {
      const own = authority(scene);
      const agent = await attempt(scene, {
        server: await tls(scene, own.issue("server")),
        ca: own.certificate,
      });
      await scene.online(agent);
      return scene.outcome(agent, await scene.run(agent, "ok"), { hosts: "good" });
    },
  },
  {
    name: "`ssl: false` on a TLS port",
    original: "exit 1 with a Python TRACEBACK",
    theirs: { agent: /^exit 1, with a traceback/ },
    ours: { agent: /^(exit 1|up, offline): / },
    limit: 30,
    act: async (scene) => {
      const server = new URL(await tls(scene, authority(scene).issue("server")));
      server.protocol = "http:";
      const agent = await attempt(scene, { server });
      return { agent: await refused(scene, agent, /TLS|https|reset|closed|ServerDisconnected/i) };
    },
  },
];

/** As `refused`, but an agent that joins is `online`. */
async function orOnline(scene: Scene, agent: AgentUnderTest, words: RegExp): Promise<string> {
  const presence = await scene.presence(agent, /^(online|exit)/, TIME_TO_JOIN);
  return presence === "online" ? presence : refused(scene, agent, words);
}

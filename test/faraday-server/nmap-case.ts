/** The executor nmap as the packages ship it: what a real nmap finds on loopback, in the workspace of a real server. */
import { chmodSync, copyFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { EXECUTABLE, ROOT } from "../../build/paths.ts";
import { tool } from "../../build/tool.ts";
import { SYSTEM_PATH } from "./agent-kind.ts";
import type { Case } from "./case.ts";
import type { Scene } from "./scene.ts";

const GREETING = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n";

export const NMAP_CASE: Case = {
  name: "the executor nmap that comes with cb, twice, and with a target that could be an option",
  limit: 120,
  ours: {
    execution: "false/true",
    hosts: "127.0.0.1",
    services: "open OpenSSH 9.2p1 Debian 2+deb12u3 (protocol 2.0)",
    vulnerabilities: "info banner",
    "execution again": "false/true",
    "vulnerabilities then": "info banner",
    "execution of an option": "false/false",
    message: /Cannot use TARGET "-oN\/x": expected a host name/,
  },
  act: async (scene, wanted) => {
    tool("nmap", "nmap");
    const path = [dirname(EXECUTABLE), SYSTEM_PATH].join(delimiter);
    const agent = scene.agent(["nmap"], { environment: { PATH: path } });
    for (const [name, mode] of [
      ["nmap", 0o755],
      ["nmap.toml", 0o644],
    ] as const) {
      copyFileSync(join(ROOT, "packaging/run.d", name), join(agent.settings.runDirectory, name));
      chmodSync(join(agent.settings.runDirectory, name), mode);
    }
    await scene.register(agent);
    await scene.online(agent);
    const port = await listening(scene);
    const args = { TARGET: ["127.0.0.1"], PORT_LIST: [port], OPTION_SV: true, SCRIPT_CMD: "banner" };
    const workspace = await scene.workspace();
    const run = async (given: Readonly<Record<string, unknown>>) => {
      const [one] = await scene.runIn([workspace], agent, "nmap", given);
      if (one === undefined) throw new Error("The server answers without a command");
      return { one, execution: await scene.execution(one, undefined, 60) };
    };
    const vulnerabilities = async () => {
      await scene.until(async () => (await scene.api.vulnerabilityCount(workspace)) > 0, 20);
      return (await scene.api.vulnerabilities(workspace)).join("; ");
    };
    const { execution } = await run(args);
    const hosts = await scene.hosts(workspace, wanted["hosts"]);
    const seen = { execution, hosts, vulnerabilities: await vulnerabilities() };
    const services = (await scene.api.services(workspace)).join("; ");
    const again = await run(args);
    // What the server takes it shows within seconds.
    await scene.pause(5);
    const option = await run({ TARGET: ["-oN/x"] });
    return {
      ...seen,
      services,
      "execution again": again.execution,
      "vulnerabilities then": await vulnerabilities(),
      "execution of an option": option.execution,
      message: scene.message(option.one),
    };
  },
};

/** The port of something that greets as a server for SSH. */
async function listening(scene: Scene): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {}).end(GREETING);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scene.onEnd({ stop: async () => server.close() });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("It does not listen");
  return address.port;
}

/**
 * podman, as far as it goes on a machine that is itself a container: without systemd, and without the right to
 * raise limits. Its bridges and packet filters are in a network of their own. Whatever it makes has our prefix,
 * and is gone in the end.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure, run } from "../../build/program.ts";
import { tool } from "../../build/tool.ts";
import { eventually } from "./eventually.ts";
import { mustRun } from "./must-run.ts";

/**
 * crun refuses cgroups of v1 and v2 side by side; the limits that podman gives by default are above what a root
 * without CAP_SYS_RESOURCE may set; CNI's plugins, which Debian's podman brings by itself, know no names.
 */
const CONFIGURATION = `
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=1000:1000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
`;

/** Milliseconds for one command, a stop that waits for the agent's commands included. */
const COMMAND_LIMIT = 180_000;

/** What is removed in the end, in this order: its names, and how it goes. */
const LEFTOVERS = [
  ["ps --all --format {{.Names}}", "rm --force --time 0 --volumes"],
  ["volume ls --format {{.Name}}", "volume rm"],
  ["secret ls --format {{.Name}}", "secret rm"],
  ["network ls --format {{.Name}}", "network rm"],
  ["images --format {{.Repository}} localhost/cb-test-*", "rmi"],
] as const;

type Result = { readonly status: number; readonly output: string };

export class Engine {
  /** Of all names. */
  readonly prefix = `cb-test-${process.pid}`;
  /** Where commands are run, for files of the steps. */
  readonly directory = mkdtempSync(join(tmpdir(), "cb-containers-"));
  readonly #signal: AbortSignal;

  private constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  static async start(signal: AbortSignal): Promise<Engine> {
    const programs = { ip: "iproute2", runc: "runc", podman: "podman", "podman-compose": "podman-compose" };
    for (const [name, packageName] of Object.entries(programs)) tool(name, packageName);
    // Without these there are networks, and no way into them, and no names.
    tool("iptables", "iptables");
    tool("/usr/lib/podman/aardvark-dns", "aardvark-dns");
    const engine = new Engine(signal);
    writeFileSync(join(engine.directory, "containers.conf"), CONFIGURATION);
    await mustRun(["ip", "netns", "add", engine.prefix], signal);
    return engine;
  }

  /** Runs podman, whatever its status. */
  async podman(...words: readonly string[]): Promise<Result> {
    return await this.#run("podman", words, this.#signal);
  }

  /** @returns what podman prints, both streams; it must end with 0 */
  async ok(...words: readonly string[]): Promise<string> {
    return mustHaveEnded(await this.podman(...words), "podman", words);
  }

  /** Runs a program in a container that is gone afterwards. @returns what it prints; it must end with 0 */
  async once(...words: readonly string[]): Promise<string> {
    return await this.ok("run", "--rm", "--no-healthcheck", `--name=${this.prefix}-once`, ...words);
  }

  /** podman-compose on ./compose.yaml. @returns what it prints; it must end with 0 */
  async compose(environment: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<string> {
    const project = ["--project-name", this.prefix, ...words];
    return mustHaveEnded(
      await this.#run("podman-compose", project, this.#signal, environment),
      "compose",
      words,
    );
  }

  /** Tries until what it asserts holds. */
  async eventually(check: () => Promise<void>): Promise<void> {
    await eventually(check, this.#signal);
  }

  /** Runs a program in our network, with podman's configuration. */
  async #run(
    file: string,
    words: readonly string[],
    signal: AbortSignal,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Result> {
    const env = { ...environment, CONTAINERS_CONF: join(this.directory, "containers.conf") };
    const options = { signal, env, cwd: this.directory, limit: COMMAND_LIMIT };
    return await run(["nsenter", `--net=/run/netns/${this.prefix}`, file, ...words], options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Also after Ctrl-C.
    const { signal } = new AbortController();
    for (const [list, remove] of LEFTOVERS) {
      const { output } = await this.#run("podman", list.split(" "), signal);
      const names = output.split("\n").filter((name) => name.includes(this.prefix));
      if (names.length > 0) await this.#run("podman", [...remove.split(" "), ...names], signal);
    }
    await run(["ip", "netns", "delete", this.prefix], { signal });
    rmSync(this.directory, { recursive: true });
  }
}

function mustHaveEnded({ status, output }: Result, file: string, words: readonly string[]): string {
  if (status !== 0) throw new Failure(`${file} ${words.join(" ")}\nended with status ${status}:\n${output}`);
  return output;
}

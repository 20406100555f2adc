/**
 * A Debian that boots, with systemd as its first process, in a container of systemd-nspawn.
 *
 * No network but its own loopback, no registration with this machine's systemd, which need not be there. Its
 * cgroups have no controllers where this machine has those of cgroup v1: limits of memory and processes are
 * accepted there and do nothing.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Failure, run } from "../../build/program.ts";
import { tool } from "../../build/tool.ts";
import { eventually } from "./eventually.ts";
import { mustRun } from "./must-run.ts";

/** Milliseconds in which it must be down. */
const STOP_LIMIT = 60_000;
/** Milliseconds for one command; apt on a busy machine takes its time. */
const COMMAND_LIMIT = 180_000;

type Result = { readonly status: number; readonly output: string };

export class Machine {
  readonly root: string;
  readonly #scratch: string;
  readonly #container: ChildProcess;
  readonly #signal: AbortSignal;
  /** Its systemd, by our counting of processes. */
  #leader = 0;

  private constructor(scratch: string, root: string, container: ChildProcess, signal: AbortSignal) {
    this.#scratch = scratch;
    this.root = root;
    this.#container = container;
    this.#signal = signal;
  }

  /**
   * Unpacks and boots it.
   *
   * @param tar a tree with systemd
   * @param scratch a directory of the caller's, for root/ and the file console
   * @returns when systemd says that all is running
   */
  static async boot(name: string, tar: string, scratch: string, signal: AbortSignal): Promise<Machine> {
    const nspawn = tool("systemd-nspawn", "systemd-container");
    const root = join(scratch, "root");
    mkdirSync(root);
    // --one-top-level would spoil the hard links.
    await mustRun(["tar", "--extract", "--directory", root, "--file", tar], signal);
    // Empty: systemd makes itself one, and takes this for no first boot, which would enable all units.
    writeFileSync(join(root, "etc/machine-id"), "");
    // Of the installer, which has not been here.
    writeFileSync(join(root, "etc/hostname"), "web1\n");
    writeFileSync(join(root, "etc/hosts"), "127.0.0.1 localhost web1\n");
    const log = openSync(join(scratch, "console"), "a");
    const options = ["--register=no", "--keep-unit", "--boot", "--console=pipe", "--private-network"];
    const container = spawn(nspawn, ["-D", root, "-M", `cb-${name}-${process.pid}`, ...options], {
      detached: true,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    const machine = new Machine(scratch, root, container, signal);
    try {
      await machine.#isUp();
      return machine;
    } catch (error) {
      const console = machine.#console;
      await machine[Symbol.asyncDispose]();
      throw new Failure(`${String(error)}\n${console}`);
    }
  }

  get #console(): string {
    return readFileSync(join(this.#scratch, "console"), "utf8");
  }

  async #isUp(): Promise<void> {
    await this.eventually(async () => {
      this.#leader ||= this.#childOf(this.#container.pid ?? 0);
      if (this.#leader === 0) throw new Failure("systemd-nspawn has not begun");
      const { output } = await this.sh("systemctl is-system-running; systemctl --failed --no-legend");
      if (output !== "running\n") throw new Failure(`systemd: ${output}`);
    });
  }

  #childOf(pid: number): number {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0] ?? 0);
  }

  /** Runs a script of sh in it, as root in /root, whatever its status. */
  async sh(script: string): Promise<Result> {
    const environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"];
    const inside = ["nsenter", "-t", String(this.#leader), "-m", "-u", "-i", "-n", "-p", "-C", "--"] as const;
    const noninteractive = "DEBIAN_FRONTEND=noninteractive";
    const shell = ["env", "-i", ...environment, noninteractive, "sh", "-c", `cd; ${script}`];
    return await run([...inside, ...shell], { signal: this.#signal, limit: COMMAND_LIMIT });
  }

  /** @returns what a script prints, both streams, which must end with 0 */
  async ok(script: string): Promise<string> {
    const { status, output } = await this.sh(script);
    if (status !== 0) throw new Failure(`${script}\nended with status ${status}:\n${output}`);
    return output;
  }

  /** A file of this machine, in its /root. */
  copy(file: string): void {
    copyFileSync(file, join(this.root, "root", basename(file)));
  }

  write(path: string, text: string, mode = 0o644): void {
    writeFileSync(join(this.root, path), text, { mode });
  }

  /** Tries until what it asserts holds. */
  async eventually(check: () => Promise<void>): Promise<void> {
    await eventually(check, this.#signal);
  }

  /** Switches it off as its administrator would. */
  async powerOff(): Promise<void> {
    const ended = once(this.#container, "exit", { signal: AbortSignal.timeout(STOP_LIMIT) });
    await this.ok("systemctl poweroff");
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#container.exitCode === null && this.#container.signalCode === null) {
      const ended = once(this.#container, "exit");
      // With its first process all others of it end, and then nspawn does.
      if (this.#leader !== 0) process.kill(this.#leader, "SIGKILL");
      else this.#container.kill("SIGKILL");
      await ended;
    }
  }
}

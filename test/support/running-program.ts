/** A program that a test started: what it has said so far, and how it ends. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** How a program ended. */
export type Finished = {
  /** Exit status, or the signal that ended it. */
  readonly status: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as it came. */
  readonly bytes: Uint8Array;
  /** From its start to its end. */
  readonly seconds: number;
};

/** Milliseconds that a test waits for what is bound to come, on a machine that is busy. */
const PATIENCE = 15_000;

/** The kernel ends it when we end, so that nothing is left of a test runner that is killed (PR_SET_PDEATHSIG). */
const TIED_TO_US = ["setpriv", "--pdeathsig", "KILL", "--"] as const;

export class RunningProgram {
  readonly #child: ChildProcess;
  readonly #stdout: Uint8Array[] = [];
  readonly #stderr: Uint8Array[] = [];
  #hasEnded = false;
  /** Resolves when it has ended and its output is complete; never rejects. */
  readonly finished: Promise<Finished>;

  /** @param environment all of it: nothing of ours is passed on */
  constructor(command: readonly string[], environment: Readonly<Record<string, string>>) {
    const startedAt = performance.now();
    const [file, ...args] = [...TIED_TO_US, ...command];
    const child = spawn(file, args, { cwd: "/", env: environment, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    child.stdout.on("data", (data: Uint8Array) => this.#stdout.push(data));
    child.stderr.on("data", (data: Uint8Array) => this.#stderr.push(data));
    this.finished = once(child, "close").then(([status, signal]) => {
      this.#hasEnded = true;
      const { stdout, stderr } = this;
      const bytes = Buffer.concat(this.#stdout);
      return {
        status: status ?? signal,
        stdout,
        stderr,
        bytes,
        seconds: (performance.now() - startedAt) / 1000,
      };
    });
  }

  get pid(): number {
    return this.#child.pid ?? assert.fail("it was not started");
  }

  get isRunning(): boolean {
    return !this.#hasEnded;
  }

  /** What it has written so far. */
  get stdout(): string {
    return Buffer.concat(this.#stdout).toString();
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with the first thing that `look` finds; throws all that was said where it finds nothing. */
  async until<Found>(what: string, look: () => Found | undefined): Promise<Found> {
    const deadline = performance.now() + PATIENCE;
    for (;;) {
      const hadEnded = this.#hasEnded;
      const found = look();
      if (found !== undefined) return found;
      if (hadEnded || performance.now() > deadline) break;
      await sleep(10);
    }
    throw new Error(`${what} has not come:\n${this.stdout}${this.stderr}`);
  }

  /** Resolves with what matched on standard output. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    return this.until(String(pattern), () => pattern.exec(this.stdout) ?? undefined);
  }

  /** Asks it to end, and forces it after a while. */
  async end(): Promise<Finished> {
    this.kill("SIGTERM");
    const force = setTimeout(() => this.kill("SIGKILL"), PATIENCE);
    return this.finished.finally(() => clearTimeout(force));
  }
}

/**
 * Compares all that a program said, line by line; `#` stands for every duration in seconds. That agents are new,
 * as all are to the first station of a fleet, is left out: discovery.test.ts looks at that.
 */
export function assertEnded(
  { status, stdout, stderr }: Finished,
  expected: number,
  said: { readonly stdout?: readonly string[]; readonly stderr?: readonly string[] } = {},
): void {
  const plain = withoutTimes(stderr.replace(/^cb: \d+ new agents?: .*\n/gm, ""));
  const seen = { status, stdout: lines(stdout), stderr: lines(plain) };
  assert.deepEqual(seen, { status: expected, stdout: said.stdout ?? [], stderr: said.stderr ?? [] });
}

/** With `#` for durations at ends of lines, and without the usual and the longest one, which a few agents have. */
export function withoutTimes(text: string): string {
  return text.replace(/ · median \d+\.\d+ s, slowest \S+ \d+\.\d+ s$/gm, "").replace(/\d+\.\d+ s$/gm, "# s");
}

/** The lines of a text that ends with a newline, or is empty. */
export function lines(text: string): readonly string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

/** Resolves when no process of this id runs any more; nobody need have waited for it (proc(5), state Z). */
export async function processIsGone(pid: number | string): Promise<void> {
  for (const deadline = performance.now() + PATIENCE; performance.now() < deadline; await sleep(10)) {
    const path = `/proc/${pid}/stat`;
    if (!existsSync(path) || / Z /.test(readFileSync(path, "latin1"))) return;
  }
  throw new Error(`Process ${pid} still runs`);
}

/** An interactive program on a terminal of its own, made by script(1), which types what a test wants. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds that a test waits for what is bound to come, on a machine that is busy. */
const PATIENCE = 20_000;

export class Terminal {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<unknown>;
  #seen = "";
  #transcript = "";

  /** @param command for sh(1) */
  constructor(command: string, environment: Readonly<Record<string, string>>, directory: string) {
    const args = ["--quiet", "--command", command, "/dev/null"];
    this.#child = spawn("script", args, { env: { TERM: "dumb", ...environment }, cwd: directory });
    this.#closed = once(this.#child, "close");
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on("data", (data: Uint8Array) => {
        const text = new TextDecoder().decode(data);
        this.#seen += text;
        this.#transcript += text;
      });
    }
  }

  /** All that was ever on it, with the sequences that move about. */
  get transcript(): string {
    return this.#transcript;
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /**
   * Waits until the pattern is seen behind all that was seen before.
   *
   * @throws {Error} with what is there instead
   */
  async sees(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = performance.now() + PATIENCE;
    while (performance.now() < deadline) {
      const found = pattern.exec(this.#seen);
      if (found !== null) {
        this.#seen = this.#seen.slice(found.index + found[0].length);
        return found;
      }
      await sleep(20);
    }
    throw new Error(`${pattern} is not on the terminal: ${JSON.stringify(this.#seen)}`);
  }

  /** Ends the program, as if the terminal were closed, unless it has ended. */
  async close(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#closed;
  }
}

/** `cb dispatcher wizard` in a pentest box, at a terminal or without one, and the dispatcher that comes of it. */
import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Finished } from "./running-program.ts";
import { Dispatcher, type ScanBox } from "./scan-box.ts";
import { Terminal } from "./terminal.ts";

export const KEYS = {
  enter: "\r",
  esc: "\u001b",
  end: "\u0003",
  down: "\u001b[B",
  up: "\u001b[A",
  tab: "\t",
  /** Takes away what is there already. */
  clear: "\u0015",
} as const;

/** Where the wizard writes, and a dispatcher looks first. */
export const CONFIG = "config/cb/dispatcher.toml";

function surroundings(box: ScanBox): Readonly<Record<string, string>> {
  return { ...box.environment, XDG_CONFIG_HOME: box.path("config") };
}

/** Writes a file below `config/cb`. */
export function configFile(box: ScanBox, name: string, text: string, mode = 0o644): string {
  mkdirSync(dirname(box.path(`config/cb/${name}`)), { recursive: true });
  return box.file(`config/cb/${name}`, text, mode);
}

/** Runs the wizard where nobody can be asked. */
export async function runUnattended(
  box: ScanBox,
  options: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const words = ["dispatcher", "wizard", ...options];
  return box.start(words, { environment: { ...surroundings(box), ...environment } }).finished;
}

/** `cb dispatcher run` with nothing but what was written. */
export async function startWritten(box: ScanBox): Promise<Dispatcher> {
  const program = box.start(["dispatcher", "run"], { environment: surroundings(box) });
  const dispatcher = new Dispatcher(program, box.state, box.server);
  await dispatcher.logged("joined");
  return dispatcher;
}

type WizardOptions = {
  readonly options?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Of stty(1); without it the terminal has no size. */
  readonly size?: string;
};

/** The wizard with a person in front of it. */
export class WizardTerminal implements AsyncDisposable {
  readonly terminal: Terminal;

  constructor(
    box: ScanBox,
    { options = [], environment = {}, size = "cols 80 rows 60" }: WizardOptions = {},
  ) {
    const words = [...box.command, "dispatcher", "wizard", ...options].map((word) => `'${word}'`).join(" ");
    const command = `${size === "" ? "true" : `stty ${size}`}; trap : INT; echo pid=$$; ${words}; echo status=$?`;
    // Colours would stand between the words, and Bun, where it runs the bundle, would leave its cache in HOME.
    const quiet = { TERM: "xterm", NO_COLOR: "1", BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" };
    const all = { ...surroundings(box), ...quiet, ...environment };
    this.terminal = new Terminal(command, all, box.directory);
  }

  /** Waits for a question, and types; Enter follows. */
  async answer(question: string, text = ""): Promise<void> {
    await this.press(question, text + KEYS.enter);
  }

  /** Waits for a question, and presses keys. */
  async press(question: string, ...keys: readonly string[]): Promise<void> {
    await this.says(question);
    for (const key of keys) this.terminal.type(key);
  }

  async says(words: string): Promise<void> {
    const escaped = words.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
    // A line may be wrapped at any blank of it, as the paths in it are longer or shorter.
    await this.terminal.sees(new RegExp(escaped.replaceAll(" ", "(?: |\\r\\n│ *)")));
  }

  /** Its exit status, once it has ended. */
  async status(): Promise<number> {
    const [, status] = await this.terminal.sees(/status=(\d+)/);
    return Number(status);
  }

  get transcript(): string {
    return this.terminal.transcript;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminal.close();
  }
}

/** All that is below a directory: paths, kinds and modes; of files contents, and when they were written. */
export function treeOf(directory: string): readonly string[] {
  assert(existsSync(directory));
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const path = join(directory, name);
      const status = lstatSync(path);
      const content = status.isFile() ? `${status.mtimeMs} ${readFileSync(path, "utf8")}` : "";
      return `${name} ${status.mode.toString(8)} ${content}`;
    });
}

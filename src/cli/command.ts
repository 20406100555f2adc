/**
 * What a command of `cb` is: words, operands, a settings table and a function.
 *
 * The words and the table are all that the command line, the help, the man pages and the completions
 * know of it. Several commands may share words (`keygen`, `keygen network`) and a table (`station run`,
 * `station ping`). A letter may stand in tables of several programs, always with or always without a value.
 *
 *     export const pingCommand = defineCommand({
 *       words: ["station", "ping"],
 *       summary: "Ask which agents listen",
 *       settings: stationSettings,
 *       configFile: "station.toml",
 *       run: async (invocation) => (await import("../station-command.ts")).pingAgents(invocation),
 *     });
 *
 * What it does is in a module that is loaded when it is run: help, version, completions and errors need only
 * the tables, and Redis, cryptography and the log take most of the time that a start takes.
 *
 * A command throws `CbError` for what went wrong before or beside its work and returns the exit status of
 * its work. It prints no errors, sets no status and never ends the process: `main` does that.
 */
import type { Clock } from "../core/clock.ts";
import { CbError } from "../core/errors.ts";
import { type Environment, type Resolved, resolve, type Schema, type Sources } from "../core/settings.ts";
import { abridged } from "../core/text.ts";
import type { ExitMeanings } from "./exit-meanings.ts";
import type { Stream } from "./output.ts";

/** The outside world as a command sees it; a test passes its own. */
export type Context = {
  readonly environment: Environment;
  /** Write with `write()` of `output.ts`, which waits for slow readers and knows absent ones. */
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly clock: Clock;
  /** Aborts when a bug was caught outside the command's own promise: stop, nothing is certain any more. */
  readonly signal: AbortSignal;
};

/** What `run` is given: values of the table, where each came from, and the words that were left. */
export type Invocation<Table extends Schema> = {
  /** By long name: `settings["reply-wait"]`. */
  readonly settings: Resolved<Table>["values"];
  /** By long name: `origins["minimum-wait"] === "argument"`. */
  readonly origins: Resolved<Table>["origins"];
  /** As many texts as `operands` asks for, each still to be parsed, best with `parseOperand`. */
  readonly operands: readonly string[];
  /**
   * The settings as the same sources have them now, the file read again.
   *
   * @throws {CbError} as at the start
   */
  readonly reread: () => Resolved<Table>["values"];
  readonly context: Context;
};

export type Operand = {
  /** As in help: `command` shows as `<command>`. */
  readonly name: string;
  /** Whether one or more may be given; only for the last. */
  readonly repeatable?: true;
  /** What to do where it is missing, in place of "Try … --help". */
  readonly hint?: string;
  /** What to do with a word that follows upon the last operand and is none. */
  readonly extraHint?: string;
};

type Definition<Table extends Schema> = {
  /** After the program's name: `["station", "run"]`; the first word is the program's (agent, station, keygen). */
  readonly words: readonly [string, ...string[]];
  /** What must follow, in order; none are optional. */
  readonly operands?: readonly Operand[];
  /** One line for lists of commands: `Run a command on the agents and collect its output`. */
  readonly summary: string;
  /** Paragraphs for the command's own help page. */
  readonly description?: readonly string[];
  /** Whole command lines, shown as they stand. */
  readonly examples?: readonly string[];
  /** What its exit status means, where that is more than 0 and 1. */
  readonly exitMeanings?: ExitMeanings;
  /** Options, environment names and file keys, in the order of the help; see `options.ts` for letters that are shared. */
  readonly settings: Table;
  /** Taken and not used, for whoever writes them in front of every command; neither shown nor offered. */
  readonly idleSettings?: Schema;
  /** Name of the TOML file whose keys are those of `fileSettings` or the table; without it no file is read. */
  readonly configFile?: "agent.toml" | "station.toml" | "dispatcher.toml";
  /** All keys that the file may have, where the command itself uses only some of them. */
  readonly fileSettings?: Schema;
  /** @returns the exit status, one or the sum of `ExitStatus` */
  readonly run: (invocation: Invocation<Table>) => Promise<number>;
};

/** A command whose table's type is hidden, so that commands with different tables stand in one list. */
export type Command = Omit<Definition<Schema>, "run" | "operands"> & {
  readonly operands: readonly Operand[];
  /**
   * @param readSources reads the file, which a command that is told to reload does again
   * @throws {CbError} `setting`, before anything happens, for a value that does not parse
   */
  readonly run: (
    readSources: () => Sources,
    operands: readonly string[],
    context: Context,
  ) => Promise<number>;
};

/** Makes a command of its definition. */
export function defineCommand<Table extends Schema>(definition: Definition<Table>): Command {
  return {
    ...definition,
    operands: definition.operands ?? [],
    async run(readSources, operands, context) {
      const { values, origins } = resolve(definition.settings, readSources());
      const reread = () => resolve(definition.settings, readSources()).values;
      return definition.run({ settings: values, origins, operands, reread, context });
    },
  };
}

/** All options that a command takes. */
export function takenSettings({ settings, idleSettings }: Command): Schema {
  return { ...idleSettings, ...settings };
}

/**
 * An operand as its parser reads it.
 *
 * @param parse throws `SyntaxError` naming what is expected, such as `parseName`
 * @throws {CbError} `usage`, naming the operand
 */
export function parseOperand<Value>(name: string, text: string, parse: (text: string) => Value): Value {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CbError("usage", `Cannot use ${name} "${abridged(text)}": ${error.message}`);
  }
}

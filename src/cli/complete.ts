/**
 * What may stand at the cursor of a command line: words, options, values, from the same tables as everything else.
 *
 * The line is read by the rules of `command-line.ts`, so that what is offered is what will be understood: an option
 * may come before the words, a word may belong to `agent -t`. Of a line that makes no sense nothing is offered.
 * The fingerprint of `agents accept` is never offered, though we could: it is worth something only where it comes
 * from the agent's log.
 */
import { choicesOf } from "../core/parse.ts";
import { type Command, takenSettings } from "./command.ts";
import { commandsBelow, programOf, type Split, split } from "./command-line.ts";
import type { KnownName } from "./complete-files.ts";
import type { Known } from "./complete-known.ts";
import { SUMMARIES } from "./help.ts";
import { type OptionUse, settingOf, tokenize } from "./options.ts";

/** A word as a whole, which may begin with what was typed of it, and what it is. */
export type Candidate = { readonly text: string; readonly about?: string | undefined };

export type Completion = {
  readonly candidates: readonly Candidate[];
  /** Names of files may stand here, which the shell knows best. */
  readonly paths?: "files" | "directories";
};

const NOTHING: Completion = { candidates: [] };

/**
 * The candidates for the last of the words; those that do not begin like it are among them.
 *
 * @param words from the program's name to the cursor, at which the last one ends
 * @param known gives what is known of the fleet, for a line with these words and options
 */
export function complete(
  [name = "", ...args]: readonly string[],
  commands: readonly Command[],
  known: (before: Split) => Known,
): Completion {
  const program = programOf(name, undefined);
  const typed = args.at(-1) ?? "";
  const words = args.slice(0, -1);
  const before = split(program, words, commands);
  const below = commandsBelow(before.words, commands);
  if (before.uses.some((use) => matchOf(use, below) === undefined)) return NOTHING;
  const tables = commands.map(({ settings }) => settings);
  const isOver = tokenize(words, tables).some(({ kind }) => kind === "option-terminator");

  /** The option whose value is being typed, as a word of its own. */
  const waiting = before.uses.find((use) => use.token.value === undefined && takesValue(use, below));
  const line = { ...before, uses: before.uses.filter((use) => use !== waiting) };
  const facts = known(line);
  const waitingFor = waiting && matchOf(waiting, below);
  if (waitingFor !== undefined) return valuesOf(waitingFor, typed, "", line, facts);

  if (!isOver && typed.startsWith("-")) {
    const use = split(program, [...words, typed], commands).uses.at(-1);
    const { value, inlineValue } = use?.token ?? {};
    if (!use || value === undefined || !inlineValue) return { candidates: options(below, line, typed) };
    const match = matchOf(use, below);
    const start = typed.slice(0, typed.length - value.length);
    return match === undefined ? NOTHING : valuesOf(match, value, start, line, facts);
  }
  const open = before.open && matchOf(before.open, below);
  if (open !== undefined) return valuesOf(open, typed, "", line, facts);
  const more = before.operands.length === 0 ? nextWords(before, commands) : [];
  const { candidates, ...paths } = before.help ? NOTHING : operands(before, below, facts);
  return { candidates: [...more, ...candidates], ...paths };
}

type Match = NonNullable<ReturnType<typeof settingOf>>;

function matchOf(use: OptionUse, below: readonly Command[]): Match | undefined {
  for (const command of below) {
    const match = settingOf(takenSettings(command), use);
    if (match !== undefined) return match;
  }
  return undefined;
}

function takesValue(use: OptionUse, below: readonly Command[]): boolean {
  return matchOf(use, below)?.setting.value !== undefined;
}

/** The words that may follow, with what they stand for. */
function nextWords({ words, help }: Split, commands: readonly Command[]): readonly Candidate[] {
  const below = commandsBelow(words, commands);
  const next = new Set(below.flatMap((command) => command.words.slice(words.length, words.length + 1)));
  const candidates = [...next].map((text) => {
    const path = [...words, text].join(" ");
    return { text, about: below.find((one) => one.words.join(" ") === path)?.summary ?? SUMMARIES[path] };
  });
  const isFirst = next.size > 0 && (words.length === 0 || words.join(" ") === "keygen");
  return isFirst && !help ? [...candidates, { text: "help", about: "Show help" }] : candidates;
}

function options(below: readonly Command[], { uses }: Split, typed: string): readonly Candidate[] {
  const used = new Set(uses.map((use) => matchOf(use, below)?.name));
  const found = new Map<string, Candidate>();
  const add = (text: string, about: string) => {
    if (!found.has(text)) found.set(text, { text, about });
  };
  for (const [name, setting] of below.flatMap(({ settings }) => Object.entries(settings))) {
    if (used.has(name) && !setting.repeatable) continue;
    add(`--${name}`, setting.help);
    // Every switch can be taken back; twice as many options would rather hide than help.
    const isNegatable = setting.value === undefined && !name.startsWith("no-");
    if (isNegatable && typed.startsWith("--no-")) add(`--no-${name}`, `not: ${setting.help}`);
  }
  add("--help", "show help");
  add("--version", "show the version");
  return [...found.values()];
}

/**
 * The values of an option.
 *
 * @param typed what there is of the value
 * @param start what stands before it in the same word, such as `--tags=`
 */
function valuesOf(
  { name, setting }: Match,
  typed: string,
  start: string,
  { uses }: Split,
  known: Known,
): Completion {
  const whole = (names: readonly KnownName[]) => ({ candidates: named(names, start) });
  const listed = (names: readonly KnownName[]) => {
    const earlier = uses
      .filter((use) => settingOf({ [name]: setting }, use))
      .map(({ token }) => token.value ?? "");
    return { candidates: named(...restOfList(names, typed, start, earlier)) };
  };
  const choices = choicesOf(setting.parse);
  if (choices.length > 0) return whole(choices.map((choice) => ({ name: choice })));
  switch (setting.value) {
    case "<file>":
      return { candidates: [], paths: "files" };
    case "<directory>":
      return { candidates: [], paths: "directories" };
    case "<tags>":
      return listed(known.tags());
    case "<agents>":
      return listed(known.agents());
    case "<patterns>":
      return listed(known.commands());
    case "<names>":
      return listed(known.executors());
    case "<name>":
      return name === "channel" ? whole(known.channels()) : NOTHING;
    default:
      return NOTHING;
  }
}

/** The names that may follow in a list with commas, and what stands before them in their word. */
function restOfList(
  names: readonly KnownName[],
  typed: string,
  start: string,
  earlier: readonly string[],
): readonly [names: readonly KnownName[], start: string] {
  const [head = ""] = /^(?:.*,)?!?/s.exec(typed) ?? [];
  // Within the brackets of a fold stand numbers.
  if (/\[[^\]]*$/.test(typed)) return [[], start];
  const taken = new Set(
    [...earlier, head].flatMap((text) => text.split(",")).map((text) => text.replace(/^!/, "")),
  );
  return [names.filter(({ name }) => !taken.has(name)), start + head];
}

function operands({ words, operands: given }: Split, below: readonly Command[], known: Known): Completion {
  const all = below.find((command) => command.words.length === words.length)?.operands ?? [];
  const last = all.at(-1);
  const operand = all[given.length] ?? (last?.repeatable ? last : undefined);
  const rest = (names: readonly KnownName[]) => named(names, "").filter(({ text }) => !given.includes(text));
  switch (operand?.name) {
    case "command":
      return { candidates: named(known.commands(), "") };
    case "name":
      return { candidates: rest(known.agents()) };
    case "executor":
      return { candidates: rest(known.executors()) };
    case "run":
      return { candidates: rest(known.runs()) };
    case "item":
      return { candidates: rest(known.posts()) };
    case "file":
      return { candidates: [], paths: "files" };
    default:
      return NOTHING;
  }
}

function named(names: readonly KnownName[], start: string): readonly Candidate[] {
  return names.map(({ name, about }) => ({ text: start + name, about }));
}

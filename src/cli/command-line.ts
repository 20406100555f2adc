/**
 * Reads a command line: which command, the texts of its options, its operands.
 *
 * `node:util.parseArgs` splits it into tokens, for its values stay text (cac makes 7 of `--identity 007`).
 * An option may stand before or after the words, so where values are is decided by the tables of all
 * commands together, and which command may have which option afterwards. Hence a name or letter must take a
 * value in all tables or in none; a test holds that.
 */
import { basename } from "node:path";
import { CbError } from "../core/errors.ts";
import type { Schema, Texts } from "../core/settings.ts";
import { shellWord } from "../core/shell-word.ts";
import { didYouMean } from "../core/suggestion.ts";
import { abridged } from "../core/text.ts";
import { type Command, takenSettings } from "./command.ts";
import { type OptionUse, optionTexts, settingOf, tokenize, unknownOption } from "./options.ts";

/** The programs that are one file: `cb-keygen` is `cb keygen` under another name. */
export type Program = "cb" | "cb-keygen";

/** What is to be done. */
export type Request =
  | {
      readonly kind: "run";
      readonly command: Command;
      readonly texts: Texts;
      readonly operands: readonly string[];
    }
  /** `words` begin one or more commands, all if there are none; `asked` is false where words were missing. */
  | { readonly kind: "help"; readonly words: readonly string[]; readonly asked: boolean }
  | { readonly kind: "version" };

/** What the caller called us, by argv0 or, where a runtime runs the bundle, by the script. */
export function programOf(argv0: string, script: string | undefined): Program {
  return [argv0, script ?? ""].some((path) => basename(path) === "cb-keygen") ? "cb-keygen" : "cb";
}

/** A command, or a group of them, as it is typed: `cb station run`, `cb-keygen network`. */
export function commandName(program: Program, words: readonly string[]): string {
  return (program === "cb" ? [program, ...words] : [program, ...words.slice(1)]).join(" ");
}

/** The commands whose words begin with these. */
export function commandsBelow(words: readonly string[], commands: readonly Command[]): readonly Command[] {
  return commands.filter((command) => words.every((word, position) => command.words[position] === word));
}

/**
 * What the arguments ask for.
 *
 * @param args without the runtime and the script
 * @throws {CbError} `usage`, with a suggestion where there is one
 */
export function parseCommandLine(
  program: Program,
  args: readonly string[],
  commands: readonly Command[],
): Request {
  const { words, operands, behind, uses, help, version } = split(program, args, commands);
  const below = commandsBelow(words, commands);
  const command = below.find((candidate) => candidate.words.length === words.length);
  const name = commandName(program, words);
  const hint = `Try "${name} --help"`;

  const fits = operands.length === 0 || (command !== undefined && command.operands.length > 0);
  if (fits && help) return { kind: "help", words, asked: true };
  if (fits && version) return { kind: "version" };

  const single = uses.find(({ token }) => isSingleDashed(args[token.index] ?? "", commands));
  if (single !== undefined) {
    const typed = args[single.token.index] ?? "";
    throw new CbError(
      "usage",
      `Cannot use option "${abridged(typed)}": did you mean "-${abridged(typed)}"?`,
      { hint },
    );
  }
  const tables = (list: readonly Command[]) => list.map(({ settings }) => settings);
  const takers = command === undefined ? below : [command];
  for (const use of uses) {
    if (takers.some((taker) => settingOf(takenSettings(taker), use))) continue;
    const owner = commands.find(({ settings }) => settingOf(settings, use));
    if (owner === undefined) throw unknownOption(use, tables(below), hint);
    const belongs = `it belongs to "${commandName(program, owner.words)}"`;
    throw new CbError("usage", `Cannot use option "${use.token.rawName}" with "${name}": ${belongs}`, {
      hint,
    });
  }
  const taken = takers.map(takenSettings);
  const hintFor = (at: number) => listHint(operands[at] ?? "", behind[at], taken);
  if (!fits) throw extraWord(operands[0] ?? "", words, name, hintFor(0) ?? hint, below);
  if (command === undefined) return { kind: "help", words, asked: false };
  const texts = optionTexts(uses, takenSettings(command), hint);
  checkOperands(command, operands, name, hint, hintFor(command.operands.length));
  return { kind: "run", command, texts, operands };
}

/**
 * Whether it is a long option with one dash: `-tags web` would be -t with the value "ags", and ask others than was meant.
 */
function isSingleDashed(argument: string, commands: readonly Command[]): boolean {
  const [, name] = /^-([a-z][a-z-]+)(=.*)?$/s.exec(argument) ?? [];
  return name !== undefined && commands.some(({ settings }) => Object.hasOwn(settings, name));
}

/** What a command line says, before anybody has asked whether it makes sense. */
export type Split = {
  readonly words: readonly string[];
  readonly operands: readonly string[];
  /** For each operand, the option with a value that stood right before it. */
  readonly behind: readonly (OptionUse | undefined)[];
  readonly uses: readonly OptionUse[];
  /** The option to which further bare words would belong. */
  readonly open: OptionUse | undefined;
  /** Also for the word `help` where a command could stand. */
  readonly help: boolean;
  readonly version: boolean;
};

/** Sorts the arguments into words, operands and options; takes any. */
export function split(program: Program, args: readonly string[], commands: readonly Command[]): Split {
  const words = program === "cb-keygen" ? ["keygen"] : [];
  const operands: string[] = [];
  const behind: (OptionUse | undefined)[] = [];
  const uses: OptionUse[] = [];
  let help = false;
  let version = false;
  let open: OptionUse | undefined;
  let last: OptionUse | undefined;

  for (const token of tokenize(
    args,
    commands.map(({ settings }) => settings),
  )) {
    const below = commandsBelow(words, commands);
    const previous = last;
    last = undefined;
    if (token.kind === "option") {
      const use = { token, afterWord: words.length > 0 };
      if (token.value !== undefined) last = use;
      const takesWords = below.some(({ settings }) => settingOf(settings, use)?.setting.takesWords);
      open = use.afterWord && takesWords ? use : undefined;
      if (token.name === "help") help = true;
      else if (token.name === "version") version = true;
      else uses.push(use);
    } else if (token.kind === "option-terminator") {
      open = undefined;
    } else if (operands.length === 0 && commandsBelow([...words, token.value], commands).length > 0) {
      words.push(token.value);
    } else if (open !== undefined) {
      uses.push({ ...open, token: { ...open.token, value: token.value, inlineValue: true } });
    } else if (token.value === "help" && operands.length === 0 && !expectsOperands(words, below)) {
      help = true;
    } else {
      operands.push(token.value);
      behind.push(previous);
    }
  }
  return { words, operands, behind, uses, open, help, version };
}

function expectsOperands(words: readonly string[], below: readonly Command[]): boolean {
  return below.some((command) => command.words.length === words.length && command.operands.length > 0);
}

function extraWord(
  word: string,
  words: readonly string[],
  name: string,
  hint: string,
  below: readonly Command[],
): CbError {
  const shown = `Cannot use "${abridged(word)}"`;
  const known = new Set(below.flatMap((command) => command.words.slice(words.length, words.length + 1)));
  if (known.size === 0) return new CbError("usage", `${shown}: "${name}" takes no operand`, { hint });
  // Whoever leaves words out in front means the whole of it.
  const whole = below.filter(({ words: its }) => its.length > words.length + 1 && its.at(-1) === word);
  const meant = whole.map((command) => `"${commandName("cb", command.words)}"`).join(" or ");
  const near = meant === "" ? didYouMean(word, [...known, "help"]) : `, did you mean ${meant}?`;
  return new CbError("usage", `${shown}: no such command${near}`, { hint });
}

/** `--to web1 web2`: the second word stands where no list takes it any more, and would be a command, or its operand. */
function listHint(word: string, use: OptionUse | undefined, tables: readonly Schema[]): string | undefined {
  const match = use && tables.map((table) => settingOf(table, use)).find((found) => found !== undefined);
  const { name, setting } = match ?? {};
  if (setting?.repeatable !== true || setting.secret || use?.token.value === undefined) return undefined;
  const [value, next] = [use.token.value, word].map(abridged);
  if (setting.isList) return `Separate them with commas: --${name} ${shellWord(`${value},${next}`)}`;
  return `Repeat the option: --${name} ${shellWord(`${value}`)} --${name} ${shellWord(`${next}`)}`;
}

/** @param listHint where the first word that is too much was meant for a list */
function checkOperands(
  command: Command,
  operands: readonly string[],
  name: string,
  hint: string,
  listHint: string | undefined,
): void {
  const { operands: expected } = command;
  const missing = expected[operands.length];
  if (missing !== undefined) {
    const why = `<${missing.name}> is missing`;
    throw new CbError("usage", `Cannot run "${name}": ${why}`, { hint: missing.hint ?? hint });
  }
  const extra = expected.at(-1)?.repeatable ? undefined : operands[expected.length];
  if (extra !== undefined) {
    const all = expected.map((operand) => `<${operand.name}>`).join(" ");
    throw new CbError("usage", `Cannot use "${abridged(extra)}": "${name}" takes ${all} alone`, {
      hint: listHint ?? expected.at(-1)?.extraHint ?? hint,
    });
  }
}

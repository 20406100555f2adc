/**
 * Help pages, made of the commands and their tables. The only door to cac.
 *
 * cac lays out usage, commands, options and examples; it is given no command line. Its own reading of one
 * would turn `--identity 007` into 7 and let a switch swallow the operand behind it. It also prints by
 * itself, through `console.info`, which would neither wait for a slow reader nor notice a full disk; so its
 * sections are taken out by the callback that is meant for changing them.
 */
import { type CAC, cac } from "cac";
import { environmentNames, grouped, type Schema, type Setting } from "../core/settings.ts";
import type { Command } from "./command.ts";
import { commandName, commandsBelow, type Program } from "./command-line.ts";
import { type ExitMeanings, type ExitStatusName, exitStatusText } from "./exit-meanings.ts";

const COLUMNS = 100;

/**
 * The page of a command, of a group of commands or, without words, of all.
 *
 * @param words as in `Request`
 */
export function helpText(program: Program, words: readonly string[], commands: readonly Command[]): string {
  const below = commandsBelow(words, commands);
  const command = below.find((candidate) => candidate.words.length === words.length);
  const name = commandName(program, words);
  const cli = cac(name);
  cli.usage(usage(command, below));
  for (const one of below) {
    if (one !== command) cli.command(typed(one, words.length), one.summary);
  }
  // A page of many commands shows the first example of each, that of all programs the first of each program; and the
  // settings that all of them have.
  const shownOf = words.length > 0 ? below : firstOfPrograms(below);
  const examples = command?.examples ?? shownOf.flatMap((one) => one.examples?.slice(0, 1) ?? []);
  for (const example of examples) cli.example(`  ${example}`);
  const table = command?.settings ?? shared(below);
  const groups = optionGroups(table, words[0]);
  for (const [setting, text] of groups.flatMap(({ lines }) => lines)) cli.option(setting, text);
  // cac takes `--no-discovery` for the opposite of `--discovery`, and says that it is true by default.
  for (const option of cli.globalCommand.options) delete option.config.default;

  const sections = sectionsOf(cli);
  const body = (title: string) => sections.find((section) => section.title === title)?.body;
  const options = (body("Options") ?? "").split("\n");
  const sectionsOfOptions = groups.map(
    ({ title, lines }) =>
      [title, closed(options.splice(0, lines.length)).map(wrapOption).join("\n")] as const,
  );
  const prose = (paragraph: string) => wrap(paragraph, 2);
  const page: readonly (readonly [title: string, body: string | undefined])[] = [
    ["Usage", body("Usage")],
    ["", command?.description?.map((paragraph) => wrap(paragraph, 0)).join("\n\n")],
    ["Commands", body("Commands")],
    ["Examples", body("Examples")],
    ...sectionsOfOptions,
    ["Exit status", command?.exitMeanings && exitStatuses(command.exitMeanings)],
    ["Environment", command && prose(environment(table))],
    ["File", command?.configFile && prose(file(command.configFile))],
    ["", below.length > 1 ? `Try "${name} COMMAND --help" for the options of a command` : undefined],
  ];
  const parts = page.flatMap(([title, text]) => (text ? [title ? `${title}:\n${text}` : text] : []));
  const summary = command?.summary ?? SUMMARIES[words.join(" ")] ?? SUMMARIES[words[0] ?? ""] ?? name;
  return `${[summary, ...parts].join("\n\n")}\n`.replaceAll(NO_BREAK, " ");
}

/** What words that are no command by themselves stand for; without any, the program. */
export const SUMMARIES: Readonly<Record<string, string>> = {
  "": "Run a command on every server, trusting nobody in between",
  station: "Have agents run commands, and collect what they say",
  dispatcher: "Run executors for a Faraday server",
  executor: "Scan as an executor, without a dispatcher or for one",
  "dispatcher spool": "Look after results that the server has refused",
};

const EVERYWHERE: readonly OptionLine[] = [
  ["-h, --help", "show this help"],
  ["-V, --version", "show the version"],
];

/** A blank at which no line ends. */
const NO_BREAK = "\u00a0";

type OptionLine = readonly [option: string, text: string];

function usage(command: Command | undefined, below: readonly Command[]): string {
  if (command === undefined) return "<command> [options]";
  return [...(below.length > 1 ? ["[command]"] : []), ...operands(command), "[options]"].join(" ");
}

/** What is typed after the first words of a page: `run <command>`. */
function typed(command: Command, from: number): string {
  return [...command.words.slice(from), ...operands(command)].join(" ");
}

function operands(command: Command): readonly string[] {
  return command.operands.map(({ name, repeatable }) => `<${name}>${repeatable ? "..." : ""}`);
}

function firstOfPrograms(commands: readonly Command[]): readonly Command[] {
  return commands.filter(({ words }, at) => words[0] !== commands[at - 1]?.words[0]);
}

/** The settings that all the commands have, as the first has them. */
function shared(commands: readonly Command[]): Schema {
  const entries = Object.entries(commands[0]?.settings ?? {});
  return Object.fromEntries(
    entries.filter(([name]) => commands.every(({ settings }) => Object.hasOwn(settings, name))),
  );
}

type OptionGroup = { readonly title: string; readonly lines: readonly OptionLine[] };

/** What options are about; those that are about nothing in particular come first. */
function optionGroups(table: Schema, program = ""): readonly OptionGroup[] {
  const groups = [...grouped(table)].map(([group, names]): OptionGroup => {
    const lines = names.flatMap((name) => {
      const setting = table[name];
      return setting === undefined ? [] : [optionLine(name, setting, table, program)];
    });
    return { title: group === "Other" ? OTHERS : (group ?? "Options"), lines };
  });
  const others = groups.find(({ title }) => title === OTHERS);
  const last: OptionGroup = { title: OTHERS, lines: [...(others?.lines ?? []), ...EVERYWHERE] };
  return [...groups.filter((group) => group !== others), last];
}

/** With those that every command has. */
const OTHERS = "Other options";

/** A line for each, as options have. */
function exitStatuses(meanings: ExitMeanings): string {
  const lines = Object.entries(meanings).map(([name, meaning]) => {
    const head = `  ${exitStatusText(name as ExitStatusName).padStart(3)}  `;
    return head + wrap(meaning, head.length).trimStart();
  });
  const sum = "commandFailed" in meanings ? "20 is a command that failed" : "80 is one that did not answer";
  const hasSums = "agentError" in meanings;
  const rule = `  Those with a plus add up: ${sum} and an agent that refused.`;
  return [...lines, ...(hasSums ? [rule] : [])].join("\n");
}

function optionLine(name: string, setting: Setting, table: Schema, program: string): OptionLine {
  const { short, value = "", default: fallback, help } = setting;
  // Of two settings that share a letter, the later one has it where this page's options are typed.
  const last = Object.values(table).findLast((other) => other.short === short);
  const early = short !== undefined && last !== setting;
  const letter = short === undefined || early ? "   " : `-${short},`;
  const text = early ? `${help}; -${short} before "${program}"` : help;
  const shown = typeof fallback === "object" ? fallback.help : fallback;
  const note = shown === undefined || setting.value === undefined ? "" : ` (default:${NO_BREAK}${shown})`;
  return [`${letter} --${name} ${value}`.trimEnd(), text + note];
}

/** Up to so many variables are listed; of more there is a rule. */
const MAX_VARIABLES = 6;

function environment(table: Schema): string {
  const all = Object.entries(table).map(([name, setting]) => ({
    name,
    variables: environmentNames(name, setting),
  }));
  const some = all.filter(({ variables }) => variables.length > 0);
  const named = some.map(({ variables: [first = "", ...others] }) =>
    others.length === 0 ? first : `${first} (or ${others.join(", ")})`,
  );
  if (some.length <= MAX_VARIABLES) return `In place of options: ${named.join(", ")}`;
  const [example] = some.filter(({ name }) => name.includes("-"));
  const rule = `In place of options: CB_ and the name in capitals, such as ${example?.variables[0]} for --${example?.name}`;
  const besides = some.flatMap(({ name, variables }) =>
    variables.slice(1).map((other) => `${other} for --${name}`),
  );
  const none = all.filter(({ variables }) => variables.length === 0).map(({ name }) => `--${name}`);
  return [
    rule,
    ...(besides.length > 0 ? [`also ${besides.join(", ")}`] : []),
    ...(none.length > 0 ? [`not for ${none.join(", ")}`] : []),
  ].join("; ");
}

function file(name: string): string {
  return (
    `In place of options and environment, the first ${name} in $CREDENTIALS_DIRECTORY, $XDG_CONFIG_HOME/cb ` +
    "(~/.config/cb) and /etc/cb, or the file of --config; its keys are the long names of the options"
  );
}

function sectionsOf(cli: CAC): readonly { readonly title?: string; readonly body: string }[] {
  let sections: ReturnType<typeof sectionsOf> = [];
  const enough = new Error("no printing");
  cli.globalCommand.helpCallback = (found) => {
    sections = found;
    throw enough;
  };
  try {
    cli.outputHelp();
  } catch (error) {
    if (error !== enough) throw error;
  }
  return sections;
}

/** Where the text of an option's line begins; -1 where there is none. */
function textOf(line: string): number {
  return line.search(/(?<=\S {2,})(?![-<\s])\S/);
}

/** Lines that were laid out for longer options, with as many blanks before their texts as their own need. */
function closed(lines: readonly string[]): readonly string[] {
  const surplus = lines.map(
    (line) => /^.*?\S( +)$/.exec(line.slice(0, Math.max(0, textOf(line))))?.[1]?.length ?? 2,
  );
  const less = Math.max(0, Math.min(...surplus) - 2);
  return lines.map((line) => {
    const text = textOf(line);
    return text < 0 ? line : line.slice(0, text - less) + line.slice(text);
  });
}

/** An option's line, with what does not fit below its text. */
function wrapOption(line: string): string {
  const text = textOf(line);
  return text < 0 ? line : line.slice(0, text) + wrap(line.slice(text), text).trimStart();
}

/** Text in lines of at most `COLUMNS`, each behind `indent` blanks. */
function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.trim().split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line].map((one) => " ".repeat(indent) + one).join("\n");
}

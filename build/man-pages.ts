/**
 * Makes the man pages in dist/man of the sources in packaging/man: options, environment, keys of files, commands
 * and exit statuses come from the program's own tables, so that no page forgets one.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Command } from "../src/cli/command.ts";
import { commands } from "../src/cli/commands.ts";
import { type ExitStatusName, exitStatusText, STATION_EXIT } from "../src/cli/exit-meanings.ts";
import { commonSettings, configSettings, outputSettings } from "../src/cli/settings/common.ts";
import { expectedType } from "../src/core/config-file.ts";
import { ExitStatus } from "../src/core/errors.ts";
import { choicesOf } from "../src/core/parse.ts";
import { environmentNames, grouped, type Schema, type Setting } from "../src/core/settings.ts";
import { COMMAND_ENVIRONMENT } from "../src/exec/environment.ts";
import { escapeText, fillIn, type Item, prose } from "./mdoc.ts";
import { DIST, ROOT } from "./paths.ts";
import { program } from "./program.ts";
import { sourceDate } from "./source-date.ts";

/** Where the pages are made: `cb.1` and so on. */
export const MAN = join(DIST, "man");

/** Makes all pages anew. */
export async function manPages(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  rmSync(MAN, { recursive: true, force: true });
  mkdirSync(MAN, { recursive: true });
  for (const [name, text] of pageTexts(sourceDate())) writeFileSync(join(MAN, name), text);
}

/**
 * The pages by their names, such as `cb.1`.
 *
 * @param date seconds since the epoch
 */
export function pageTexts(date: number): ReadonlyMap<string, string> {
  const sources = globSync("packaging/man/*.mdoc", { cwd: ROOT }).sort();
  return new Map(
    sources.map((source) => {
      const text = readFileSync(join(ROOT, source), "utf8");
      return [basename(source, ".mdoc"), fillIn(text, source, date, blocks)];
    }),
  );
}

/** The lists that a page can have filled in. */
function blocks([kind = "", ...words]: readonly string[]): readonly Item[] | undefined {
  switch (kind) {
    case "commands":
      return commandsOf(words).map((command) => commandItem(command, words.length > 0));
    case "command-environment":
      return COMMAND_ENVIRONMENT.map(({ name, meaning }) => {
        return { name, head: `Ev ${name}`, body: prose(sentence(meaning)) };
      });
    case "exit-status":
      return words.every(isExitStatus) ? words.map((name) => exitStatusItem(name)) : undefined;
    case "exit-status-of-station":
      return Object.entries(STATION_EXIT).flatMap(([name, meaning]) => {
        return isExitStatus(name) ? [exitStatusItem(name, meaning)] : [];
      });
    case "options-by-group":
      return groupedOptions(words[0] ?? "");
  }
  const table = tableOf(words[0]);
  if (table === undefined) return undefined;
  const entries = Object.entries(table);
  switch (kind) {
    case "options":
      return entries.map(([name, setting]) => optionItem(name, setting, words.at(-1) ?? ""));
    case "environment":
      return entries
        .filter(([, setting]) => setting.environment !== false)
        .map(([name, setting]) => environmentItem(name, setting));
    case "keys":
      return entries
        .filter(([, setting]) => setting.file !== false)
        .map(([name, setting]) => keyItem(name, setting));
    default:
      return undefined;
  }
}

/** By the names that pages have for them. */
const SHARED: Readonly<Record<string, Schema>> = {
  common: commonSettings,
  config: configSettings,
  output: outputSettings,
};

/**
 * The settings of a program that are its own, or those of several programs; of `dispatcher/import` those of that command
 * alone that mean something else than what the program has under the same name.
 */
function tableOf(name = "?"): Schema | undefined {
  if (Object.hasOwn(SHARED, name)) return SHARED[name];
  const [program = "", ...words] = name.split("/");
  const below = commandsOf([program]);
  if (below.length === 0) return undefined;
  const all = below.flatMap(({ settings }) => Object.entries(settings));
  // Not by their names: --tls-ca of a dispatcher is about another server.
  const shared = new Set<Setting>(Object.values(commonSettings));
  const whole = Object.fromEntries(all.filter(([, setting]) => !shared.has(setting)));
  if (words.length === 0) return whole;
  const own = commandsOf([program, ...words]).flatMap(({ settings }) => Object.entries(settings));
  const known = new Set<Setting>([...Object.values(whole), ...shared]);
  return Object.fromEntries(own.filter(([, setting]) => !known.has(setting)));
}

function commandsOf(words: readonly string[]): readonly Command[] {
  return commands.filter((command) => words.every((word, index) => command.words[index] === word));
}

/** @param isWhole whether its description follows, or the page is another one */
function commandItem({ words, operands, summary, description = [] }: Command, isWhole: boolean): Item {
  const [first, ...others] = words;
  const typed = first === "keygen" ? ["Nm cb-keygen", ...others] : ["Nm cb", ...words];
  const [name, ...rest] = typed;
  const macros = [name, ...(rest.length > 0 ? [`Cm ${rest.join(" ")}`] : [])];
  const arguments_ = operands.map(({ name, repeatable }) => `Ar ${name}${repeatable ? " ..." : ""}`);
  const body = [summary, ...(isWhole ? description : [])].flatMap((text) => prose(sentence(text)));
  return { name: words.join(" "), head: [...macros, ...arguments_].join(" "), body };
}

function isExitStatus(word: string): word is ExitStatusName {
  return Object.hasOwn(ExitStatus, word);
}

function exitStatusItem(name: ExitStatusName, meaning?: string): Item {
  const body = meaning === undefined ? [] : prose(sentence(meaning));
  return { name, head: exitStatusText(name), body };
}

/** All options of a program, those that it shares too, in a list for each group; the last list is left open. */
function groupedOptions(page: string): readonly Item[] {
  const table: Schema = { ...tableOf(page), ...commonSettings };
  return [...grouped(table)].flatMap(([group, names], at) => {
    const items = names.flatMap((name) => {
      const setting = table[name];
      return setting === undefined ? [] : [optionItem(name, setting, page)];
    });
    const list = [`.Ss ${group ?? "More options"}`, ".Bl -tag -width Ds"];
    const before = at === 0 ? list : [".El", ...list];
    return items.map((item, index) => (index === 0 ? { ...item, before } : item));
  });
}

/** @param page the program whose page it is: of two settings with one letter, that of the program has it there */
function optionItem(name: string, setting: Setting, page: string): Item {
  const { short, value, help } = setting;
  const whole = Object.entries<Setting>({ ...commonSettings, ...tableOf(page) });
  const owner = short && whole.findLast(([, other]) => other.short === short)?.[0];
  const letter = owner === name ? [`Fl ${short} ,`] : [];
  const early = owner && owner !== name ? [`Before the word ${page} it is -${short}, too.`] : [];
  const argument = value === undefined ? [] : [`Ar ${value.replace(/[<>]/g, "")}`];
  const body = [...[sentence(help, setting), ...early].flatMap(prose), ...defaultOf(setting)];
  return { name, head: [...letter, `Fl -${name}`, ...argument].join(" "), body };
}

function environmentItem(name: string, setting: Setting): Item {
  const head = environmentNames(name, setting).map((variable) => `Ev ${variable}`);
  return { name, head: head.join(" , "), body: [`The same as`, `.Fl -${name} .`] };
}

function keyItem(name: string, setting: Setting): Item {
  const body = [...prose(sentence(setting.help, setting)), ...defaultOf(setting)];
  return { name, head: `Ic ${name} Pq ${expectedType(setting)}`, body };
}

function defaultOf({ value, default: fallback }: Setting): readonly string[] {
  if (value === undefined || fallback === undefined) return [];
  if (typeof fallback === "object") return prose(`Default: ${fallback.help}.`);
  return ["Default:", `.Ql ${fallback === "." ? "\\&." : escapeText(fallback)} .`];
}

/** A line of help, which has neither a capital nor a full stop. */
function sentence(text: string, setting?: Setting): string {
  // What can be typed keeps its letters.
  const isList = setting && choicesOf(setting.parse).some((choice) => text.startsWith(choice));
  const first = isList ? text.charAt(0) : text.charAt(0).toUpperCase();
  return `${first}${text.slice(1)}`.replace(/\.?$/, ".");
}

if (import.meta.main) {
  await program(async (signal) => {
    await manPages(signal);
    process.stdout.write(`Made ${MAN}\n`);
    return 0;
  });
}

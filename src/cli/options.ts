/**
 * The options of a command line: which setting each one means, and its text.
 *
 * A letter that two settings of one table share means the earlier one before the program's word and the
 * later one after it: `cb -r REDIS agent -r DIRECTORY`, as the original has it.
 */
import { parseArgs } from "node:util";
import { CbError } from "../core/errors.ts";
import { quoted, type Schema, type Setting, type Texts } from "../core/settings.ts";
import { didYouMean } from "../core/suggestion.ts";
import { printable } from "../core/text.ts";

/** One piece of a command line, as `parseArgs` cuts it. */
export type Token = ReturnType<typeof tokenize>[number];

/** One option as it was typed. */
export type OptionUse = {
  readonly token: Extract<Token, { readonly kind: "option" }>;
  /** Whether the program's word (agent, station, keygen) stood before it. */
  readonly afterWord: boolean;
};

type Match = { readonly name: string; readonly setting: Setting; readonly negated: boolean };

/** Cuts the arguments where the tables say that options have values; `help` and `version` are added. */
export function tokenize(args: readonly string[], tables: readonly Schema[]) {
  const options: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const [name, setting] of tables.flatMap((table) => Object.entries(table))) {
    const type = setting.value === undefined ? "boolean" : "string";
    options[name] = setting.short === undefined ? { type } : { type, short: setting.short };
  }
  options["help"] = { type: "boolean", short: "h" };
  options["version"] = { type: "boolean", short: "V" };
  // Not strict: its messages know nothing of tables, and it could not tell one `-r` from the other.
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/** What an option means by this table; a switch may be taken back with `--no-`. */
export function settingOf(table: Schema, { token, afterWord }: OptionUse): Match | undefined {
  const { rawName } = token;
  if (!rawName.startsWith("--")) {
    const sharing = Object.entries(table).filter(([, { short }]) => short === rawName.slice(1));
    const [name, setting] = (afterWord ? sharing.at(-1) : sharing[0]) ?? [];
    return name === undefined || setting === undefined ? undefined : { name, setting, negated: false };
  }
  const name = rawName.slice(2);
  const setting = own(table, name);
  if (setting !== undefined) return { name, setting, negated: false };
  const positive = name.startsWith("no-") ? name.slice(3) : "";
  const taken = own(table, positive);
  if (taken === undefined || taken.value !== undefined) return undefined;
  return { name: positive, setting: taken, negated: true };
}

function own(table: Schema, name: string): Setting | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/**
 * The texts of all options by the long names of their settings; a switch is `true` or `false`.
 *
 * @throws {CbError} `usage` for an option that is not of this table, or has no value or one too many
 */
export function optionTexts(uses: readonly OptionUse[], table: Schema, hint: string): Texts {
  const texts = new Map<string, readonly string[]>();
  for (const use of uses) {
    const match = settingOf(table, use);
    if (match === undefined) throw unknownOption(use, [table], hint);
    const { name, setting } = match;
    const text = textOf(use, match);
    const before = texts.get(name) ?? [];
    // Said twice is no harm; which of two values was meant, only the caller knows.
    const other = setting.repeatable ? undefined : before.find((earlier) => earlier !== text);
    if (other !== undefined) {
      const both = `${quoted(setting, other)} and ${quoted(setting, text)}`;
      throw new CbError("usage", `Cannot use option "--${name}" twice: ${both} given, expected one of them`);
    }
    texts.set(name, setting.repeatable ? [...before, text] : [text]);
  }
  return texts;
}

/** `Cannot use option "--fail-mising": no such option, did you mean "--fail-missing"?` */
export function unknownOption({ token }: OptionUse, tables: readonly Schema[], hint: string): CbError {
  const { rawName } = token;
  const names = [...tables.flatMap((table) => Object.keys(table)), "help", "version"].map(
    (name) => `--${name}`,
  );
  // Every letter is near to every other.
  const near = rawName.startsWith("--") ? didYouMean(rawName, names) : "";
  return new CbError("usage", `Cannot use option "${printable(rawName)}": no such option${near}`, { hint });
}

function textOf({ token }: OptionUse, { name, setting, negated }: Match): string {
  const { rawName, value, inlineValue } = token;
  const subject = `Cannot use option "${rawName}"`;
  if (setting.value === undefined) {
    if (value === undefined) return String(!negated);
    throw new CbError("usage", `${subject} with a value: it is a switch`);
  }
  const expected = `expected ${setting.value}`;
  if (value === undefined || value === "--") {
    throw new CbError("usage", `${subject}: its value is missing, ${expected}`);
  }
  const shown = quoted(setting, value);
  // A number below zero is no option, and its parser knows best what is wrong with it.
  const isNumber = setting.number === true && /^-\d/.test(value);
  if (!inlineValue && value.startsWith("-") && value !== "-" && !isNumber) {
    const hint = `Write --${name}=VALUE for a value that begins with a dash`;
    throw new CbError("usage", `${subject} with ${shown}: it looks like an option, ${expected}`, { hint });
  }
  if (!rawName.startsWith("--") && value.startsWith("=")) {
    const hint = `Write "${rawName} VALUE" or "--${name}=VALUE"`;
    throw new CbError("usage", `${subject} with ${shown}: a letter takes no "="`, { hint });
  }
  return value;
}

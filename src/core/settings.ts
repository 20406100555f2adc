/**
 * Settings: one table says all there is to know about a program's options.
 *
 * From it come the options of the command line, the names in the environment and in the TOML file, the
 * defaults and the help. Whatever the source, a value is text until the table's `parse` has seen it: `007`
 * stays a name, and a mistake is worded the same wherever it was made.
 * Strength: command line, environment, file, default.
 */
import { CbError } from "./errors.ts";
import { abridged, printable } from "./text.ts";

/** The environment of the process, or a piece of one in a test. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A default that depends on the machine; `help` describes it where a value cannot be printed. */
export type ComputedDefault = {
  readonly help: string;
  /** Several for a repeatable setting. */
  readonly text: (environment: Environment) => string | readonly string[];
};

/** What options are about, in the order in which help and man pages have them; those without come first. */
export const GROUPS = [
  "Targets",
  "Command",
  "Rollout",
  "Output",
  "Waiting",
  "Known agents",
  "Keys and connection",
  "Other",
] as const;
export type Group = (typeof GROUPS)[number];

type SettingBase = {
  readonly group?: Group;
  /** One letter; where a table has a letter twice, see `cli/command-line.ts`. */
  readonly short?: string;
  /** What stands for the value in help, such as `<seconds>`; a setting without it is a switch. */
  readonly value?: string;
  /**
   * Environment names beside `CB_<NAME>`, strongest first, all weaker than it; `false` for none, not even that: where
   * commands have different options of one name, a variable that was set for one must not reach another.
   */
  readonly environment?: readonly string[] | false;
  /** Read like any other text; without it an absent value is `undefined`. */
  readonly default?: string | ComputedDefault;
  /** Whether a TOML number may stand for it; otherwise it must be a string, for `1.10` would arrive as 1.1. */
  readonly number?: true;
  /** Whether the text can hold a password: then no error shows any of it, mistyped as it may be. */
  readonly secret?: true;
  /** Whether bare words after the option belong to it too (`agent -t web eu`); not with operands. */
  readonly takesWords?: true;
  /** Whether its text is a list with commas: a bare word behind it was probably meant to be in it. */
  readonly isList?: true;
  /** `false` for what makes no sense inside a file. */
  readonly file?: false;
  /** One line, lower case, no full stop. */
  readonly help: string;
};

type SingleSetting<Value> = SettingBase & {
  readonly repeatable?: false;
  /** @throws {SyntaxError} `expected …`; any other error is a bug */
  readonly parse: (text: string) => Value;
};

type RepeatableSetting<Value> = SettingBase & {
  readonly repeatable: true;
  /** Given every text of the strongest source, the default's, or none: never `undefined` in the end. */
  readonly parse: (texts: readonly string[]) => Value;
};

/** One option; a repeatable switch is one that is counted. */
export type Setting<Value = unknown> = SingleSetting<Value> | RepeatableSetting<Value>;

/** Settings by their long names, in the order in which help shows them. */
export type Schema = Readonly<Record<string, Setting>>;

type ValueOf<One extends Setting> =
  | ReturnType<One["parse"]>
  | (One extends { readonly default: string | ComputedDefault } | { readonly repeatable: true }
      ? never
      : undefined);

/** The typed values of a table. */
export type Values<Table extends Schema> = { readonly [Name in keyof Table]: ValueOf<Table[Name]> };

/** Where a value came from; `none` for one that nobody gave and that has no default. */
export type Origin = "argument" | "environment" | "file" | "default" | "none";

export type Resolved<Table extends Schema> = {
  readonly values: Values<Table>;
  readonly origins: { readonly [Name in keyof Table]: Origin };
};

/** The names of a table's settings by what they are about, in the order of `GROUPS`; each group at most once. */
export function grouped(table: Schema): ReadonlyMap<Group | undefined, readonly string[]> {
  const names = (group: Group | undefined) =>
    Object.entries(table).flatMap(([name, setting]) => (setting.group === group ? [name] : []));
  const all = [undefined, ...GROUPS].map((group) => [group, names(group)] as const);
  return new Map(all.filter(([, list]) => list.length > 0));
}

/** Texts by the long name of their setting, in the order in which they were given. */
export type Texts = ReadonlyMap<string, readonly string[]>;

/** Everything a value may come from, not yet parsed. */
export type Sources = {
  readonly arguments: Texts;
  readonly environment: Environment;
  readonly file?: { readonly path: string; readonly texts: Texts };
};

/** `reply-wait` → `CB_REPLY_WAIT`. */
function environmentName(name: string): string {
  return `CB_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** The environment names of a setting, strongest first. */
export function environmentNames(name: string, setting: Setting): readonly string[] {
  return setting.environment === false ? [] : [environmentName(name), ...(setting.environment ?? [])];
}

/**
 * The values of every setting of the table, and where each came from.
 *
 * @throws {CbError} `setting`, naming the value and its source, for the first that does not parse
 */
export function resolve<Table extends Schema>(table: Table, sources: Sources): Resolved<Table> {
  const values: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  for (const [name, setting] of Object.entries(table)) {
    const given = find(name, setting, sources);
    values[name] = given === undefined ? parseNothing(setting) : parse(name, setting, given);
    origins[name] = given?.origin ?? "none";
  }
  return { values, origins } as Resolved<Table>;
}

type Given = {
  readonly texts: readonly string[];
  readonly origin: Origin;
  /** As whoever wrote it finds it again: `--output`, `CB_OUTPUT`, or its key. */
  readonly writtenAs: string;
  /** Where that is, with a blank in front; nothing where `writtenAs` says it. */
  readonly from: string;
};

function find(name: string, setting: Setting, sources: Sources): Given | undefined {
  const typed = sources.arguments.get(name);
  if (typed !== undefined) return { texts: typed, origin: "argument", writtenAs: `--${name}`, from: "" };

  for (const variable of environmentNames(name, setting)) {
    const text = sources.environment[variable];
    // An empty variable counts: `CB_CHANNEL=$UNSET` must not silently mean the default channel.
    if (text !== undefined) return { texts: [text], origin: "environment", writtenAs: variable, from: "" };
  }

  const written = sources.file?.texts.get(name);
  if (written !== undefined && sources.file !== undefined)
    return {
      texts: written,
      origin: "file",
      writtenAs: name,
      from: ` from "${printable(sources.file.path)}"`,
    };

  const { default: fallback } = setting;
  if (fallback === undefined) return undefined;
  const origin = { origin: "default", writtenAs: name } as const;
  if (typeof fallback === "string") return { texts: [fallback], ...origin, from: " from the default" };
  return {
    texts: [fallback.text(sources.environment)].flat(),
    ...origin,
    from: ` from the default (${fallback.help})`,
  };
}

function parseNothing(setting: Setting): unknown {
  return setting.repeatable ? setting.parse([]) : undefined;
}

/** Texts of a repeatable setting that an error shows, at most. */
const MOST_SHOWN = 3;

function parse(name: string, setting: Setting, given: Given): unknown {
  const { texts } = given;
  try {
    // Only a repeatable setting is given more than one text: the command line and the file refuse it.
    return setting.repeatable ? setting.parse(texts) : setting.parse(texts[0] ?? "");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const first = texts.slice(0, MOST_SHOWN).map((text) => quoted(setting, text));
    const more = texts.length > MOST_SHOWN ? [`and ${texts.length - MOST_SHOWN} more`] : [];
    const shown = [...first, ...more].join(" ");
    const hint =
      given.origin === "default" ? { hint: `Set it with --${name} or ${environmentName(name)}` } : {};
    throw new CbError(
      "setting",
      `Cannot use ${given.writtenAs} ${shown}${given.from}: ${error.message}`,
      hint,
    );
  }
}

/** A value as an error may show it: in quotes, harmless to a terminal and not too long, or not at all. */
export function quoted(setting: Setting, text: string): string {
  return setting.secret ? "(not shown)" : `"${abridged(text)}"`;
}

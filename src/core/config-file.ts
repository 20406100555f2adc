/**
 * TOML files of settings.
 *
 * The keys are the long names of the table, all at the top level. Values become texts, which the table's
 * parsers read like those of any other source.
 */
import { join } from "node:path";
import { CbError } from "./errors.ts";
import { isDenied, isMissing, readSmallFile } from "./files.ts";
import type { Schema, Setting, Sources, Texts } from "./settings.ts";
import { didYouMean } from "./suggestion.ts";
import { printable } from "./text.ts";
import { parseToml } from "./toml.ts";

type ConfigFile = NonNullable<Sources["file"]>;

/** More than any hand-written file needs. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/**
 * The file of that name in the first of the directories that has one.
 *
 * @param others one of the directories; a file there that we may not read is not meant for us, and is passed over
 * @throws {CbError} `file` for one that is there but cannot be read, `setting` for what is wrong inside
 */
export function findConfigFile(
  name: string,
  directories: readonly string[],
  table: Schema,
  others?: string,
): ConfigFile | undefined {
  for (const directory of directories) {
    try {
      return readConfigFile(join(directory, name), table);
    } catch (error) {
      const isClosed = directory === others && isDenied(error);
      if (!isMissing(error) && !isClosed) throw error;
    }
  }
  return undefined;
}

/**
 * The file at `path`, which must exist.
 *
 * @throws {CbError} as `findConfigFile`
 */
export function readConfigFile(path: string, table: Schema): ConfigFile {
  return { path, texts: parseConfig(readSmallFile(path, MAX_CONFIG_BYTES), path, table) };
}

/**
 * The texts in a TOML file.
 *
 * @param path for messages
 * @throws {CbError} `setting` for bad UTF-8, bad TOML, an unknown key or a value of the wrong type
 */
export function parseConfig(bytes: Uint8Array, path: string, table: Schema): Texts {
  const texts = new Map<string, readonly string[]>();
  for (const [key, value] of Object.entries(parseToml(bytes, path, "setting"))) {
    const setting = Object.hasOwn(table, key) ? table[key] : undefined;
    if (setting === undefined || setting.file === false) throw unknownKey(key, path, table);
    const found = textsOf(setting, value);
    if (found === undefined) {
      const mismatch = `expected ${expectedType(setting)}, found ${typeName(value)}`;
      throw new CbError("setting", `Cannot use ${key} from "${printable(path)}": ${mismatch}`);
    }
    texts.set(key, found);
  }
  return texts;
}

function unknownKey(key: string, path: string, table: Schema): CbError {
  const known = Object.keys(table).filter((name) => table[name]?.file !== false);
  const subject = `Cannot use key "${printable(key)}" from "${printable(path)}"`;
  return new CbError("setting", `${subject}: no such key${didYouMean(key, known)}`, {
    hint: `Known keys: ${known.join(", ")}`,
  });
}

/** The texts of a value, or undefined where its type does not fit. */
function textsOf(setting: Setting, value: unknown): readonly string[] | undefined {
  if (typeof value === "number" && setting.number) return [String(value)];
  if (setting.value === undefined) return typeof value === "boolean" ? [String(value)] : undefined;
  if (typeof value === "string") return [value];
  if (!setting.repeatable || !Array.isArray(value)) return undefined;
  return value.every((item) => typeof item === "string") ? value : undefined;
}

/** What a setting's value is in a file, as in `a number or a string`. */
export function expectedType(setting: Setting): string {
  if (setting.value === undefined) return setting.number ? "true, false or a number" : "true or false";
  if (setting.repeatable) return "a string or an array of strings";
  return setting.number ? "a number or a string" : "a string";
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return "an array that does not fit";
  switch (typeof value) {
    case "string":
      return "a string";
    case "number":
      return "a number";
    case "boolean":
      return "a boolean";
    default:
      return value instanceof Date ? "a date" : "a table";
  }
}

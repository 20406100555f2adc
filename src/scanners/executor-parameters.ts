/**
 * Parameters as an executor finds them, the variables EXECUTOR_CONFIG_*: texts, whoever set them.
 *
 * A dispatcher writes a list as JSON and a boolean as `True` or `False`; a person at a terminal may put commas into
 * the one and use another word for the other. An empty one is one that was not given.
 */
import { CbError } from "../core/errors.ts";
import { parseJson } from "../core/json.ts";
import type { Environment } from "../core/settings.ts";
import { abridged } from "../core/text.ts";

export function problem(name: string, value: string, why: string): CbError {
  return new CbError("setting", `Cannot use ${name} "${abridged(value)}": ${why}`);
}

/** The name of a parameter's variable. */
export function variableOf(name: string): string {
  return `EXECUTOR_CONFIG_${name}`;
}

/** Its text without blanks around; undefined where there is none. */
export function textIn(environment: Environment, variable: string): string | undefined {
  return environment[variable]?.trim() || undefined;
}

const WORDS: ReadonlyMap<string, boolean> = new Map([
  ...["true", "t", "yes", "y", "on", "1"].map((word) => [word, true] as const),
  ...["false", "f", "no", "n", "off", "0"].map((word) => [word, false] as const),
]);

/** @throws {CbError} `setting` */
export function booleanIn(environment: Environment, variable: string): boolean | undefined {
  const text = textIn(environment, variable);
  if (text === undefined) return undefined;
  const value = WORDS.get(text.toLowerCase());
  if (value === undefined) throw problem(nameOf(variable), text, "expected True or False");
  return value;
}

/** A whole number. @throws {CbError} `setting` */
export function integerIn(
  environment: Environment,
  variable: string,
  least: number,
  most: number,
): number | undefined {
  const text = textIn(environment, variable);
  if (text === undefined) return undefined;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw problem(nameOf(variable), text, `expected a whole number from ${least} to ${most}`);
}

/** An address of IPv6 before its port, `[::1]:443`, which begins as an array does and never is one. */
const ADDRESS = /^\[[^\]\s"',[{:]*:[^\]\s"',[{]*\]/;

/** Items of a JSON array, or between commas; blanks part items, too. @throws {CbError} `setting` */
export function listIn(environment: Environment, variable: string): readonly string[] {
  const text = textIn(environment, variable) ?? "";
  const isArray = text.startsWith("[") && !ADDRESS.test(text);
  const items = isArray ? arrayIn(text) : text.split(",");
  if (items === undefined)
    throw problem(
      nameOf(variable),
      text,
      "expected a JSON array of texts and numbers, or a text with commas",
    );
  return items.flatMap((item) => item.split(/\s+/)).filter((item) => item !== "");
}

function arrayIn(text: string): readonly string[] | undefined {
  const value = parseJson(text);
  const fits = (item: unknown) => typeof item === "string" || typeof item === "number";
  return Array.isArray(value) && value.every(fits) ? value.map(String) : undefined;
}

/** As the server's users know it. */
function nameOf(variable: string): string {
  return variable.replace(/^EXECUTOR_CONFIG_/, "");
}

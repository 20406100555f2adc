/**
 * The types that a parameter of an executor can have: which values each takes, and what is said of the others.
 *
 * Values and words are those of Faraday's agents, measured value by value, so that a server and its users meet
 * nothing new. Stricter than those on purpose: digits of other scripts, and a newline behind a domain, a range
 * or a URL, which no executor expects. JSON as JavaScript reads it has one kind of number: `2.0` is whole here.
 * Source: faraday_agent_parameters_types 1.9.1, by its answers.
 */
import { isIP, isIPv6 } from "node:net";
import { domainToASCII } from "node:url";
import { parseJson } from "../core/json.ts";

type Rule = {
  /** What Faraday's web page makes of it; it knows these five. */
  readonly base: ParameterBase;
  /** What is wrong with a value that is not null; undefined where it fits. */
  readonly problem: (value: unknown) => string | undefined;
};

export const PARAMETER_BASES = ["string", "integer", "decimal", "boolean", "list"] as const;
export type ParameterBase = (typeof PARAMETER_BASES)[number];

const MAX_CHARACTERS = 256;
/** White space around a number is taken, underscores between its digits too. */
const INTEGER = /^\s*[+-]?\d+(?:_\d+)*\s*$/;
// One way to read each text: with two, a long one that does not fit takes minutes.
const DECIMAL =
  /^\s*[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?\s*$/i;
const NO_NUMBER = /^\s*[+-]?(?:nan|inf|infinity)\s*$/i;
const TRUE: readonly unknown[] = [true, 1, "1", ...["t", "true", "on", "y", "yes"].flatMap(casings)];
const FALSE: readonly unknown[] = [false, 0, "0", ...["f", "false", "off", "n", "no"].flatMap(casings)];
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9_-]{0,61}[a-z]$/i;
const RANGE = /^\d+-\d+$/;
const URL_FORM =
  /^(?:https?|ftps?):\/\/(?:[^\s@/?#]*@)?([^\s/?#@[\]:]+|\[[0-9a-f:.]+\])(?::\d+)?(?:\/\S*|\?\S+)?$/i;
const URL_HOST =
  /^(?:localhost|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,}\.?|\d{1,3}(?:\.\d{1,3}){3})$/i;

const RULES = {
  string: { base: "string", problem: stringProblem },
  integer: { base: "integer", problem: integerProblem },
  float: { base: "decimal", problem: floatProblem },
  boolean: {
    base: "boolean",
    problem: (value) => unless(booleanOf(value) !== undefined, "Not a valid boolean."),
  },
  list: { base: "list", problem: listProblem(isListItem, "Item not valid in list") },
  domains: { base: "list", problem: listProblem(isDomain, "Item not a valid domain in list") },
  ip: {
    base: "string",
    problem: (value) => unless(typeof value === "string" && isIP(value) !== 0, "Not a valid IP address."),
  },
  range: { base: "string", problem: rangeProblem },
  url: { base: "string", problem: (value) => unless(isUrl(value), "Not a valid URL.") },
  password: { base: "string", problem: (value) => withoutLength(stringProblem(value)) },
} as const satisfies Readonly<Record<string, Rule>>;

export type ParameterType = keyof typeof RULES;

/** Their names, as manifests have them. */
export const PARAMETER_TYPES = Object.keys(RULES) as readonly ParameterType[];

export function isParameterType(text: string): text is ParameterType {
  return Object.hasOwn(RULES, text);
}

export function baseOf(type: ParameterType): ParameterBase {
  return RULES[type].base;
}

/** Why a value, as JSON has it, is none of this type, without any of the value; undefined where it is one. */
export function problemOf(type: ParameterType, value: unknown): string | undefined {
  if (value === null || value === undefined) return "Field may not be null.";
  return RULES[type].problem(value);
}

/**
 * The value that a person means by a text, whether or not it fits the type: for a list a JSON array, or else
 * items between commas; for a boolean one of its words; for anything else the text itself.
 */
export function valueOfText(type: ParameterType, text: string): unknown {
  if (type === "boolean") return booleanOf(text) ?? text;
  const isList = RULES[type].base === "list";
  if ((isList || type === "range") && text.startsWith("[")) return arrayIn(text) ?? text;
  if (!isList) return text;
  return text === "" ? [] : text.split(",").map((item) => item.trim());
}

function arrayIn(text: string): readonly unknown[] | undefined {
  const value = parseJson(text);
  return Array.isArray(value) ? value : undefined;
}

/** `yes`, `Yes` and `YES`, and not `yEs`. */
function casings(word: string): readonly string[] {
  return [word, `${word[0]?.toUpperCase()}${word.slice(1)}`, word.toUpperCase()];
}

function unless(fits: boolean, problem: string): string | undefined {
  return fits ? undefined : problem;
}

function stringProblem(value: unknown): string | undefined {
  if (typeof value !== "string") return "Not a valid string.";
  const length = Array.from(value).length;
  return unless(length <= MAX_CHARACTERS, `Max length ${MAX_CHARACTERS}. Your text ${length}`);
}

/** Of a secret not even its length is said. */
function withoutLength(problem: string | undefined): string | undefined {
  return problem?.startsWith("Max length") ? `Max length ${MAX_CHARACTERS}` : problem;
}

/** A fraction is taken too: whoever wants a whole number cuts it off. */
function integerProblem(value: unknown): string | undefined {
  if (value === Infinity || value === -Infinity) return "Number too large.";
  const fits =
    typeof value === "number" ? !Number.isNaN(value) : typeof value === "string" && INTEGER.test(value);
  return unless(fits, "Not a valid integer.");
}

function floatProblem(value: unknown): string | undefined {
  const special = "Special numeric values (nan or infinity) are not permitted.";
  if (typeof value === "number") return unless(Number.isFinite(value), special);
  if (typeof value !== "string") return "Not a valid number.";
  if (NO_NUMBER.test(value)) return special;
  if (!DECIMAL.test(value)) return "Not a valid number.";
  return unless(Number.isFinite(Number(value.replaceAll("_", ""))), special);
}

/** A value of a type as an executor gets it: a word for true or false is one of the two, anything else stays. */
export function typedValue(type: ParameterType, value: unknown): unknown {
  return type === "boolean" ? booleanOf(value) : value;
}

function booleanOf(value: unknown): boolean | undefined {
  if (TRUE.includes(value)) return true;
  return FALSE.includes(value) ? false : undefined;
}

function listProblem(isItem: (item: unknown) => boolean, problem: string): Rule["problem"] {
  return (value) => {
    if (!Array.isArray(value)) return "Not a valid list.";
    if (value.some((item) => item === null)) return "Field may not be null.";
    return unless(value.every(isItem), problem);
  };
}

function isListItem(item: unknown): boolean {
  return typeof item === "string" || typeof item === "boolean" || Number.isInteger(item);
}

function isDomain(item: unknown): boolean {
  // Only what is not ASCII is converted: the conversion takes more than a name, such as `a%62.com`.
  return typeof item === "string" && DOMAIN.test(/^[\x00-\x7f]*$/.test(item) ? item : domainToASCII(item));
}

function rangeProblem(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    const fits = value.every((item) => typeof item === "boolean" || Number.isInteger(item));
    return unless(fits, "Only Integers allowed in the list");
  }
  if (typeof value !== "string") return "Invalid Data Type";
  if (!RANGE.test(value)) return "Incorrect format, use: (integer)-(integer)";
  const [from = "", to = ""] = value.split("-");
  return unless(isAscending(from, to), "Range has to be in ascending order");
}

/** Whether two numbers in digits are; of any length, for which BigInt takes long, and then throws. */
function isAscending(...numbers: readonly [string, string]): boolean {
  const [from, to] = numbers.map((digits) => digits.replace(/^0+/, "")) as [string, string];
  return from.length === to.length ? from <= to : from.length < to.length;
}

function isUrl(value: unknown): boolean {
  const [, host = ""] = (typeof value === "string" && URL_FORM.exec(value)) || [];
  return host.startsWith("[") ? isIPv6(host.slice(1, -1)) : URL_HOST.test(host);
}

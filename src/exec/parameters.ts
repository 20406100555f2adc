/**
 * Whether the parameters of a run are those that a manifest declares.
 *
 * A name must be one of the declared names, in any case, and nothing but it. What is wrong first decides the
 * kind, in the order in which Faraday's agents look: unexpected, missing, invalid. No text holds a value: it
 * may be a secret, and it travels to a server, a terminal and a log.
 */
import { didYouMean } from "../core/suggestion.ts";
import { abridged } from "../core/text.ts";
import {
  type ParameterBase,
  type ParameterType,
  problemOf,
  typedValue,
  valueOfText,
} from "./parameter-types.ts";

/** What a manifest says of one parameter. */
export type Parameter = {
  /** As it is written there; nowhere do two differ in case only. */
  readonly name: string;
  /** A value must be of one of them. */
  readonly types: readonly [ParameterType, ...ParameterType[]];
  readonly base: ParameterBase;
  readonly mandatory: boolean;
  /** Always so where a type is `password`. */
  readonly secret: boolean;
  readonly description: string | undefined;
  readonly displayName: string | undefined;
};

/** By their names in upper case. */
export type DeclaredParameters = ReadonlyMap<string, Parameter>;

type Item = string | number | boolean;
/** A value that is of its type. */
export type ParameterValue = Item | readonly Item[];
/** By their names in upper case. */
export type ParameterValues = ReadonlyMap<string, ParameterValue>;

export type ParameterCheck =
  | { readonly accepted: true; readonly values: ParameterValues }
  | {
      readonly accepted: false;
      readonly kind: "unexpected" | "missing" | "invalid" | "secret";
      /** One for each parameter, such as `TARGET: Not a valid list.`, harmless to a terminal. */
      readonly problems: readonly string[];
    };

/**
 * @param given by name, values as JSON has them
 * @param secrets `"refused"` where values come a way on which others read them
 */
export function checkParameters(
  declared: DeclaredParameters,
  given: ReadonlyMap<string, unknown>,
  secrets: "taken" | "refused" = "taken",
): ParameterCheck {
  const values = new Map([...given].map(([name, value]) => [name.toUpperCase(), value]));

  const unexpected = [...given.keys()].filter((name) => !declared.has(name.toUpperCase()));
  if (unexpected.length > 0)
    return refused(
      "unexpected",
      unexpected.map((name) => unknownName(name, declared)),
    );
  if (values.size < given.size) return refused("unexpected", [...twice(given.keys())].map(givenTwice));

  const present = [...declared].filter(([key]) => values.has(key));
  const secret = present.filter(([, { secret }]) => secret && secrets === "refused");
  if (secret.length > 0)
    return refused(
      "secret",
      secret.map(([key]) => `${key}: Secret, not taken from here`),
    );

  const missing = [...declared].filter(([key, { mandatory }]) => mandatory && !values.has(key));
  if (missing.length > 0) return refused("missing", missing.map(missingOf));

  const invalid = present.flatMap(([key, parameter]) => invalidOf(key, parameter, values.get(key)) ?? []);
  if (invalid.length > 0) return refused("invalid", invalid);
  const typed = present.map(([key, { types }]) => {
    const value = values.get(key);
    const type = types.find((candidate) => problemOf(candidate, value) === undefined) ?? types[0];
    return [key, typedValue(type, value)] as const;
  });
  // Each of them is of a type, and there is none that takes anything else.
  return { accepted: true, values: new Map(typed) as ReadonlyMap<string, unknown> as ParameterValues };
}

function refused(
  kind: Extract<ParameterCheck, { accepted: false }>["kind"],
  problems: readonly string[],
): ParameterCheck {
  return { accepted: false, kind, problems };
}

function unknownName(name: string, declared: DeclaredParameters): string {
  const close = didYouMean(name.toUpperCase(), declared.keys());
  return `${abridged(name)}: No such parameter${close}`;
}

function* twice(names: Iterable<string>): Iterable<string> {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name.toUpperCase())) yield name.toUpperCase();
    seen.add(name.toUpperCase());
  }
}

function givenTwice(key: string): string {
  return `${key}: Given twice`;
}

function missingOf([key, { types }]: readonly [string, Parameter]): string {
  return `${key}: Missing, expected ${types.join(" or ")}`;
}

function invalidOf(key: string, { types, secret }: Parameter, value: unknown): string | undefined {
  const problems = types.map((type) => problemOf(secret && type === "string" ? "password" : type, value));
  if (problems.every((problem) => problem !== undefined)) {
    const [first] = problems;
    if (problems.length === 1) return `${key}: ${first}`;
    return `${key}: ${types.map((type, index) => `(${type}) ${problems[index]}`).join(" ")}`;
  }
  // What no environment can hold; inside a list it is escaped.
  if (typeof value !== "string" || (!value.includes("\0") && !/\p{Surrogate}/u.test(value))) return undefined;
  return `${key}: Null characters and halves of characters are not allowed.`;
}

/** What each text means for the type that is declared; of several types the first that it fits. */
export function valuesOfTexts(
  texts: ReadonlyMap<string, string>,
  declared: DeclaredParameters,
): ReadonlyMap<string, unknown> {
  return new Map([...texts].map(([name, text]) => [name, valueFor(declared.get(name.toUpperCase()), text)]));
}

function valueFor(parameter: Parameter | undefined, text: string): unknown {
  const values = (parameter?.types ?? []).map((type) => ({ type, value: valueOfText(type, text) }));
  const fitting = values.find(({ type, value }) => problemOf(type, value) === undefined);
  return (fitting ?? values[0])?.value ?? text;
}

/** Parsers of setting texts that are not names, times or keys. Each throws `SyntaxError` with `expected …`. */
import { didYouMean } from "./suggestion.ts";

/** `true` or `false`, as in TOML; `1` and `0` too, as is the custom in an environment. */
export function parseSwitch(text: string): boolean {
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw new SyntaxError("expected true or false");
}

/** A counted switch: how often it was given, or a number; `false` starts anew. */
export function parseCount(texts: readonly string[]): number {
  let count = 0;
  for (const text of texts) {
    if (text === "true") count += 1;
    else if (text === "false") count = 0;
    else if (/^\d$/.test(text)) count += Number(text);
    else throw new SyntaxError("expected a number from 0 to 9");
  }
  return count;
}

/** A decimal integer between two limits, both included. */
export function parseInteger(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    throw new SyntaxError(`expected a whole number from ${minimum} to ${maximum}`);
  };
}

/** A parser that also says what it takes. */
type ChoiceParser<Word extends string> = ((text: string) => Word) & { readonly choices: readonly Word[] };

/** One of a few words. */
export function parseChoice<const Word extends string>(...choices: readonly Word[]): ChoiceParser<Word> {
  const parse = (text: string) => {
    const word = choices.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    const expected = `expected ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
    throw new SyntaxError(`${expected}${didYouMean(text, choices)}`);
  };
  return Object.assign(parse, { choices });
}

/** The words that a parser takes, where it was made by `parseChoice`; none for any other. */
export function choicesOf(parse: object): readonly string[] {
  return "choices" in parse && Array.isArray(parse.choices) ? parse.choices : [];
}

/** A path of a file or directory, which need not exist. */
export function parsePath(text: string): string {
  if (text === "" || text.includes("\0")) throw new SyntaxError("expected a path");
  return text;
}

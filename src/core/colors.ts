/** Colors of terminals: SGR sequences of ECMA-48 §8.3.117, and when they are wanted. */
import type { Environment } from "./settings.ts";

/** Each with what ends it: faint is no color, and ends otherwise. */
const CODES = { red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39], dim: [2, 22] } as const;
export type Color = keyof typeof CODES;

export function paint(text: string, color: Color): string {
  const [begin, end] = CODES[color];
  return `\u001b[${begin}m${text}\u001b[${end}m`;
}

/** Whether a terminal is to get colors: https://no-color.org, and those that can show none (terminfo(5)). */
export function wantsColors(
  { NO_COLOR: none, TERM: terminal }: Environment,
  isTerminal: boolean,
  forced: boolean,
): boolean {
  return forced || (isTerminal && !none && terminal !== "dumb");
}

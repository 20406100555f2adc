/** Colors of terminals: SGR sequences of ECMA-48 §8.3.117, and when they are wanted. */
import type { Environment } from "./settings.ts";

const CODES = { red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Color = keyof typeof CODES;

export function paint(text: string, color: Color): string {
  return `\u001b[${CODES[color]}m${text}\u001b[39m`;
}

/** Whether a terminal is to get colors: https://no-color.org, and those that can show none (terminfo(5)). */
export function wantsColors(
  { NO_COLOR: none, TERM: terminal }: Environment,
  isTerminal: boolean,
  forced: boolean,
): boolean {
  return forced || (isTerminal && !none && terminal !== "dumb");
}

import { count } from "./text.ts";

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

/**
 * How long ago something was, in the largest unit of which there is one: `2 days ago`.
 *
 * @param milliseconds less than none, where a clock was set back, count as none
 */
export function ago(milliseconds: number): string {
  const [unit, length] = UNITS.find(([, size]) => milliseconds >= size) ?? ["second", 1000];
  return `${count(Math.max(0, Math.floor(milliseconds / length)), unit)} ago`;
}

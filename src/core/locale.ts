/** What the terminal of an environment can show. */
import type { Environment } from "./settings.ts";

/** Whether there is more than ASCII: by the locale (POSIX, Base Definitions §8.2: LC_ALL, LC_CTYPE, LANG). */
export function showsUnicode({ LC_ALL, LC_CTYPE, LANG, TERM }: Environment): boolean {
  const locale = LC_ALL || LC_CTYPE || LANG || "";
  // The kernel's own console has no eighths of blocks.
  return /utf-?8/i.test(locale) && TERM !== "dumb" && TERM !== "linux";
}

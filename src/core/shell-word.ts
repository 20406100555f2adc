import { printable } from "./text.ts";

/** A path as it can be pasted into a shell: as it is where that is safe, otherwise in single quotes. */
export function shellWord(path: string): string {
  if (/^[A-Za-z0-9_./@%+=:,][A-Za-z0-9_./@%+=:,-]*$/.test(path)) return path;
  return `'${printable(path).replaceAll("'", "'\\''")}'`;
}

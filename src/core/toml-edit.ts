/**
 * Changes to a TOML file that a person wrote: comments, order and layout of the rest stay. The only door to toml-patch.
 *
 * In our own files a setting at its default is a comment without a blank, `#jobs = 8`: a setting that is given takes
 * the place of such a line, below the words that explain it, and stands at the end only where there is none.
 */
import { patch } from "@decimalturn/toml-patch";
import { CbError } from "./errors.ts";
import { printable } from "./text.ts";
import { parseToml } from "./toml.ts";

export type EditableValue = string | number | boolean | readonly string[];

/**
 * @param path for messages
 * @param changes by key, all at the top level; undefined takes a key away, with the comment right above it
 * @returns a text that reads as the old one with the changes
 * @throws {CbError} `setting` for a text that is no TOML, or that cannot be changed without losing something
 */
export function editToml(
  text: string,
  path: string,
  changes: ReadonlyMap<string, EditableValue | undefined>,
): string {
  const encoder = new TextEncoder();
  const before = { ...parseToml(encoder.encode(text), path, "setting") };
  const after = { ...before };
  let prepared = text;
  for (const [key, value] of changes) {
    if (value === undefined) delete after[key];
    else {
      after[key] = value;
      if (!Object.hasOwn(before, key)) prepared = uncomment(prepared, key);
    }
  }
  const patched = patch(prepared, after);
  // It ends a text that was empty without one.
  const edited = patched === text || patched.endsWith("\n") ? patched : `${patched}\n`;
  // Whatever the library makes of an unusual layout, no other key may change.
  const found = parseToml(encoder.encode(edited), path, "setting");
  if (canonical(found) === canonical(after)) return edited;
  throw new CbError("setting", `Cannot change "${printable(path)}": its layout is not understood`);
}

function uncomment(text: string, key: string): string {
  const line = new RegExp(`^#(${key} = .*)$`, "m");
  return text.replace(line, "$1");
}

function canonical(table: object): string {
  const sorted = Object.entries(table).sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify(sorted, (_key, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
}

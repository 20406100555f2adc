/**
 * The variables that an old executor got (`varenvs`), as its manifest is to have them.
 *
 * The old file had them all in clear text. Here a secret gets a file of its own; open-value.ts says what is one.
 */
import { abridged } from "../core/text.ts";
import { MAX_SECRET_BYTES, variableProblem } from "../exec/manifest-environment.ts";
import type { VariableSetup } from "./dispatcher-setup.ts";
import type { Notes } from "./notes.ts";
import type { OldTable, OldValue } from "./old-value.ts";
import { isOpen } from "./open-value.ts";

/**
 * @param prefix of keys in notes, such as `nmap.varenvs`
 * @returns by their names in capitals, which is how the original sets them
 */
export function variablesOf(
  table: OldTable,
  prefix: string,
  notes: Notes,
): ReadonlyMap<string, VariableSetup> {
  const variables = new Map<string, VariableSetup>();
  const lines = new Map<string, number>();
  for (const { key, line, value } of table.entries) {
    const name = key.toUpperCase();
    const about = `${prefix}.${abridged(key)}`;
    const problem = variableProblem(name) ?? valueProblem(value);
    if (problem !== undefined) {
      const way = name === "PATH" ? '; put "export PATH=…" into the script instead' : "";
      notes.add("lost", line, about, `${problem}${way}`);
      continue;
    }
    const text = value.kind === "text" ? value.text : "";
    const earlier = lines.get(name);
    if (earlier !== undefined)
      notes.add("left", earlier, `${prefix}.${name}`, `line ${line} sets it again, which counts`);
    lines.set(name, line);
    variables.set(name, isOpen(name, text) ? { value: text } : { secret: asRead(text) });
    notes.add(
      "taken",
      line,
      about,
      isOpen(name, text) ? `${name}, in the manifest` : `${name}, in a file of its own`,
    );
  }
  return variables;
}

function valueProblem(value: OldValue): string | undefined {
  if (value.kind !== "text") return "expected a text";
  if (value.text.includes("\0")) return "expected a text without NUL";
  const isTooLong = new TextEncoder().encode(value.text).length >= MAX_SECRET_BYTES;
  return isTooLong ? `expected less than ${MAX_SECRET_BYTES} bytes` : undefined;
}

/** One newline at the end of a secret's file is none of the secret. */
function asRead(text: string): string {
  return text.endsWith("\n") ? `${text}\n` : text;
}

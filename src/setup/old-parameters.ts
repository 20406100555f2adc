/** The parameters that an old executor of somebody's own took (`params`), as its manifest is to declare them. */
import { isParameterName, PARAMETER_NAME_FORM } from "../core/names.ts";
import { abridged } from "../core/text.ts";
import {
  baseOf,
  isParameterType,
  PARAMETER_BASES,
  PARAMETER_TYPES,
  type ParameterType,
} from "../exec/parameter-types.ts";
import type { Parameter } from "../exec/parameters.ts";
import type { Notes } from "./notes.ts";
import { booleanOf, entryOf, isNothing, type OldEntry, type OldTable, textAt } from "./old-value.ts";

/** @param prefix of keys in notes, such as `nmap.params` */
export function parametersOf(table: OldTable, prefix: string, notes: Notes): readonly Parameter[] {
  const parameters = new Map<string, Parameter>();
  for (const entry of table.entries) {
    const about = `${prefix}.${abridged(entry.key)}`;
    const say = (kind: "taken" | "changed" | "lost", text: string) =>
      notes.add(kind, entry.line, about, text);
    const parameter = isParameterName(entry.key) ? parameterOf(entry, say) : undefined;
    const other = parameters.get(entry.key.toUpperCase());
    if (parameter === undefined) {
      if (!isParameterName(entry.key)) say("lost", PARAMETER_NAME_FORM);
    } else if (other === undefined) {
      parameters.set(entry.key.toUpperCase(), parameter);
      say("taken", `${parameter.types.join(" or ")}${parameter.mandatory ? ", mandatory" : ""}`);
    } else say("lost", `it differs from ${other.name} in case only`);
  }
  return [...parameters.values()];
}

function parameterOf(
  { key, value }: OldEntry,
  say: (kind: "changed" | "lost", text: string) => void,
): Parameter | undefined {
  if (value.kind !== "table") {
    say("lost", "expected mandatory, type and base below it");
    return undefined;
  }
  const types = typesOf(value, say);
  if (types === undefined) return undefined;
  const base = PARAMETER_BASES.find((known) => known === textAt(value, "base")?.text);
  return {
    name: key,
    types,
    base: base ?? baseOf(types[0]),
    mandatory: isMandatory(value),
    secret: types.includes("password"),
    description: textAt(value, "description")?.text || undefined,
    displayName: textAt(value, "display_name")?.text || undefined,
  };
}

function isMandatory(table: OldTable): boolean {
  const value = entryOf(table, "mandatory")?.value;
  if (value === undefined) return false;
  return booleanOf(value) ?? (value.kind === "text" && /^t(?:rue)?$/i.test(value.text));
}

/** A value of a type that is not known was never taken by the original; where others are there, they stay. */
function typesOf(
  table: OldTable,
  say: (kind: "changed" | "lost", text: string) => void,
): Parameter["types"] | undefined {
  const value = entryOf(table, "type")?.value;
  if (value === undefined || isNothing(value)) {
    say("changed", "it has no type: string");
    return ["string"];
  }
  const words = value.kind === "list" ? value.items : [value];
  const known = words.flatMap((word): ParameterType[] =>
    word.kind === "text" && isParameterType(word.text) ? [word.text] : [],
  );
  const [first, ...others] = known;
  const expected = `expected a type of ${PARAMETER_TYPES.join(", ")}`;
  if (first === undefined) say("lost", expected);
  else if (known.length < words.length) say("changed", `a type of it is not known, ${expected}`);
  return first === undefined ? undefined : [first, ...others];
}
